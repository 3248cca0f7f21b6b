//! PSKC: the Portable Symmetric Key Container of RFC 6030.

mod base64;
mod cipher;
mod encryption_key;
mod key;
mod mac;
mod names;
mod policy;
mod reader;
mod value;
mod writer;

pub use encryption_key::{DEFAULT_PBKDF2_ITERATIONS, MAX_PBKDF2_ITERATIONS, MIN_PBKDF2_ITERATIONS};
pub use names::MANAGEMENT_KEY_NAMESPACE;
pub(crate) use reader::{is_key_container, other_root, read};
pub use writer::{Protect, write_encrypted, write_pskc_in_the_clear};
