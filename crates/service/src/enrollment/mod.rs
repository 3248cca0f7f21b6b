//! Binding a device: an enrollment is started, and confirmed by the codes of the new device.

pub(crate) mod confirm;
pub(crate) mod identity_proof;
pub(crate) mod start;
pub(crate) mod state;

pub use confirm::Confirmation;
pub use identity_proof::ProofOfIdentity;
pub use start::{NewDevice, NewEnrollment, Replacement, ShownSecret, StartedEnrollment};
