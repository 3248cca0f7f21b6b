//! The token's serial line: frames, messages, the session, and both ends as machines that take bytes and give bytes.
//!
//! Both ends compile this one crate, so they cannot disagree about a message. There is no port here, no clock, no
//! source of randomness and no heap: bytes and random numbers are arguments, and what is to be sent is a [`Frame`].
//! The specification is the manual's chapter "wire protocol"; the golden files in `tests/golden` are its examples.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

#[cfg(feature = "session")]
mod device;
mod frame;
#[cfg(feature = "session")]
mod host;
#[cfg(feature = "session")]
mod keys;
mod message;
#[cfg(feature = "session")]
mod session;

#[cfg(feature = "session")]
pub use device::{Answers, Device};
pub use frame::{FRAME_MAX_LEN_BYTES, Frame, FrameError, PAYLOAD_MAX_LEN_BYTES, Payload, Receiver};
#[cfg(feature = "session")]
pub use host::{Heard, Host, HostError};
#[cfg(feature = "session")]
pub use keys::{Order, authorisation, possession, secret};
pub use message::{
    About, Algorithm, Fault, NAME_MAX_LEN_BYTES, Parameters, Provision, Refusal, Request, Response, StatusReport,
    ToHost, ToToken, TokenStatus, TooLong, VERSION, WhyEnded, read, write,
};
#[cfg(feature = "session")]
pub use session::{ComparisonDigits, Session};
