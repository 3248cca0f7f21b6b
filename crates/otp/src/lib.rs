//! RFC 4226 and RFC 6238 arithmetic without a clock, a heap or a text format.
//!
//! A [`Secret`] and an [`Algorithm`] make a [`Key`]; a key turns a [`Step`] into a [`Code`] and
//! judges a code over a [`Window`] of steps. Time arrives as a number and leaves as a step; what
//! was right leaves as an [`Accepted`], which nobody else can make.
//!
//! ```
//! use countersign_otp::{Code, Key, Match, Parameters, Secret, Step, Window};
//!
//! let parameters = Parameters::DEFAULT;
//! let secret = Secret::from_slice(b"12345678901234567890")?;
//! let key = Key::new(&secret, parameters.algorithm);
//! let now = Step::at(59, parameters.period);
//!
//! let typed = Code::parse("287 082")?;
//! assert_eq!(typed.digits(), parameters.digits);
//! match key.check(&typed, Window::around(now, 1), None) {
//!     Match::Accepted(accepted) => assert_eq!(accepted.step(), now),
//!     Match::Used { .. } | Match::None => panic!("refused"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`check_all`] judges many codes at once, in the lanes of the processor's vectors.
//!
//! What people type is read by [`typed`], in the digits of every script; the readers of text keys and of keys in hexadecimal,
//! in other crates, stand on it too.
//!
//! # What stays secret
//! [`Secret`], [`Key`] and [`Code`] have no `Debug`, no `Clone` and no `==`, and are wiped when
//! dropped. A move may still leave bytes on the stack behind it, which Rust cannot prevent: make
//! them where they stay, and hand out references.
//!
//! The time and the memory accesses of [`Key`]'s functions and of [`check_all`] depend on public things only: the
//! algorithm, the numbers of digits, how many steps the window has, and the length of a secret.

#![no_std]

#[cfg(test)]
extern crate std;

mod accepted;
mod batch;
mod code;
mod hash;
mod key;
mod lanes;
mod matches;
mod parameters;
mod secret;
#[cfg_attr(not(target_arch = "x86_64"), path = "simd/none.rs")]
mod simd;
mod step;
pub mod typed;

pub use accepted::{Accepted, Match};
pub use batch::{Check, CheckKey, Kernel, check_all};
pub use code::{Code, ParseCodeError};
pub use key::Key;
pub use parameters::{Algorithm, Digits, Parameters, Period};
pub use secret::{Secret, SecretError};
pub use step::{Step, Window};
