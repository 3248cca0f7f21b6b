//! The real binary, driven as its users drive it: as processes, over HTTP, in directories of their own.
#![allow(dead_code, reason = "each test uses its part")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test of real processes has real time, real randomness and an environment"
)]

pub(crate) mod emulator;
pub(crate) mod faketime;
pub(crate) mod http;
pub(crate) mod phone;
pub(crate) mod process;
pub(crate) mod pty;
pub(crate) mod receiver;
pub(crate) mod terminal;
pub(crate) mod tools;

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The period of everything we issue.
pub(crate) const STEP_S: u64 = 30;

pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock set after 1970");
    u64::try_from(since.as_millis()).expect("a clock set in this aeon")
}

/// The present time step.
pub(crate) fn now_step() -> u64 {
    now_ms() / 1_000 / STEP_S
}

/// The present step, once it lasts for this long at least: nothing else makes a story of real codes repeatable.
pub(crate) fn step_that_lasts(seconds: u64) -> u64 {
    let left_ms = STEP_S * 1_000 - now_ms() % (STEP_S * 1_000);
    if left_ms < seconds * 1_000 {
        thread::sleep(Duration::from_millis(left_ms + 20));
    }
    now_step()
}

/// Waits until it is so, for as long as a slow machine needs.
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    for _ in 0..600 {
        if so() {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("after 30 s still not so: {what}");
}

/// Does what erases something, and waits until it is driven out of the log: the log is empty then, or another one that says
/// so with its first commit, for it does not stay empty.
pub(crate) fn cutting_the_log<T>(dir: &Path, erase: impl FnOnce() -> T) -> T {
    let log = dir.join("countersign.sqlite-wal");
    let follows = || tools::sqlite3(dir, "SELECT log_follows FROM owner");
    let before = follows();
    let done = erase();
    until("the log is cut", || {
        fs::metadata(&log).is_ok_and(|log| log.len() == 0) || follows() != before
    });
    done
}

/// A file with a secret, as its owner keeps it: others may not read it.
pub(crate) fn write_private(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    let path = path.as_ref();
    fs::write(path, bytes)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}

/// Every file of this directory, should there be one, with its content: to see that nothing changed.
pub(crate) fn contents(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file())
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::read(&path).expect("a readable file"))
        })
        .collect();
    files.sort();
    files
}

/// Whether the test runs at full length.
pub(crate) fn soak() -> bool {
    std::env::var_os("COUNTERSIGN_SOAK").is_some_and(|value| value == "1")
}

/// Random enough to find other moments on each run; its seed is printed, and taken from `COUNTERSIGN_SEED`.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new() -> Self {
        use std::hash::{BuildHasher as _, RandomState};
        let given = std::env::var("COUNTERSIGN_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(now_ms()));
        println!("COUNTERSIGN_SEED={seed}");
        Self(seed | 1)
    }

    /// Another one that goes its own way.
    pub(crate) fn split(&mut self) -> Self {
        Self(self.next() | 1)
    }

    fn next(&mut self) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// 0 to `sides`, without it.
    pub(crate) fn below(&mut self, sides: usize) -> usize {
        usize::try_from((self.next() >> 16) % sides as u64).expect("it is below a usize")
    }
}
