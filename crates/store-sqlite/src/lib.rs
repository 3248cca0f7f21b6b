//! The SQLite engine: one file, one writer, group commit.
//!
//! ```text
//! commit ──► channel ──► writer thread: all that waits ──► BEGIN IMMEDIATE … COMMIT ──► publish ──► answer
//!                                                               │                        │
//!                                  one audit row: events, and the users' new states      tail, head
//! users  ──► known, or ──► channel ──► writer or reader threads: `user` ──► tail ──► `user_state` for those not in it
//! ```
//!
//! **Append and fold.** A verification's commit does not touch the user's row: the audit row it needs anyway
//! carries the new state, and the *tail*, a map in memory, holds the newest state of every user whose row
//! is behind. All that a group decides is one audit row. The writer's hand goes round the tail in key order and writes a few states back in the transaction
//! of a commit; what a round has passed is folded, and opening reads only the rows after that. So a
//! commit appends to the end of one table, and random pages are written seldom and in order.
//!
//! **Erasing.** Sealed secrets lie in a table whose rows never move, are overwritten with zeroes where they lie,
//! and the write-ahead log is truncated soon after: from then on neither file holds them.
//!
//! **The log and the file.** SQLite lays whatever log stands beside a file over it. Here the owner's writer alone copies the
//! log into the file, after it has raised a number in both, and a log begins with the number of the file that it
//! builds on: opening refuses a pair that is none. Most of a long log a thread of the owner's copies beside the writer, once
//! the number is raised; the rest, and the word that all of it is there, are the writer's.
//!
//! **Known users.** The rows of users are known in memory, everybody's soon after a start (warm-up) if there is room, or else
//! of those seen lately; only the thread that writes puts them there, so that they are those of the files, and a verification
//! reads nothing.
//!
//! **Two processes.** The owner of the data directory (a lock file says who) does everything. Beside it a command
//! may read and may make or revoke API keys; each writes an audit chain of its own. An owner counts itself in (`owner.epoch`),
//! asks in every commit whether it is still the last, and looks at its files around every commit and once a second
//! ([`Sqlite::look`]): whoever lost one of them decides nothing more.

mod connection;
mod custody;
mod damage;
mod directory;
mod error;
mod fault;
mod fold;
mod generation;
mod group;
mod known;
mod options;
mod proof;
mod readers;
mod register;
mod schema;
mod shared;
mod sqlite;
mod tables;
mod tail;
mod traces;
mod trust;
mod watched;
mod writer;

pub use directory::OwnerLock;
pub use error::OpenError;
pub use options::{Options, Tuning};
pub use sqlite::Sqlite;

/// The database's name in the data directory.
pub const FILE_NAME: &str = "countersign.sqlite";
