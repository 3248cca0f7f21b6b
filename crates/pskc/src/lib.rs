//! Token seed files: PSKC (RFC 6030) and the vendors' dialects, both ways.
//!
//! Whatever the format, a token is one [`Seed`].

mod seed;

pub use seed::{MANAGEMENT_KEY_LEN_BYTES, ManagementKey, Moving, Seed};
