use std::{
    fs,
    io::{self, BufRead as _},
    path::PathBuf,
    process::ExitCode,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
    emulator::{Board, Emulator},
    firmware::{self, EMULATED},
    footprint, machine, packages,
    report::{Outcome, Report},
};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Build the firmware of every board
    Build,
    /// What the firmware takes: flash, memory, instructions a code
    Size(Size),
    /// Run the token in the emulator, its button under the Enter key
    Run(Run),
}

#[derive(clap::Args)]
pub(crate) struct Size {
    /// One JSON object instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(crate) struct Run {
    /// What the token keeps without power; made, with a random seed, when it is not there
    #[arg(long, value_name = "FILE", default_value = "target/firmware/eeprom.bin")]
    eeprom: PathBuf,
    /// Where QEMU's machine protocol is spoken
    #[arg(long, value_name = "SOCKET", default_value = "target/firmware/qmp.sock")]
    qmp: PathBuf,
}

impl Command {
    pub(crate) fn run(&self) -> ExitCode {
        let mut report = Report::new("cargo xtask firmware");
        if report.part("firmware", firmware::build) {
            match self {
                Self::Build => {}
                Self::Size(size) => {
                    report.part("size", || size.measure());
                }
                Self::Run(run) => {
                    report.part("run", || run.emulate());
                }
            }
        }
        report.finish()
    }
}

impl Size {
    fn measure(&self) -> Outcome {
        packages::ensure_emulator()?;
        let footprint = footprint::measure()?;
        if self.json {
            println!("{footprint}");
        } else {
            for (name, value) in footprint.as_object().into_iter().flatten() {
                println!("{name:24} {value}");
            }
        }
        Ok("bytes; instructions from the secret to the digits".into())
    }
}

impl Run {
    fn emulate(&self) -> Outcome {
        packages::ensure_emulator()?;
        let _ = fs::remove_file(&self.qmp); // of a run before
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        let board = Board {
            eeprom: machine::root().join(&self.eeprom),
            qmp_socket: Some(machine::root().join(&self.qmp)),
            ..Board::new(
                &EMULATED.program("token"),
                &machine::root(),
                since_1970.map_or(0, |since| since.as_secs()),
            )
        };
        let mut emulator = board.start().map_err(|error| error.to_string())?;
        println!("serial line  {}", emulator.port().display());
        println!("QMP          {}", machine::root().join(&self.qmp).display());
        println!("EEPROM       {}", board.eeprom.display());
        println!("Enter presses the button, `hold` and Enter holds it for 11 s, `q` and Enter switches off.");
        serve(&mut emulator).map_err(|error| error.to_string())?;
        Ok(String::new())
    }
}

fn serve(emulator: &mut Emulator) -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        let hold = match line?.trim() {
            "q" => return Ok(()),
            "hold" => Duration::from_secs(11),
            _ => Duration::from_millis(100),
        };
        emulator.press()?;
        thread::sleep(hold);
        emulator.release()?;
        thread::sleep(Duration::from_millis(400)); // the display follows
        println!("{}", emulator.screen()?);
    }
    // Nobody is there to press the button: the serial line and QMP serve until the process is ended.
    loop {
        thread::park();
    }
}
