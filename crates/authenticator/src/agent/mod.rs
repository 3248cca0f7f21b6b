//! The agent: a process in the background that holds one vault's data key, and nothing else, for a while.
//!
//! It saves the passphrase and its costly derivation; every command still reads the vault's file. It listens on a socket in
//! a directory that only its user may enter, and answers only processes of the same user. A request is one byte:
//!
//! | request | answer |
//! |---|---|
//! | `k` | the data key\[32\] |
//! | `s` | seconds left (u32, little-endian) |
//! | `l` | `l`, when the key is wiped; the agent ends when the asker has hung up |

mod client;
mod keeper;
mod socket;

pub(crate) use client::Agent;
pub(crate) use keeper::keep;

const GIVE_KEY: u8 = b'k';
const SECONDS_LEFT: u8 = b's';
const LOCK: u8 = b'l';
/// The agent's word on its pipe that it listens.
const READY: &[u8] = b"ready";
