//! Support: what was wrong with a code, what happened to a user, and whose clock leaves the window.

mod code_history;
pub(crate) mod diagnose;
mod diagnosis_words;
pub(crate) mod drift;
mod examination;
mod finding;
mod history;

pub use diagnose::{DiagnosedCause, Diagnosis};
pub use drift::{DriftReport, DriftingDevice, LotDrift};
pub use history::HistoryView;
