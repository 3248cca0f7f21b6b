//! The token's emulated board: QEMU's lm3s6965evb with an EEPROM and a real-time clock on its I2C bus.
//!
//! Needs `qemu-system-arm`, and the firmware that `cargo xtask firmware build` makes; `cargo xtask test` sees to both.
//! With the standard library and `serde_json` alone, since xtask measures with it too.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// What the EEPROM holds.
pub(crate) const EEPROM_LEN: usize = 8_192;
/// Where the application looks for the random bytes that are each storage image's own (`token::FACTORY_SEED_ADDRESS`).
const SEED_AT: usize = 0;
const SEED_LEN: usize = 32;

/// How the token's time goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// With the host's clock.
    Real,
    /// As fast as the host can: sleep takes no time, an instruction 8 ns of the token's.
    ///
    /// Setting the real-time clock goes wrong by the seconds it is ahead, once for each register (QEMU takes that
    /// difference from the host's clock): set it at a real pace, or start with another `unix_s`.
    FastForward,
    /// An instruction is 2^N ns of the token's time: for counting them.
    Counted(u8),
}

/// A board to be switched on.
#[derive(Clone, Debug)]
pub(crate) struct Board {
    /// The firmware, an ELF file.
    pub(crate) firmware: PathBuf,
    /// Keeps the EEPROM's content; made, with a seed page of its own, when it is not there.
    pub(crate) eeprom: PathBuf,
    /// What the real-time clock shows at the start, seconds since 1970; it has no memory of its own.
    pub(crate) unix_s: u64,
    pub(crate) pace: Pace,
    /// A socket where QEMU's machine protocol is spoken too.
    pub(crate) qmp_socket: Option<PathBuf>,
}

/// A board with power. Dropping it cuts the power: the EEPROM keeps what was written before.
pub(crate) struct Emulator {
    qemu: Child,
    qmp: Qmp,
    port: PathBuf,
    scratch: PathBuf,
}

impl Board {
    /// The token's firmware on a board whose EEPROM is a file in `directory`.
    pub(crate) fn new(firmware: &Path, directory: &Path, unix_s: u64) -> Self {
        Self {
            firmware: firmware.to_owned(),
            eeprom: directory.join("eeprom.bin"),
            unix_s,
            pace: Pace::Real,
            qmp_socket: None,
        }
    }

    /// Gives it power.
    pub(crate) fn start(&self) -> io::Result<Emulator> {
        if !self.firmware.is_file() {
            let text = format!(
                "{} is missing: run `cargo xtask firmware build`",
                self.firmware.display()
            );
            return Err(io::Error::new(io::ErrorKind::NotFound, text));
        }
        if !self.eeprom.exists() {
            fs::write(&self.eeprom, new_eeprom()?)?;
        }
        let mut command = self.qemu();
        command.args(["-qmp", "stdio", "-serial", "pty"]);
        if let Some(socket) = &self.qmp_socket {
            let socket = socket.display().to_string().replace(',', ",,");
            command.args(["-qmp", &format!("unix:{socket},server=on,wait=off")]);
        }
        let mut qemu = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("qemu-system-arm did not start: {error}")))?;
        let qmp = Qmp::greet(qemu.stdin.take(), qemu.stdout.take());
        let mut emulator = Emulator {
            qmp: match qmp {
                Ok(qmp) => qmp,
                Err(error) => {
                    let _ = qemu.kill();
                    let _ = qemu.wait();
                    return Err(error);
                }
            },
            qemu,
            port: PathBuf::new(),
            scratch: self.eeprom.with_extension(format!("{}.qemu", std::process::id())),
        };
        emulator.port = emulator.find_port()?;
        emulator.press()?; // a key reads as pressed until it was used once
        emulator.release()?;
        Ok(emulator)
    }

    /// QEMU with everything but its connections.
    fn qemu(&self) -> Command {
        let mut command = Command::new("qemu-system-arm");
        command.args(["-M", "lm3s6965evb", "-display", "none", "-monitor", "none"]);
        command.arg("-kernel").arg(&self.firmware);
        command.arg("-drive").arg(format!(
            "if=none,id=eeprom,format=raw,file={}",
            self.eeprom.display().to_string().replace(',', ",,")
        ));
        command.args([
            "-device",
            &format!("at24c-eeprom,address=0x50,rom-size={EEPROM_LEN},drive=eeprom"),
        ]);
        command.args(["-device", "ds1338,address=0x68"]);
        let clock = if self.pace == Pace::Real { "host" } else { "vm" };
        command.args(["-rtc", &format!("base={},clock={clock}", date_time(self.unix_s))]);
        match self.pace {
            Pace::Real => {}
            Pace::FastForward => drop(command.args(["-icount", "shift=3,sleep=off"])),
            Pace::Counted(shift) => drop(command.args(["-icount", &format!("shift={shift},sleep=off")])),
        }
        command
    }
}

