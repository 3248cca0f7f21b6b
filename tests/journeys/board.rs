//! A real token: real firmware in the emulated board, on a desk with a serial line, in a user's hand with a display.

use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use link::{Comparing, Link, LinkError, Patience, TokenStatus, Wanted};
use tempfile::TempDir;

use crate::{
    digits,
    emulator::{Board, Emulator, Screen},
    world::World,
};

/// What the desk has of a token once it is programmed.
pub(crate) struct Made {
    pub(crate) secret: Vec<u8>,
    pub(crate) management_key: [u8; 32],
}

/// The port that [`link::open`] gives.
pub(crate) type Port = Box<dyn serialport::SerialPort>;

/// A token whose power comes and goes, while its clock's battery goes on.
pub(crate) struct Token {
    pub(crate) board: Board,
    _home: TempDir,
    /// By how much its clock is ahead.
    pub(crate) ahead_s: i64,
    draws: u8,
}

/// The firmware that `cargo xtask firmware build` makes.
fn firmware() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/firmware/thumbv7m-none-eabi/release/token-lm3s6965")
}

/// What an emulated token may take on a machine that is busy.
pub(crate) const PATIENCE: Patience = Patience {
    hello: std::time::Duration::from_secs(1),
    hello_tries: 20,
    answer: std::time::Duration::from_secs(10),
    answer_tries: 3,
    button: std::time::Duration::from_secs(60),
    glance: std::time::Duration::from_millis(50),
};

impl Token {
    /// As it comes from the factory.
    pub(crate) fn blank() -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        Self {
            board: Board::new(&firmware(), home.path(), 0),
            _home: home,
            ahead_s: 0,
            draws: 0,
        }
    }

    /// Gives it power; its clock shows the world's time and what it is ahead.
    pub(crate) fn on(&mut self, now_ms: i64) -> Emulator {
        let unix_s = now_ms / 1_000 + self.ahead_s;
        self.board.unix_s = u64::try_from(unix_s).expect("a time after 1970");
        self.board.start().expect("the emulator starts")
    }

    /// Random enough for a desk in a test; never the same twice.
    pub(crate) fn random(&mut self) -> [u8; 32] {
        self.draws += 1;
        std::array::from_fn(|place| (place as u8).wrapping_mul(73) ^ self.draws.wrapping_mul(29))
    }

    /// Programs it as the desk does: the digits are compared, the button is pressed, the seed is kept before it is
    /// committed to.
    pub(crate) fn provision(&mut self, serial_number: &str, now_ms: i64) -> Made {
        self.program(serial_number, now_ms, &[TokenStatus::Blank])
    }

    /// The same with one whose programming was cut off.
    pub(crate) fn provision_again(&mut self, serial_number: &str, now_ms: i64) -> Made {
        self.program(serial_number, now_ms, &[TokenStatus::Blank, TokenStatus::Provisioned])
    }

    fn program(&mut self, serial_number: &str, now_ms: i64, from: &[TokenStatus]) -> Made {
        let (session_random, secret_random) = (self.random(), self.random());
        let mut emulator = self.on(now_ms);
        let mut link = connect(&emulator);
        assert!(from.contains(&link.hello().expect("a token answers").status));
        let mut compare = |shown: link::ComparisonDigits| {
            let there = emulator
                .screen_when(|screen| read(screen).is_some())
                .expect("the token shows digits, too");
            assert_eq!(
                read(&there),
                Some(format!("{:06}", shown.get())),
                "the same on both sides"
            );
            emulator.press().expect("the button");
            emulator.release().expect("the button");
        };
        let mut session = link
            .open(&session_random, Comparing::Yes(&mut compare))
            .expect("a session");
        let wanted = Wanted {
            serial_number,
            label: "ACME CLOUD",
            parameters: Wanted::PARAMETERS,
            unix_s: u64::try_from(now_ms / 1_000).expect("a time after 1970"),
        };
        let made = session.provision(&wanted, &secret_random).expect("it takes a secret");
        let mut kept = None;
        let may_commit = made.keep(|secret, management_key| {
            kept = Some(Made {
                secret: secret.to_vec(),
                management_key: *management_key,
            });
            Ok::<(), LinkError>(())
        });
        session.commit(may_commit.expect("it is kept")).expect("it is sealed");
        let kept = kept.expect("it was handed over");
        session.prove(&kept.secret, &secret_random).expect("it has the secret");
        kept
    }

    /// The button is pressed, and what the display shows is read.
    pub(crate) fn code(&mut self, now_ms: i64) -> String {
        let mut emulator = self.on(now_ms);
        code_of(&mut emulator)
    }

    /// Two codes, one after the other.
    pub(crate) fn two_codes(&mut self, world: &World) -> [String; 2] {
        let first = self.code(world.now_ms());
        world.pass(30_000);
        [first, self.code(world.now_ms())]
    }
}

/// The host's end of its line.
pub(crate) fn connect(emulator: &Emulator) -> Link<Port> {
    let path = emulator.port().to_str().expect("a path of ASCII");
    Link::new(link::open(path).expect("the line is free"), PATIENCE)
}

/// Presses the button until there is a code: the page with the serial number comes in turn.
pub(crate) fn code_of(emulator: &mut Emulator) -> String {
    for _press in 0..6 {
        emulator.press().expect("the button");
        emulator.release().expect("the button");
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(3) {
            let screen = emulator.screen().expect("a picture");
            if let Some(code) = read(&screen) {
                return code;
            }
            thread::sleep(Duration::from_millis(30));
        }
    }
    panic!("no code after six presses:\n{}", emulator.screen().expect("a picture"));
}

fn read(screen: &Screen) -> Option<String> {
    digits::read(|x, y| screen.is_lit(x, y))
}
