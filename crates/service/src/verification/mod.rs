//! Is this code right? The lane and its batches, and what is remembered of a request.

pub(crate) mod answered_login;
pub(crate) mod batch;
mod by_code;
mod by_passcode;
mod by_recovery_code;
pub(crate) mod dummy_device;
pub(crate) mod lane;
pub(crate) mod memo;
pub(crate) mod request;
pub(crate) mod request_id;
mod trusted_road;
pub(crate) mod user_batch;
mod verify;

pub use request::{Acceptance, Answer};
pub use verify::Question;