impl Emulator {
    /// The host's end of the serial line. The first byte may take a second, until QEMU notices that it was opened.
    pub(crate) fn port(&self) -> &Path {
        &self.port
    }

    /// The button goes down.
    pub(crate) fn press(&mut self) -> io::Result<()> {
        self.key(true)
    }

    /// The button goes up.
    pub(crate) fn release(&mut self) -> io::Result<()> {
        self.key(false)
    }

    /// What the display shows.
    pub(crate) fn screen(&mut self) -> io::Result<Screen> {
        let file = self.scratch.clone();
        self.qmp
            .execute("screendump", json!({"filename": file.display().to_string()}))?;
        let ppm = fs::read(&file)?;
        fs::remove_file(&file)?;
        Screen::from_ppm(&ppm).ok_or_else(|| io::Error::other("a picture of another kind than expected"))
    }

    /// Waits until the display shows what is looked for, 20 s at the most, and returns it.
    pub(crate) fn screen_when(&mut self, mut so: impl FnMut(&Screen) -> bool) -> io::Result<Screen> {
        let start = Instant::now();
        loop {
            let screen = self.screen()?;
            if so(&screen) {
                return Ok(screen);
            }
            if start.elapsed() > Duration::from_secs(20) {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("after 20 s not what was looked for, but\n{screen}"),
                ));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// A part of the memory, as the processor sees it.
    pub(crate) fn memory(&mut self, address: u32, len: usize) -> io::Result<Vec<u8>> {
        let file = self.scratch.clone();
        self.qmp.execute(
            "pmemsave",
            json!({"val": address, "size": len, "filename": file.display().to_string()}),
        )?;
        let bytes = fs::read(&file)?;
        fs::remove_file(&file)?;
        Ok(bytes)
    }

    /// Cuts the power: SIGKILL, in the midst of whatever runs.
    pub(crate) fn kill(self) {
        drop(self);
    }

    fn key(&mut self, down: bool) -> io::Result<()> {
        let key = json!({"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": "ctrl"}}});
        self.qmp.execute("input-send-event", json!({"events": [key]}))?;
        Ok(())
    }

    fn find_port(&mut self) -> io::Result<PathBuf> {
        let devices = self.qmp.execute("query-chardev", json!({}))?;
        let mut names = devices
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|device| device["filename"].as_str());
        let name = names.find_map(|name| name.strip_prefix("pty:"));
        name.map(PathBuf::from)
            .ok_or_else(|| io::Error::other("QEMU has no pseudo-terminal"))
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
        let _ = fs::remove_file(&self.scratch);
    }
}

/// An EEPROM as it leaves the factory: empty, but for a seed page like no other's.
pub(crate) fn new_eeprom() -> io::Result<Vec<u8>> {
    let mut content = vec![0xff; EEPROM_LEN];
    File::open("/dev/urandom")?.read_exact(&mut content[SEED_AT..SEED_AT + SEED_LEN])?;
    Ok(content)
}

/// QEMU's machine protocol: a JSON object a line, both ways.
struct Qmp {
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Qmp {
    fn greet(to: Option<ChildStdin>, from: Option<ChildStdout>) -> io::Result<Self> {
        let (to, from) = to
            .zip(from)
            .ok_or_else(|| io::Error::other("QEMU was started without pipes"))?;
        let mut qmp = Self {
            to,
            from: BufReader::new(from),
        };
        qmp.message()?; // its greeting
        qmp.execute("qmp_capabilities", json!({}))?;
        Ok(qmp)
    }

    fn execute(&mut self, command: &str, arguments: Value) -> io::Result<Value> {
        writeln!(self.to, "{}", json!({"execute": command, "arguments": arguments}))?;
        loop {
            let mut message = self.message()?; // events come between
            if let Some(wrong) = message.get("error") {
                return Err(io::Error::other(format!("{command}: {wrong}")));
            }
            if let Some(answer) = message.get_mut("return") {
                return Ok(answer.take());
            }
        }
    }

    /// The next message; QEMU also tells people what it does, on the same stream.
    fn message(&mut self) -> io::Result<Value> {
        let mut line = String::new();
        while !line.starts_with('{') {
            line.clear();
            if self.from.read_line(&mut line)? == 0 {
                let text = "QEMU ended; another one may be using this EEPROM file";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
            }
        }
        Ok(serde_json::from_str(&line)?)
    }
}

/// 128 x 64 pixels, lit or dark.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Screen {
    lit: Vec<bool>,
}

