//! The records, and the thin traits that every engine keeps.
//!
//! One noun, one file: a further one costs no engine a line, for engines keep [documents](Document). Absence is `Ok(None)`
//! or an empty list; times and randomness arrive inside the values; no driver's type is in a signature. Everything that
//! writes goes through one door, [`Commit::commit`]: conditional changes together with their audit events, all or nothing.
//!
//! [`conformance`] is the contract as code: every engine runs it.

pub mod audit;
pub mod codec;
pub mod conformance;
pub mod document;
pub mod history;
pub mod memory;

mod administrators;
mod allowance;
mod api_key;
mod change;
mod closing;
mod delivery;
mod device;
mod enrollment;
mod export;
#[cfg(test)]
mod golden;
mod health;
mod idempotency;
mod lot;
mod one_spelling;
mod own_operation;
mod owner;
mod page_link;
mod page_session;
mod passcode;
mod person;
mod protection;
mod proven_methods;
mod recovery;
mod requirements;
mod sealed;
mod session;
mod session_touches;
mod shape;
mod token;
mod trail_reader;
mod trusted_device;
mod unbind_request;
mod user;
mod user_count;
mod user_names;
mod usual_cities;
mod webhook;
mod witness;

use std::{future::Future, pin::Pin};

pub use administrators::Administrators;
pub use allowance::Allowance;
pub use api_key::{ApiKey, Role};
pub use change::{Change, Checked, Commit, NextStates, Outcome, Write};
pub use closing::{Closing, ClosingState};
pub use delivery::{Delivery, DeliveryState};
pub use device::{Bound, Device, UnboundDevice};
pub use document::{Document, Documents, Key, List, Lookup, Noun, Summary};
pub use enrollment::{Enrollment, EnrollmentState, IdentityProof};
pub use export::{Export, ExportState};
pub use health::{Damage, Health};
pub use idempotency::IdempotencyRecord;
pub use lot::{Lot, OpenTo};
pub use one_spelling::OneSpelling;
pub use own_operation::{OwnOperation, Words};
pub use owner::{Owner, normalised};
pub use page_link::{PageLink, PageVisit, VisitPurpose};
pub use page_session::{PageHolder, PageSession, PromptAnswer};
pub use passcode::{Passcode, PasscodeState};
pub use person::Person;
pub use protection::{Protection, ProtectionMethod, ProtectionSetting};
pub use proven_methods::{ProvenMethod, ProvenMethods};
pub use recovery::{RecoveryCode, RecoveryCodes};
pub use requirements::Requirements;
pub use sealed::{Sealed, Secrets};
pub use session::{SealedClient, Session};
pub use session_touches::SessionTouches;
pub use token::{BoundToken, Fingerprint, Token, TokenFilter, TokenState, TokenStatus, UnboundToken, UnreadToken};
pub use trail_reader::TrailReader;
pub use trusted_device::{SealedNames, SeenToken, TrustedDevice, TrustedDevices};
pub use unbind_request::{Application, Approval, Evidence, UnbindOutcome, UnbindRequest, UnbindState};
pub use user::{Named, Revision, User, Users};
pub use user_count::UserCount;
pub use user_names::{UserNames, UserNamesRecord};
pub use usual_cities::{UsualCities, UsualCity};
pub use uuid::Uuid as Id;
pub use webhook::{Webhook, WebhookSecret};
pub use witness::{MacWitness, Witness};

/// The UUIDv7 of this moment (milliseconds since 1970) and these random bytes.
pub fn id_at(unix_ms: u64, random: &[u8; 10]) -> Id {
    uuid::Builder::from_unix_timestamp_millis(unix_ms, random).into_uuid()
}

/// The future that an engine's method returns: boxed, so that the traits can stand behind `dyn`.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Everything that an engine reads.
pub trait Read: Users + Documents + Secrets + audit::Trail + history::History + Health {}

impl<S: Users + Documents + Secrets + audit::Trail + history::History + Health> Read for S {}

/// Everything an engine provides: reading, and the one door to writing. The readings of each noun are made of
/// [`Documents`], in the noun's own file.
pub trait Store: Read + Commit {}

impl<S: Read + Commit> Store for S {}

/// An error of an engine; nothing of the asked change was made durable as far as
/// the engine knows, and nobody may be told otherwise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The medium refuses at the moment: full disk, I/O error, somebody else's lock. Trying again may help.
    #[error("storage is unavailable: {0}")]
    Unavailable(String),
    /// The database is damaged: what was read cannot be what was written. Trying again does not help.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// The files are not the ones that were opened, or somebody else decides about them. The words say which, and what
    /// to do; they name no path.
    #[error("{0}")]
    Untrusted(String),
    /// The engine is shutting down.
    #[error("storage is closed")]
    Closed,
}
