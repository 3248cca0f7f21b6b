//! The audit trail: how an event is written, with its user's names sealed, and how it is read and checked.

pub(crate) mod activity;
pub(crate) mod audit;
pub(crate) mod event;
pub(crate) mod history;
pub(crate) mod names;
pub(crate) mod read;
pub(crate) mod refusal_counter;
pub(crate) mod scan;
pub(crate) mod strangers;

use self::{refusal_counter::RefusalCounter, strangers::Strangers};

pub use activity::{Activity, ActivityPeriod};
pub use audit::{AuditFilter, AuditOrder, AuditPage};
pub use read::{Finding, Record, Report, SignedHead, verify_trail};

/// The trail, which a key that is limited to some accounts does not read.
pub(crate) const TRAIL: &str = "trail";

/// Memory of what the trail learns behind the requests: refusals that are counted, and users whom it names for the first time.
#[derive(Default)]
pub(crate) struct WrittenBehind {
    pub(crate) refusals: RefusalCounter,
    pub(crate) strangers: Strangers,
    /// Held by whoever writes what was decided before, and by whoever erases a user: nothing names them afterwards.
    pub(crate) writing: tokio::sync::Mutex<()>,
}
