//! Support: what was wrong with a code, what happened to a user, whose clock leaves the window, and people who lost their device.

mod applicant_token;
mod code_history;
pub(crate) mod complete_unbinding;
pub(crate) mod diagnose;
mod diagnosis_words;
pub(crate) mod drift;
mod drift_picture;
pub(crate) mod evidence;
mod examination;
mod finding;
mod handed_back;
mod history;
pub(crate) mod housekeeping;
pub(crate) mod passcode;
mod unbind_application;
mod unbind_approval;
pub(crate) mod unbind_request;
pub(crate) mod unbind_standing;

pub use diagnose::{DiagnosedCause, Diagnosis};
pub use drift::{DriftReport, DriftingDevice, LotDrift};
pub use drift_picture::{DriftPicture, drift_svg};
pub use evidence::{EVIDENCE_KINDS, EvidenceProvider, NewEvidence};
pub use history::HistoryView;
pub use passcode::{IssuedPasscode, NewPasscode};
pub use unbind_application::{NewApplication, NewVouching};
pub use unbind_approval::ApprovedUnbinding;
pub use unbind_request::{NewOutcome, NewUnbindRequest};
