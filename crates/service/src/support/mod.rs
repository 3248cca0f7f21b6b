//! Support: people who lost their device.

pub(crate) mod passcode;

pub use passcode::{IssuedPasscode, NewPasscode};
