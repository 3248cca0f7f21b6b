//! Sessions (P6): minted from a login, checked in memory, ended on disk before anybody is told so.
//!
//! A session is a row from its login to its end, and an entry in memory that says when it was seen last. A check reads the
//! token's MAC and that entry, and writes nothing; what was seen within a minute is saved in one commit. After a crash a
//! session was seen last when that was last saved: it may end a minute early, and never late.

pub(crate) mod check;
pub(crate) mod create;
pub(crate) mod end;
pub(crate) mod end_all;
pub(crate) mod ending;
pub(crate) mod housekeeping;
pub(crate) mod life;
pub(crate) mod list;
pub(crate) mod load;
pub(crate) mod registry;
pub(crate) mod token;
pub(crate) mod touches;

pub use check::{CheckedSession, SessionEnd};
pub use create::{NewSession, StartedSession};
pub use list::SessionView;

/// Living sessions of one user; of more the oldest ends.
pub(crate) const OF_USER_MAX: u32 = 100;
