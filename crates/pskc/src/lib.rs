//! Token seed files: PSKC (RFC 6030) and the vendors' dialects, both ways.
//!
//! Whatever the format, a token is one [`Seed`]. [`read`] recognises a file by what is in it; [`write_encrypted`] writes
//! the one format that keeps its secrets, and the functions whose names end in `in_the_clear` write those that do not.
//!
//! ```
//! use pskc::{Format, Unlock, read};
//!
//! let file = b"serial,seed\n1000123,3132333435363738393031323334353637383930\n";
//! let receipt = read(file, &Unlock::Nothing)?;
//! assert_eq!(receipt.format, Format::SerialSeed);
//! assert_eq!(receipt.seeds[0].secret.expose_secret(), b"12345678901234567890");
//! for remark in &receipt.remarks {
//!     println!("{remark}"); // what was assumed, because the file does not say it
//! }
//! # Ok::<(), pskc::ReadError>(())
//! ```
//!
//! # All, some or nothing
//! A file that is not what its format says ends in one [`ReadError`] with the line, and nothing is imported. A file that
//! is well-formed but has tokens which cannot be used here gives the others, and a [`Refusal`] for each of these.
//!
//! # What stays secret
//! Secrets in the clear live in buffers that are wiped when dropped. Two stay with the caller: the bytes of the file,
//! and the key or password of [`Unlock`] and [`Protect`]. The XML reader copies a text that has an entity or a carriage
//! return in it into memory of its own, which is not wiped; base64 has neither.
//!
//! Nothing here reads a file, a clock or a source of randomness: random bytes come from the caller's closure.

mod column;
mod container;
mod date;
mod duplicates;
mod error;
mod hash_name;
mod options;
mod problem;
mod read;
mod receipt;
mod rounded;
mod seed;
mod table;
mod text;
mod vendors;
mod xml;
mod zeros;

pub use column::{Encoding, typed_hex};
pub use container::{
    DEFAULT_PBKDF2_ITERATIONS, MANAGEMENT_KEY_NAMESPACE, MAX_PBKDF2_ITERATIONS, MIN_PBKDF2_ITERATIONS, Protect,
    write_encrypted, write_pskc_in_the_clear,
};
pub use error::{Place, ReadError, WriteError};
pub use options::{Options, Said};
pub use problem::Problem;
pub use read::{MAX_FILE_LEN_BYTES, Unlock, read, read_as, read_with};
pub use receipt::{Format, Protection, Reason, Receipt, Refusal, Remark};
pub use seed::{MANAGEMENT_KEY_LEN_BYTES, MIN_SECRET_LEN_BYTES, ManagementKey, Moving, Seed};
pub use vendors::{Dialect, write_csv_in_the_clear};
