//! The formats of enrollment, out and in: otpauth URIs, text keys, QR codes.
//!
//! Going out is strict, because the app cannot be asked again: one spelling that every app reads
//! ([`totp_uri`], [`text_key`], [`Qr`]). Coming in is tolerant, because the writer cannot be asked
//! either: whatever apps and services have been seen to write ([`Entry::parse`]), with what other
//! apps will make of it ([`Entry::quirks`]).
//!
//! Nothing here reads a file, a socket or a clock; randomness is an argument of [`new_secret`].
//! Every text that holds a secret is wiped when it is dropped, and is allocated at its final size
//! so that growing it leaves no copy behind.

pub mod base32;
mod entry;
mod label;
mod parse;
mod qr;
mod quirks;
mod scheme;
mod secret;
mod secret_buffer;
mod uri;

pub use entry::{Entry, EntryDigits, Kind};
pub use label::{Account, Issuer, LabelError, MAX_LABEL_LEN_BYTES};
pub use parse::{MAX_URI_LEN_BYTES, UriError};
pub use qr::{MAX_PX_PER_MODULE, MIN_PX_PER_MODULE, QUIET_ZONE_MODULES, Qr, QrError, TerminalStyle};
pub use quirks::{App, Ignored, Quirk, quirks_of};
pub use scheme::{holds_uri, uri_starts};
pub use secret::{SECRET_LEN_BYTES, new_secret, text_key};
pub use secret_buffer::SecretBuffer;
pub use uri::{COMFORTABLE_URI_LEN_BYTES, totp_uri};
