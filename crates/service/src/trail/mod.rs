//! The audit trail: how an event is written, with its user's names sealed, and how it is read and checked.

pub(crate) mod history;
pub(crate) mod names;
pub(crate) mod read;
pub(crate) mod record;
pub(crate) mod refusal_counter;
pub(crate) mod strangers;

pub use read::{Finding, Record, Report, SignedHead, verify_trail};

/// What a key that is limited to some accounts does not read.
pub(crate) const TRAIL: &str = "trail";
