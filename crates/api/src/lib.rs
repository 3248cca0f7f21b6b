//! The wire contract: requests, responses and problems, each with its schema for the OpenAPI document.
//!
//! One family of endpoints, one file. Nothing here decides anything, and nothing of ours is known here: a server converts,
//! calls its use cases and converts back. The operations stand at the server's handlers.
//!
//! - Every request and every answer is both written and read, by the same type: a caller in Rust needs no other contract.
//! - Requests are read by [`read_json`] alone. It refuses what it does not know, names the field, and never repeats a
//!   value: serde's own messages would, and the value may be a code in the wrong place.
//! - Types that hold a code or a secret have no `Debug`; [`CodeText`] and the secrets of answers are wiped when dropped.
//! - Fields are only ever added. Answers leave out what is not there; callers ignore fields that they do not know.

mod administrators;
mod approver;
mod audit;
mod batch;
mod cause;
mod challenge;
mod closing;
mod code;
mod device;
mod diagnosis;
mod drift;
mod enrollment;
mod export;
mod grant;
mod hint;
mod import;
mod method;
mod operation;
mod origin;
mod page_link;
mod probe;
mod problem;
mod problem_code;
mod protection;
mod read;
mod recovery;
mod requirements;
mod session;
mod support;
mod text;
mod timestamp;
mod token;
mod trusted_device;
mod user;
mod verify;
mod webhook;

pub use administrators::{Administrators, AdministratorsRequest};
pub use approver::Approver;
pub use audit::{
    AuditEvent, AuditHead, AuditHeads, AuditOrder, AuditPage, AuditQuery, AuditRecord, HistoryQuery, HistoryView,
    PageSize,
};
pub use batch::{
    Batch, BatchChangeRequest, BatchPage, BatchPath, BatchQuery, BatchRequest, BetaUser, OpenTo, OpenToKind,
};
pub use cause::Cause;
pub use challenge::{
    Challenge, ChallengeAnswer, ChallengeAnswerRequest, ChallengePath, ChallengePurpose, ChallengeRequest,
    ChallengeState, ChallengeStatus, Decision, FirstFactor, OfferedMethod, Risk,
};
pub use closing::{ClosingRequest, ClosingState, ClosingStatus, HandoverRequest};
pub use code::{CODE_LEN_MAX_BYTES, CodeText, FactorMethod, VerifyMethod};
pub use device::{
    Device, DeviceKind, DevicePath, DeviceState, OtpType, ResyncRequest, Road, UnbindRequest, UnlockRequest,
};
pub use diagnosis::{DiagnoseRequest, DiagnosedCause, Diagnosis};
pub use drift::{BatchDrift, Drift, DriftQuery, DriftReport, DriftingDevice};
pub use enrollment::{
    AbandonEnrollmentQuery, CodeFactor, ConfirmRequest, ConfirmResponse, Enrollment, EnrollmentCodes, EnrollmentPath,
    EnrollmentRequest, Factor, Png, Replaces,
};
pub use export::{Export, ExportActRequest, ExportFileRequest, ExportPath, ExportRequest, ExportState};
pub use grant::{GrantText, IntrospectRequest, Introspection, Jwk, Jwks, PresentedGrant, RevokeGrantsRequest};
pub use hint::{Hint, HintAlgorithm};
pub use import::{
    Base64, ImportQuery, ImportReceipt, ImportRefusal, ImportRequest, SecretText, SeedEncoding, returned_capacity,
};
pub use method::{
    EndMethodQuery, EndedMethod, EndedUse, Method, MethodPath, MethodReport, MethodRequest, MethodUses,
    MethodUsesQuery, Methods, ProtectionName, UserMethodPath,
};
pub use operation::{
    NewWords, Operation, OperationPage, OperationPath, OperationQuery, OperationRequest, OperationSource, Words,
};
pub use origin::{Actor, ActorKind, Client, IdempotencyHeader, IdentityProof, IdentityWord, IfMatchHeader, UserAgent};
pub use page_link::{HostedPage, PageLang, PageLink, PageLinkRequest, PromptExchangeRequest, PromptLinkRequest};
pub use probe::{Probe, ProbeStatus};
pub use problem::{PROBLEM_JSON, Problem};
pub use problem_code::ProblemCode;
pub use protection::{
    InForce, InForceGround, InForceProtection, Protection, ProtectionMethod, ProtectionSettings,
    ProtectionSettingsRequest, Scope, TakesEffect,
};
pub use read::{query_problem, read_json};
pub use recovery::{RecoveryCodes, RecoveryCodesRequest};
pub use requirements::{AccountPath, Requirements, RequirementsRequest};
pub use session::{
    EndSessionQuery, EndSessionsRequest, EndedSessions, Session, SessionCause, SessionCheck, SessionCheckRequest,
    SessionClient, SessionPage, SessionPath, SessionQuery, SessionRequest, StartedSession,
};
pub use support::{
    ApprovalRequest, EvidenceKind, EvidenceReference, NewEvidence, Passcode, PasscodeRequest, PasscodeState,
    RevealedPasscode, SeenApplication, SeenEvidence, SupportActRequest, SupportRequestPath, UnbindApplication,
    UnbindApplicationRequest, UnbindOutcome, UnbindOutcomeKind, UnbindRequestCompletion, UnbindRequestEnd,
    UnbindRequestOpening, UnbindRequestPage, UnbindRequestQuery, UnbindRequestState, UnbindRequestView,
    UnbindRequestVouching,
};
pub use text::{Name, Text, TextError};
pub use timestamp::{Timestamp, TimestampError};
pub use token::{
    FindByCodeRequest, FoundTokens, Token, TokenChangeRequest, TokenGoal, TokenPage, TokenPath, TokenQuery, TokenState,
};
pub use trusted_device::{EndTrustQuery, TrustedClient, TrustedDevice, TrustedDevicePath, TrustedDevices};
pub use user::{CloseUserQuery, User, UserClosing, UserPage, UserPath, UserQuery, UserSummary};
pub use verify::{
    BATCH_ITEMS_MAX, BatchFailure, BatchItems, BatchResult, RequestId, VerifyBatchRequest, VerifyBatchResponse,
    VerifyOutcome, VerifyRequest, VerifyResponse,
};
pub use webhook::{
    DeleteWebhookQuery, Delivery, DeliveryPage, DeliveryPath, DeliveryQuery, DeliveryState, NewWebhook, Notice,
    NoticeData, NoticeType, ReplayRequest, RotateWebhookRequest, SettingChange, Webhook, WebhookPage, WebhookPath,
    WebhookRequest, WebhookSecret,
};
