//! The handlers: one family of calls, one file. They convert, call the use case, convert back.

pub(crate) mod batches;
pub(crate) mod devices;
pub(crate) mod docs;
pub(crate) mod enrollments;
pub(crate) mod exports;
pub(crate) mod probes;
pub(crate) mod tokens;
pub(crate) mod trail;
pub(crate) mod users;
pub(crate) mod verification;
