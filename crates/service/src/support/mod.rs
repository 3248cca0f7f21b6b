//! Support: people who lost their device.

pub(crate) mod complete_unbinding;
pub(crate) mod evidence;
pub(crate) mod housekeeping;
pub(crate) mod passcode;
pub(crate) mod unbind_request;

pub use evidence::{EVIDENCE_KINDS, EvidenceProvider, NewEvidence};
pub use passcode::{IssuedPasscode, NewPasscode};
pub use unbind_request::{ApprovedUnbinding, NewOutcome, NewUnbindRequest};
