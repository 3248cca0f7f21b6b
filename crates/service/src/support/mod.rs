//! Support: what was wrong with a code, and whose clock leaves the window.

mod code_history;
pub(crate) mod diagnose;
mod diagnosis_words;
pub(crate) mod drift;
mod examination;
mod finding;

pub use diagnose::{DiagnosedCause, Diagnosis};
pub use drift::{DriftReport, DriftingDevice, LotDrift};
