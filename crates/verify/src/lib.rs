//! The state of one MFA device and its transitions, as pure values.
//!
//! `(state, code, now) -> (verdict, next state)`: nothing here knows a clock, a database, a socket or a
//! lock. Whoever calls holds the state, gives the time, and makes the next state durable *before* the
//! verdict is told to anybody, on the condition that the state is still the one that was judged.
//!
//! - [`judge`] decides one code: window around the offset, single use, lockout.
//! - [`resync`] measures a clock that left the window, by two consecutive codes.
//! - [`confirm`] decides the codes that complete a binding, and explains what the user can mend.
//! - [`diagnose`] tells support why a code was refused; it never accepts anything.
//! - [`Past`] is what may be told of a device: only steps whose codes are not accepted any more.
//! - [`shown_by`] and [`recognise`] tell support whose code it is.
//!
//! A device goes by the time (TOTP) or by a counter (HOTP): [`Moving`]; the next counter waits in the state, everything else is
//! one. Times are [`UnixMs`], distances are whole steps: there is no drift in seconds anywhere.

mod binding;
mod diagnosis;
mod judgement;
mod past;
mod policy;
mod recognition;
mod state;
mod throttle;
mod time;

pub use binding::{Confirmed, Refusal, confirm, confirm_counter};
pub use diagnosis::{Cause, diagnose};
pub use judgement::{Judgement, Purpose, Verdict, judge, resync};
pub use past::{Past, shown_before_binding, shown_by_dead_secret};
pub use policy::{Policy, ThrottlePolicy};
pub use recognition::{NextCode, UnboundToken, recognise, shown_by};
pub use state::{Credential, DeviceParts, DeviceState, DeviceStatus, Kind, Moving};
pub use throttle::{ATTEMPTS_MAX, Guess, GuessMac, LIFTS, Lock, LongCount, Recent, SparseThrottle, Throttle, WEEKS};
pub use time::UnixMs;
