use std::{
    io::{self, IsTerminal as _, Read as _, Write as _},
    path::PathBuf,
    process::ExitCode,
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use clap::Args;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use serde_json::json;
use service::Clock as _;
use simulator::{Board, FileStorage, Pty, Screen, Simulated, World};

use super::port::random;
use crate::{
    Failure,
    commands::{Done, print_json},
    real::RealClock,
};

#[derive(Args)]
pub(in crate::commands) struct Simulate {
    /// What the token keeps; a file that is not there becomes a blank token
    #[arg(long, value_name = "FILE")]
    storage: PathBuf,
    /// What time it is when it starts, such as 2026-11-21T08:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    time: Option<api::Timestamp>,
    /// By how much its quartz is too fast (too slow: negative)
    #[arg(long, value_name = "PPM", default_value_t = 0, allow_negative_numbers = true)]
    drift_ppm: i32,
    /// Prints an object with the port instead of the port alone
    #[arg(long)]
    json: bool,
}

/// The machine's clock, or one that was started at another time.
struct StartedAt {
    clock: RealClock,
    ahead_ms: i64,
}

impl World for StartedAt {
    fn unix_ms(&self) -> u64 {
        u64::try_from(self.clock.now().get().saturating_add(self.ahead_ms)).unwrap_or(0)
    }

    fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.clock.monotonic_ms()).unwrap_or(0)
    }
}

/// The time that a press lasts, for a terminal tells of no key that goes up.
const PRESS: Duration = Duration::from_millis(60);
const TURN: Duration = Duration::from_millis(20);

impl Simulate {
    pub(super) fn run(self) -> Done {
        let clock = RealClock::new();
        let ahead_ms = self.time.map_or(0, |time| time.unix_ms() - clock.now().get());
        let storage = FileStorage::open(&self.storage, &*random()?).map_err(|error| {
            Failure::new(format!("{}: {error}", self.storage.display())).help("name another file with --storage FILE")
        })?;
        let board = Board::new(storage, Box::new(StartedAt { clock, ahead_ms })).with_drift_ppm(self.drift_ppm);
        let mut pty = Pty::open().map_err(|error| Failure::new(format!("no pseudo-terminal: {error}")))?;
        let port = pty.path().display().to_string();
        if self.json {
            print_json(&json!({"port": port}))?;
        } else {
            tell!("{port}")?;
        }
        io::stdout().flush().map_err(Failure::new)?;
        let keys = Keys::listen()?;
        let mut token = Simulated::power_on(board);
        let mut drawing = Drawing::on_stderr();
        if drawing.is_seen {
            eprintln!("Enter or space: the button; h: hold it, and let it go; q: end");
        }
        let mut held = false;
        loop {
            match keys.next() {
                Some(Key::Press) => {
                    token.press();
                    thread::sleep(PRESS);
                    token.release();
                }
                Some(Key::Hold) => {
                    held = !held;
                    if held { token.press() } else { token.release() }
                }
                Some(Key::End) => return Ok(ExitCode::SUCCESS),
                None => {}
            }
            pty.serve(&mut token, TURN).map_err(Failure::new)?;
            drawing.draw(token.screen());
        }
    }
}

enum Key {
    Press,
    Hold,
    End,
}

/// Keys as they are pressed, or lines of whatever stdin is.
struct Keys {
    bytes: Receiver<u8>,
    /// As the terminal was.
    before: Option<Termios>,
}

impl Keys {
    fn listen() -> Result<Self, Failure> {
        let before = if io::stdin().is_terminal() {
            let before = tcgetattr(io::stdin()).map_err(Failure::new)?;
            let mut now = before.clone();
            now.local_modes &= !(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
            tcsetattr(io::stdin(), OptionalActions::Now, &now).map_err(Failure::new)?;
            Some(before)
        } else {
            None
        };
        let (sender, bytes) = channel();
        thread::spawn(move || {
            for byte in io::stdin().lock().bytes().map_while(Result::ok) {
                if sender.send(byte).is_err() {
                    return;
                }
            }
        });
        Ok(Self { bytes, before })
    }

    fn next(&self) -> Option<Key> {
        match self.bytes.try_recv().ok()? {
            b'\n' | b'\r' | b' ' => Some(Key::Press),
            b'h' => Some(Key::Hold),
            // Control-C and Control-D are keys like others now.
            b'q' | 3 | 4 => Some(Key::End),
            _ => None,
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _as_it_was = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

/// The display, redrawn in place.
struct Drawing {
    is_seen: bool,
    /// Half blocks need 128 columns; braille half of that.
    is_wide: bool,
    shown: Option<(Screen, usize)>,
}

impl Drawing {
    fn on_stderr() -> Self {
        let columns = terminal_size::terminal_size_of(io::stderr()).map(|(width, _)| width.0);
        Self {
            is_seen: io::stderr().is_terminal(),
            is_wide: columns.is_some_and(|columns| columns >= 128),
            shown: None,
        }
    }

    fn draw(&mut self, screen: &Screen) {
        if !self.is_seen || self.shown.as_ref().is_some_and(|(shown, _)| shown == screen) {
            return;
        }
        let picture = if self.is_wide {
            screen.to_terminal()
        } else {
            screen.to_braille()
        };
        if let Some((_, lines)) = self.shown {
            eprint!("\x1b[{lines}A");
        }
        eprint!("{picture}");
        self.shown = Some((screen.clone(), picture.lines().count()));
    }
}
