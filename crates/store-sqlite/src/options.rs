//! Options of opening a database, and the engine's settings.

use std::time::Duration;

use store::audit::{Head, Sign, Verify};
use verify::UnixMs;

/// The process that opens the database, and its part: owner, or beside one.
pub struct Options<'a> {
    /// The writer's name in the register of audit chains: command, host, process.
    pub writer: String,
    /// The time of the chain's opening.
    pub opened_at: UnixMs,
    /// Signs the chain's opening, and the closings of chains whose writers were killed.
    pub sign: Sign<'a>,
    /// Checks the signature under the newest chain's opening, before anything is written.
    pub verify: Verify<'a>,
    /// The heads that are kept outside, all of them proven. Each must be reached, or the database is not opened; `None`
    /// is for who does not know any, and checks nothing.
    pub heads: Option<&'a [Head]>,
    /// `true` takes the data directory for this process alone (serve, restore, migrate). `false` is a command
    /// beside a running server: it reads, and it may make and revoke API keys.
    pub owner: bool,
}

/// The engine's settings; the defaults are what was measured.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// A group takes no further call once it has this many changes.
    pub group_changes: usize,
    /// About how many events of the trail may be unfolded: bounds the tail's memory and the work of opening.
    pub fold_at: u64,
    /// Folding waits until it is worth this many states.
    pub fold_chunk: usize,
    /// The pause after which a tail that is worth it is folded.
    pub fold_idle: Duration,
    /// The time that closing may spend on folding; what is left costs the next opening a little.
    pub fold_close: Duration,
    /// The pause after which an erasure is driven out of the write-ahead log.
    pub erase_idle: Duration,
    /// The time that an erasure waits for that at most.
    pub erase_latest: Duration,
    /// The write-ahead log's length, in pages of 4 KiB, at which it is copied into the database.
    pub checkpoint_pages: usize,
    /// Users whose rows are known without a read, with names that nobody has: some 200 bytes each. Everybody is, soon after a
    /// start, if there is room.
    pub known_users: usize,
    /// The pause before everybody is read anew, once somebody beside has written.
    pub known_again: Duration,
    /// The writer's page cache.
    pub writer_cache_mib: u32,
    /// The number of threads that read.
    pub readers: usize,
    /// Each reader's page cache; every commit empties it, so it holds no more than one read's pages.
    pub reader_cache_mib: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            group_changes: 1_024,
            fold_at: 250_000,
            fold_chunk: 256,
            fold_idle: Duration::from_secs(1),
            fold_close: Duration::from_secs(2),
            erase_idle: Duration::from_millis(50),
            erase_latest: Duration::from_secs(2),
            checkpoint_pages: 2_048,
            known_users: 1 << 21,
            known_again: Duration::from_secs(1),
            writer_cache_mib: 64,
            readers: 2,
            reader_cache_mib: 8,
        }
    }
}