impl Screen {
    pub(crate) const WIDTH: usize = 128;
    pub(crate) const HEIGHT: usize = 64;

    /// Whether this pixel is lit; outside the screen all is dark.
    pub(crate) fn is_lit(&self, x: usize, y: usize) -> bool {
        x < Self::WIDTH && y < Self::HEIGHT && self.lit[y * Self::WIDTH + x]
    }

    /// How many pixels are lit.
    pub(crate) fn count(&self) -> usize {
        self.lit.iter().filter(|lit| **lit).count()
    }

    /// From a PPM picture (P6, 8 bits a colour) that shows each pixel as a square: its middle decides.
    fn from_ppm(ppm: &[u8]) -> Option<Self> {
        let mut fields = ppm.splitn(4, u8::is_ascii_whitespace);
        let number = |field: &[u8]| str::from_utf8(field).ok()?.parse::<usize>().ok();
        (fields.next()? == b"P6").then_some(())?;
        let (width, height) = (number(fields.next()?)?, number(fields.next()?)?);
        let pixels = fields.next()?.strip_prefix(b"255\n")?;
        let square = width / Self::WIDTH;
        if square == 0
            || width % Self::WIDTH != 0
            || height != square * Self::HEIGHT
            || pixels.len() != width * height * 3
        {
            return None;
        }
        let middle = |x: usize, y: usize| ((y * square + square / 2) * width + x * square + square / 2) * 3;
        let places = (0..Self::HEIGHT).flat_map(|y| (0..Self::WIDTH).map(move |x| (x, y)));
        Some(Self {
            lit: places.map(|(x, y)| pixels[middle(x, y)] > 0x7f).collect(),
        })
    }
}

/// As text, two rows of pixels a line.
impl std::fmt::Display for Screen {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for y in (0..Self::HEIGHT).step_by(2) {
            for x in 0..Self::WIDTH {
                formatter.write_str(match (self.is_lit(x, y), self.is_lit(x, y + 1)) {
                    (false, false) => " ",
                    (true, false) => "▀",
                    (false, true) => "▄",
                    (true, true) => "█",
                })?;
            }
            formatter.write_str("\n")?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, formatter)
    }
}

/// The host's end of the serial line, for who speaks over it by hand.
pub(crate) struct Line {
    to: File,
    from: Receiver<Vec<u8>>,
    read: Vec<u8>,
}

impl Line {
    pub(crate) fn open(port: &Path) -> io::Result<Self> {
        const O_NOCTTY: i32 = 0o400;
        let to = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(O_NOCTTY)
            .open(port)?;
        let mut from = to.try_clone()?;
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = [0; 4_096];
            while let Ok(1..) = from
                .read(&mut bytes)
                .map(|len| sender.send(bytes[..len].into()).map_or(0, |()| len))
            {}
        });
        Ok(Self {
            to,
            from: receiver,
            read: Vec::new(),
        })
    }

    /// Opens it, and returns once the self-test has answered and has nothing else to say.
    pub(crate) fn to_self_test(port: &Path) -> io::Result<Self> {
        let mut line = Self::open(port)?;
        let start = Instant::now();
        loop {
            line.send(b"echo connected\n")?;
            match line.text(Duration::from_millis(300)) {
                Ok(text) if text == "echo connected" => break,
                Err(error) if start.elapsed() > Duration::from_secs(20) => return Err(error),
                _ => {} // the rest of something else, or nothing yet
            }
        }
        line.send(b"echo and quiet\n")?;
        while line.text(Duration::from_secs(20))? != "echo and quiet" {}
        Ok(line)
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(bytes)
    }

    /// The next line of text without its end, which must come within this time.
    pub(crate) fn text(&mut self, within: Duration) -> io::Result<String> {
        let end = Instant::now() + within;
        loop {
            if let Some(at) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=at).collect();
                return Ok(String::from_utf8_lossy(&line[..at]).into_owned());
            }
            match self.from.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.read.extend(bytes),
                Err(RecvTimeoutError::Timeout) => {
                    let read = String::from_utf8_lossy(&self.read).into_owned();
                    return Err(io::Error::new(
                        io::ErrorKind::TimedOut,
                        format!("nothing after {read:?}"),
                    ));
                }
                Err(RecvTimeoutError::Disconnected) => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }
}

/// As QEMU wants it: `2009-02-13T23:31:30`.
fn date_time(unix_s: u64) -> String {
    let (days, second) = (unix_s / 86_400, unix_s % 86_400);
    // Days to a date as in Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms".
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month_from_march >= 10);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}
