//! The use cases, in rooms of what they are about, a file for each or for few that belong together, over ports: [`Clock`], [`Entropy`], [`Sealer`],
//! [`Signer`] and a [`store::Store`].
//!
//! Every use case is load, judge, one commit; what it answers is on disk before it answers. Verification
//! goes through a lane, which makes a batch of what waits; everything else writes by itself and
//! is judged again when somebody else was faster.

mod access;
mod attempt;
mod core;
mod devices;
mod enrollment;
mod error;
mod inventory;
mod notices;
mod pages;
mod ports;
mod protection;
mod recovery;
mod sealing;
mod service;
mod settings;
mod support;
mod trail;
mod upkeep;
mod user_lock;
mod verification;

pub use access::{Actor, ActorKind, Caller, Client, DEFAULT_AUDIENCE, IdempotencyKey, NewKey};
pub(crate) use core::Core;
pub use core::Ports;
pub use devices::{DeviceView, Factor, Method, UserView};
pub use enrollment::{
    Confirmation, NewDevice, NewEnrollment, ProofOfIdentity, Replacement, ShownSecret, StartedEnrollment,
};
pub use error::{Details, FaultClass, Hint, Input, ServiceError};
pub use inventory::{
    EXPORT_MAX, ExportedTokens, IMPORT_MAX, ImportRemark, LotClocks, NewExport, NewImport, NewLot, OPEN_TO_MAX,
    OpenedBy, Receipt, Refused, SeedFile, SeedFileError, TokenMove, TokenRefusal, TokenTransition, TokenView,
    serial_number_qr,
};
pub use notices::{Courier, Facts, NewWebhook, Notice, NoticeKind, Posted, Posting, SettingChange, WEBHOOKS_MAX};
pub use pages::{
    AnsweredPrompt, EnrollmentOnPage, IssuedPageLink, NewPageLink, NewPromptLink, OpenedPage, PageVisitor, Prompt,
    PromptMethod, UserPageName,
};
pub use ports::{Cities, Clock, Entropy, GrantKey, Location, NoCities, PortError, Sealer, Signer};
pub use protection::{
    ADMINISTRATORS_MAX, AnsweredChallenge, Approver, Bilingual, CatalogueOperation, Challenge, ChallengeAnswer,
    ChallengePurpose, ChallengeState, CheckedSession, Decision, EndedMethod, FactorsThatDo, Grant, GrantUse, Ground,
    InForceGround, InForceProtection, MethodReport, MethodUses, MethodView, NewAdministrators, NewChallenge,
    NewOperation, NewProvenMethod, NewRequirements, NewSession, OWN_OPERATIONS_MAX, OfferedMethod, Operation,
    OperationSource, OwnCities, ProtectionChange, ProtectionChoices, ProtectionName, ProtectionView, Revocation,
    SessionEnd, SessionView, SignedGrant, StartedSession, TrustedDeviceView, UserPage, UserSummary, shipped_operation,
    shipped_operations,
};
pub use service::Service;
pub use settings::{ExternalMethod, NoMethod, Settings, SupportSettings, UnknownOperations};
pub use support::{
    ApprovedUnbinding, DiagnosedCause, Diagnosis, DriftPicture, DriftReport, DriftingDevice, EVIDENCE_KINDS,
    EvidenceProvider, HistoryView, IssuedPasscode, LotDrift, NewApplication, NewEvidence, NewOutcome, NewPasscode,
    NewUnbindRequest, NewVouching, drift_svg,
};
pub use trail::{
    Activity, ActivityPeriod, AuditFilter, AuditOrder, AuditPage, Finding, Record, Report, SignedHead, verify_trail,
};
pub use upkeep::{
    ClockStatus, DeviceAhead, NameCollision, RenamedUsers, UserNamesSet, end_witness, look_at_clock, prove_keyring,
    reseal, set_user_names,
};
pub use verification::{Acceptance, Answer, Question};

// The nouns that the use cases and the ports speak, so that whoever calls or implements them needs no other
// crate of ours.
pub use otp::{Algorithm, Digits, Parameters, Period, Secret, typed};
pub use pskc::{
    Encoding, Options as SeedOptions, Place as SeedPlace, Problem as SeedProblem, ReadError as SeedReadError,
    Reason as SeedReason, Remark as SeedRemark, Said as SeedSaid, Seed, typed_hex,
};
pub use store::{
    Administrators, ApiKey, Application, Closing, ClosingState, Damage, Delivery, DeliveryState, Evidence, Export,
    ExportState, Id, IdentityProof, Lot, OpenTo, Owner, PageHolder, PageVisit, Passcode, PasscodeState, Protection,
    ProtectionMethod, ProtectionSetting, Requirements, Role, Sealed, TokenFilter, TokenStatus, UnbindOutcome,
    UnbindRequest, UnbindState, UserNames, VisitPurpose, Webhook, Words, audit,
};
pub use verify::{DeviceStatus, Kind, Moving, Purpose, UnixMs};
