use core::{
    fmt::{self, Write},
    hint::black_box,
};

use otp::{Algorithm, Code, Digits, Key, Secret, Step};
use token::{Picture, PortError};

use crate::{Board, Event};

/// Longest command, and longest echo.
const COMMAND_LEN: usize = 256;
/// The farthest position from the left edge of the block that the button moves.
const BLOCK_POSITIONS: usize = 8;

/// A new board's first program: every port of it, tried from a terminal on its serial line.
///
/// It shows a frame one pixel wide, a diagonal from the top left, and a block of 8 x 8 pixels that moves on with every
/// press of the button; edges are also told on the line. Commands are lines of text; numbers are decimal, bytes hex:
///
/// | command | answer |
/// |---|---|
/// | `echo TEXT` | `echo TEXT` |
/// | `time` | `time SECONDS`, `time stopped` |
/// | `time SECONDS` | sets it, then as above |
/// | `uptime` | `uptime MILLISECONDS` |
/// | `code SECONDS COUNT` | `code CODE MILLISECONDS`: the code of RFC 6238 appendix B for this time, computed so often, and how long that took |
/// | `read ADDRESS LENGTH` | `read BYTES`, 64 of them at most |
/// | `write ADDRESS BYTES` | `written` |
/// | `battery` | `battery PER_CENT` |
/// | `entropy` | `entropy BYTES`, `entropy none` |
/// | `sleep` | the display is dark until the next press |
pub fn self_test(mut board: impl Board) -> ! {
    let mut presses = 0;
    let _ = board.show(&picture(presses));
    say(&mut board, format_args!("ready"));
    let mut received = [0; 64];
    let mut command = Command::new();
    loop {
        match board.wait(None, &mut received) {
            Event::Tick => {}
            Event::Pressed => {
                presses += 1;
                let _ = board.show(&picture(presses));
                say(&mut board, format_args!("pressed"));
            }
            Event::Released => say(&mut board, format_args!("released")),
            Event::Received(bytes) => {
                for byte in bytes {
                    if let Some(line) = command.push(*byte) {
                        if obey(line, &mut board).is_none() {
                            say(&mut board, format_args!("failed"));
                        }
                        command.len = 0;
                    }
                }
            }
        }
    }
}

fn picture(presses: usize) -> Picture {
    let mut picture = Picture::new();
    let block = 16 + presses % BLOCK_POSITIONS * 12;
    for y in 0..Picture::HEIGHT {
        for x in 0..Picture::WIDTH {
            let frame = x == 0 || y == 0 || x == Picture::WIDTH - 1 || y == Picture::HEIGHT - 1;
            let lit = frame || x == y || (x >= block && x < block + 8 && (4..12).contains(&y));
            picture.set(x, y, lit);
        }
    }
    picture
}

/// Does it; `None` when that was no command, or the port did not do it.
fn obey(line: &str, board: &mut impl Board) -> Option<()> {
    let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
    match name {
        "echo" => say(board, format_args!("echo {rest}")),
        "time" => {
            if !rest.is_empty() {
                board.set_unix_s(rest.parse().ok()?).ok()?;
            }
            match board.unix_s().ok()? {
                Some(unix_s) => say(board, format_args!("time {unix_s}")),
                None => say(board, format_args!("time stopped")),
            }
        }
        "uptime" => {
            let uptime_ms = board.uptime_ms();
            say(board, format_args!("uptime {uptime_ms}"));
        }
        "code" => {
            let (unix_s, count) = rest.split_once(' ')?;
            let before_ms = board.uptime_ms();
            let code = code(unix_s.parse().ok()?, count.parse().ok()?)?;
            let took_ms = board.uptime_ms() - before_ms;
            say(board, format_args!("code {} {took_ms}", code.text(&mut [0; 8])));
        }
        "read" => {
            let (address, len) = rest.split_once(' ')?;
            let mut bytes = [0; 64];
            let bytes = bytes.get_mut(..len.parse().ok()?)?;
            board.read(address.parse().ok()?, bytes).ok()?;
            say(board, format_args!("read {}", Hex(bytes)));
        }
        "write" => {
            let (address, hex) = rest.split_once(' ')?;
            let mut bytes = [0; COMMAND_LEN / 2];
            let bytes = bytes.get_mut(..hex.len() / 2)?;
            for (place, digits) in bytes.iter_mut().zip(hex.as_bytes().chunks(2)) {
                *place = u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
            }
            board.write(address.parse().ok()?, bytes).ok()?;
            say(board, format_args!("written"));
        }
        "battery" => {
            let percent = board.percent();
            say(board, format_args!("battery {percent}"));
        }
        "entropy" => {
            let mut bytes = [0; 32];
            if board.fill(&mut bytes) {
                say(board, format_args!("entropy {}", Hex(&bytes)));
            } else {
                say(board, format_args!("entropy none"));
            }
        }
        "sleep" => {
            board.sleep().ok()?;
            say(board, format_args!("asleep"));
        }
        _ => return None,
    }
    Some(())
}

/// From the secret to the digits, this often.
fn code(unix_s: u64, count: u32) -> Option<Code> {
    let mut code = None;
    for _ in 0..count {
        let secret = Secret::from_slice(black_box(b"12345678901234567890")).ok()?;
        let key = Key::new(&secret, Algorithm::Sha1);
        code = Some(black_box(key.code(Step::new(unix_s / 30), Digits::EIGHT)));
    }
    code
}

fn say(board: &mut impl Board, words: fmt::Arguments<'_>) {
    let mut to_line = ToLine(board);
    let _ = to_line.write_fmt(words).and_then(|()| to_line.write_str("\n")); // there is no other place to say it
}

struct ToLine<'a, B>(&'a mut B);

impl<B: Board> Write for ToLine<'_, B> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.send(text.as_bytes()).map_err(|PortError| fmt::Error)
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// The line of text that is being received.
struct Command {
    bytes: [u8; COMMAND_LEN],
    len: usize,
}

impl Command {
    const fn new() -> Self {
        Self {
            bytes: [0; COMMAND_LEN],
            len: 0,
        }
    }

    /// The line, once its end is here; what is too long is cut.
    fn push(&mut self, byte: u8) -> Option<&str> {
        if byte == b'\n' {
            let line = self.bytes.get(..self.len).unwrap_or_default();
            return Some(str::from_utf8(line).unwrap_or_default().trim_end_matches('\r'));
        }
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
            self.len += 1;
        }
        None
    }
}
