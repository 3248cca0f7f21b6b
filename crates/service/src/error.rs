//! Errors of the use cases.

use std::{borrow::Cow, fmt};

use store::{Id, StoreError};
use verify::{Cause, UnixMs};

use crate::{FactorsThatDo, SeedFileError, ports::PortError};

/// An error of a use case. A mouth maps it by [`ServiceError::class`], names it by
/// [`ServiceError::name`], and passes on [`ServiceError::details`]; it needs no other question to the service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// The caller's request cannot be meant so.
    #[error("{input}: {why}")]
    Invalid {
        /// The part of the request that is wrong.
        input: Input,
        /// Why, and what to do.
        why: String,
    },
    /// A seed file gives no token at all.
    #[error("{}: {}", Input::SeedFile, .0)]
    SeedFile(SeedFileError),
    /// No key, or none that lives.
    #[error("the API key is missing, unknown or revoked: send one that lives as `Authorization: Bearer KEY`")]
    Unauthorized,
    /// The key may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// There is none.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The operator's list has no method of this name.
    #[error("there is no such method: the operator's are {}", .0.join(", "))]
    UnknownMethod(Vec<String>),
    /// The operator has the method, and nobody registered it for this user.
    #[error("{0} is not registered for this user")]
    NotRegistered(String),
    /// Nothing is judged without the caller's word.
    #[error("codes are judged only after the first factor was right: send first_factor: true once it was")]
    FirstFactorRequired,
    /// The enrollment's time is over.
    #[error("the enrollment expired: start a new one")]
    EnrollmentExpired,
    /// The enrollment was confirmed, abandoned, or ended by wrong codes.
    #[error("the enrollment has ended: start a new one")]
    EnrollmentEnded,
    /// The challenge was answered.
    #[error("the challenge was answered: ask for a new one")]
    ChallengeEnded,
    /// The challenge's time is over.
    #[error("the challenge expired: ask for a new one")]
    ChallengeExpired,
    /// A code was wrong.
    #[error("the code was refused")]
    CodeRefused {
        /// What the user can mend.
        hint: Option<Hint>,
        /// How many more may be tried here, where that is counted.
        attempts_left: Option<u32>,
    },
    /// Not judged: too many wrong codes, or the device was reported lost. Which of the two waits for somebody is not
    /// said: callers repeat these words to whoever types.
    #[error("{}", locked(*.until))]
    Locked {
        /// Judged again from then on; `None` when somebody has to act first.
        until: Option<UnixMs>,
        /// The wait, in seconds from the moment of the answer.
        retry_after_s: Option<u64>,
    },
    /// The user has as many devices as allowed.
    #[error("the user already has a bound device: replace it by the new one, or unbind it first")]
    DeviceLimit,
    /// The account has as many users with a device or a setting as allowed.
    #[error("the account has as many users with a device or a setting as allowed: unbind those who left, or end them")]
    UserLimit,
    /// The closing that was to be taken back is over.
    #[error("the closing is over: everything of the user has ended")]
    ClosingEnded,
    /// Suspended for the third time within 13 weeks: who guesses has the user's first factor.
    #[error(
        "it was lifted twice within 13 weeks, and somebody goes on guessing who has the user's first factor: have it \
         changed, then say when it was"
    )]
    FirstFactorUnchanged,
    /// What was changed is not what was read.
    #[error("it was changed since it was read: load it, and change what is there now")]
    PreconditionFailed,
    /// A code of a device is to be asked for, and there is no device.
    #[error("no device is bound whose code could be asked for: bind one first")]
    NoDevice,
    /// A setting is to name a method that was not proven for this user.
    #[error("{0} was not proven for this user: have it proven, and register it, first")]
    MethodNotProven(String),
    /// The method serves as the method of a protection.
    #[error("it is the method of {}: choose another there first", .0.join(", "))]
    MethodInUse(Vec<&'static str>),
    /// A report names another identity than the one that was proven.
    #[error("the report names another identity than the one that was proven for this user: nothing was answered")]
    OtherIdentity,
    /// The account requires the device of its users.
    #[error("the account requires a device of its users: replace this one, or have the requirement lifted")]
    RequiredByAccount,
    /// The change needs a fresh factor of the user: one of these.
    #[error("{}", .0.required())]
    FactorRequired(FactorsThatDo),
    /// The identity grant is not good for this change; what is wrong with it is not said, only which would do.
    #[error("{}", .0.refused())]
    GrantRefused(FactorsThatDo),
    /// There is no session without a login's grant.
    #[error(
        "a session takes the grant of a login of just this user, for an audience of this API key, alive and not used \
         before; while their account is being closed there is none"
    )]
    GrantRequired,
    /// The token cannot be bound by this user; every cause gets this same answer.
    #[error("this token cannot be bound: check the serial number")]
    TokenUnavailable,
    /// The token's status does not allow it.
    #[error("the token is {status}: {why}")]
    TokenState {
        /// Its status.
        status: &'static str,
        /// Why that does not do, and what to do.
        why: &'static str,
    },
    /// The export is not where this could follow.
    #[error("the export is {state}: {why}")]
    ExportState {
        /// Where it stands.
        state: &'static str,
        /// What can be done.
        why: String,
    },
    /// A request of support's is not where this could follow.
    #[error("the request is {state}: {why}")]
    RequestState {
        /// Where it stands.
        state: &'static str,
        /// What can be done.
        why: String,
    },
    /// Support switched the user's method lately.
    #[error("support switched this user's method lately: what is always checked waits for 72 hours from then")]
    RecentlyRecovered {
        /// Until then.
        until: UnixMs,
        /// The wait, in seconds from the moment of the answer.
        retry_after_s: u64,
    },
    /// The question may be asked only so often.
    #[error("this was asked too often: wait")]
    AskedTooOften {
        /// The wait, in seconds from the moment of the answer.
        retry_after_s: u64,
    },
    /// Too many requests for one user wait already, or for their account, or in all.
    #[error("too many requests for this user, or for the account, wait already: retry in a moment")]
    RateLimited,
    /// Somebody else changed the same, again and again.
    #[error("somebody else is changing the same: load it anew, and try again")]
    Contended,
    /// A repeat of a request that created something and showed its secret, which is shown once.
    #[error("this was created before, and its secret is shown once: begin anew if it was not seen")]
    AlreadyCreated {
        /// What was created.
        id: Id,
    },
    /// The idempotency key came with another request before.
    #[error("this idempotency key was used for another request: a new request takes a new key")]
    IdempotencyKeyReused,
    /// The medium refuses.
    #[error("storage is unavailable, nothing was decided: {0}")]
    StorageUnavailable(String),
    /// The data directory cannot be trusted; the words are for whoever runs the service.
    #[error("nothing is decided: {0}")]
    Untrusted(String),
    /// The clock cannot be trusted.
    #[error("the clock cannot be trusted, nothing is judged: {0}")]
    ClockUnreliable(String),
    /// Ours to mend; the words are for the log.
    #[error("internal: {0}")]
    Internal(String),
}

/// The class of a fault: whose it is, and so what its receiver does about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultClass {
    /// The request is wrong, and would be wrong again: mend it.
    Request,
    /// It is not known who asks.
    Unauthenticated,
    /// It is known who asks, and they may not; or not without a factor of the user.
    Forbidden,
    /// What it is about does not exist.
    NotFound,
    /// What it is about is not in a state that allows it.
    Conflict,
    /// What it is about has ended.
    Gone,
    /// What it is about is not as it was read.
    Changed,
    /// A code was judged and is wrong.
    Refused,
    /// There were too many: wait.
    TooMany,
    /// This node cannot decide at the moment: retry.
    Unavailable,
    /// A fault of the service itself.
    Internal,
}

/// A part of a request that can be wrong; each mouth has its own name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// On whose behalf the caller asks.
    Actor,
    /// The codes that were typed.
    Codes,
    /// The time at which the user's first factor was changed.
    FirstFactorChangedAt,
    /// The time at which the user's identity was proved.
    IdentityProofAt,
    /// The name of the service in the app.
    Issuer,
    /// The name of the device.
    Label,
    /// The name of a lot of tokens that is to be made.
    LotName,
    /// To whom a lot is open.
    OpenTo,
    /// A lot of tokens, by its name.
    Lot,
    /// Tokens, by their serial numbers.
    SerialNumbers,
    /// Who receives exported seeds.
    Recipient,
    /// Why support asks for something.
    Reason,
    /// What was shown for it.
    Evidence,
    /// What it is to end in.
    Outcome,
    /// What the applicant was given to finish it.
    ApplicantToken,
    /// The key that exported seeds are encrypted under.
    TransportKey,
    /// A file of seeds.
    SeedFile,
    /// The roles of an API key.
    Roles,
    /// A sealing key, by its number.
    SealingKey,
    /// Who is to accept a grant.
    Audience,
    /// A sensitive operation, by its key.
    Operation,
    /// The key of an operation of the catalogue.
    OperationKey,
    /// Whether an operation is checked even where operation protection is off.
    IdentityAlways,
    /// Whether an operation is protected.
    Protected,
    /// A session, by the caller's name for it.
    SessionId,
    /// The one resource of an operation.
    Resource,
    /// A risk that the caller reports.
    Risk,
    /// The token of a trusted browser.
    TrustedDevice,
    /// The method of the first factor.
    FirstFactor,
    /// The method that answers a challenge.
    Method,
    /// The typed code.
    Code,
    /// The method of login protection.
    LoginProtection,
    /// The method of operation protection.
    OperationProtection,
    /// The method of suspicious-login protection.
    SuspiciousLoginProtection,
    /// The idle time of sessions.
    SessionIdleMinutes,
    /// The whole time of sessions.
    SessionTotalHours,
    /// The methods that may stand in for the main one.
    Alternatives,
    /// What a method reaches a user by.
    Identity,
    /// When an identity was proven.
    VerifiedAt,
    /// What the caller reports of a method that it performed.
    Report,
    /// When that was.
    ReportAt,
    /// The root of an account.
    Root,
    /// The administrators of an account.
    Administrators,
    /// The fresh factor of a change.
    Factor,
    /// The enrollment of a new holder's device.
    Enrollment,
    /// The administrator who approves.
    Approver,
    /// A user, by name.
    User,
    /// The address of a webhook.
    WebhookUrl,
    /// The types of notices of a webhook.
    WebhookEvents,
    /// The accounts of a webhook.
    WebhookAccounts,
    /// How long an old secret goes on beside a new one.
    OverlapHours,
    /// Where a user goes back to from the hosted pages.
    ReturnUrl,
    /// A challenge, by its id.
    Challenge,
    /// The SHA-256 of the verifier by which the answer of a prompt is fetched (RFC 7636).
    CodeChallenge,
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Actor => "the actor",
            Self::Codes => "the codes",
            Self::FirstFactorChangedAt => "the time of the first factor's change",
            Self::IdentityProofAt => "the time of the identity proof",
            Self::Issuer => "the issuer",
            Self::Label => "the label",
            Self::LotName => "the name",
            Self::OpenTo => "to whom it is open",
            Self::Lot => "the batch",
            Self::SerialNumbers => "the serial numbers",
            Self::Recipient => "the recipient",
            Self::Reason => "the reason",
            Self::Evidence => "the evidence",
            Self::Outcome => "the outcome",
            Self::ApplicantToken => "the applicant's token",
            Self::TransportKey => "the key",
            Self::SeedFile => "the file",
            Self::Roles => "the roles",
            Self::SealingKey => "the sealing key",
            Self::Audience => "the audience",
            Self::Operation => "the operation",
            Self::OperationKey => "the key",
            Self::IdentityAlways => "identity_always",
            Self::Protected => "protected",
            Self::SessionId => "the session",
            Self::Resource => "the resource",
            Self::Risk => "the risk",
            Self::TrustedDevice => "the trusted device",
            Self::FirstFactor => "the first factor",
            Self::Method => "the method",
            Self::Code => "the code",
            Self::LoginProtection => "login protection",
            Self::OperationProtection => "operation protection",
            Self::SuspiciousLoginProtection => "suspicious-login protection",
            Self::SessionIdleMinutes => "the idle time of sessions in minutes",
            Self::SessionTotalHours => "the whole time of sessions in hours",
            Self::Alternatives => "the alternatives",
            Self::Identity => "the identity",
            Self::VerifiedAt => "the time of the identity's proof",
            Self::Report => "the report",
            Self::ReportAt => "the time of the report",
            Self::Root => "the root",
            Self::Administrators => "the administrators",
            Self::Factor => "the factor",
            Self::Enrollment => "the enrollment",
            Self::Approver => "the approver",
            Self::User => "the user",
            Self::WebhookUrl => "the URL",
            Self::WebhookEvents => "the events",
            Self::WebhookAccounts => "the accounts",
            Self::OverlapHours => "the overlap in hours",
            Self::ReturnUrl => "the return address",
            Self::Challenge => "the challenge",
            Self::CodeChallenge => "the code challenge",
        })
    }
}

/// The facts of an error that programs act on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// The part of the request that is wrong.
    pub input: Option<Input>,
    /// What the user can mend.
    pub hint: Option<Hint>,
    /// How many more codes may be tried here.
    pub attempts_left: Option<u32>,
    /// The wait, in seconds from the moment of the answer.
    pub retry_after_s: Option<u64>,
    /// What was created before.
    pub id: Option<Id>,
}

impl ServiceError {
    /// The class of the fault.
    pub fn class(&self) -> FaultClass {
        self.table().0
    }

    /// Its stable name, for programs.
    pub fn name(&self) -> &'static str {
        self.table().1
    }

    /// Class and name of each: the one table of them.
    const fn table(&self) -> (FaultClass, &'static str) {
        match self {
            Self::Invalid { .. } | Self::SeedFile(_) => (FaultClass::Request, "invalid_request"),
            Self::FirstFactorRequired => (FaultClass::Request, "first_factor_required"),
            Self::Unauthorized => (FaultClass::Unauthenticated, "unauthorized"),
            Self::Forbidden(_) => (FaultClass::Forbidden, "forbidden"),
            Self::FactorRequired(_) => (FaultClass::Forbidden, "factor_required"),
            Self::GrantRefused(_) => (FaultClass::Forbidden, "grant_refused"),
            Self::GrantRequired => (FaultClass::Forbidden, "grant_required"),
            Self::NotFound(_) | Self::UnknownMethod(_) | Self::NotRegistered(_) => (FaultClass::NotFound, "not_found"),
            Self::Contended => (FaultClass::Conflict, "conflict"),
            Self::AlreadyCreated { .. } => (FaultClass::Conflict, "already_created"),
            Self::IdempotencyKeyReused => (FaultClass::Conflict, "idempotency_key_reused"),
            Self::DeviceLimit => (FaultClass::Conflict, "device_limit"),
            Self::UserLimit => (FaultClass::Conflict, "user_limit"),
            Self::FirstFactorUnchanged => (FaultClass::Conflict, "first_factor_unchanged"),
            Self::NoDevice => (FaultClass::Conflict, "no_device"),
            Self::MethodNotProven(_) => (FaultClass::Conflict, "method_not_proven"),
            Self::MethodInUse(_) => (FaultClass::Conflict, "method_in_use"),
            Self::OtherIdentity => (FaultClass::Conflict, "other_identity"),
            Self::RequiredByAccount => (FaultClass::Conflict, "required_by_account"),
            Self::PreconditionFailed => (FaultClass::Changed, "precondition_failed"),
            Self::TokenState { .. } => (FaultClass::Conflict, "token_state"),
            Self::TokenUnavailable => (FaultClass::Conflict, "token_unavailable"),
            Self::ExportState { .. } => (FaultClass::Conflict, "export_state"),
            Self::RequestState { .. } => (FaultClass::Conflict, "request_state"),
            Self::RecentlyRecovered { .. } => (FaultClass::Conflict, "recently_recovered"),
            Self::EnrollmentEnded => (FaultClass::Gone, "enrollment_ended"),
            Self::EnrollmentExpired => (FaultClass::Gone, "enrollment_expired"),
            Self::ClosingEnded => (FaultClass::Gone, "closing_ended"),
            Self::ChallengeEnded => (FaultClass::Gone, "challenge_ended"),
            Self::ChallengeExpired => (FaultClass::Gone, "challenge_expired"),
            Self::CodeRefused { .. } => (FaultClass::Refused, "code_refused"),
            Self::Locked { .. } | Self::AskedTooOften { .. } | Self::RateLimited => {
                (FaultClass::TooMany, "rate_limited")
            }
            Self::ClockUnreliable(_) => (FaultClass::Unavailable, "clock_unreliable"),
            Self::StorageUnavailable(_) | Self::Untrusted(_) => (FaultClass::Unavailable, "storage_unavailable"),
            Self::Internal(_) => (FaultClass::Internal, "internal"),
        }
    }

    /// The facts that programs act on.
    pub fn details(&self) -> Details {
        let none = Details::default();
        match *self {
            Self::Invalid { input, .. } => Details {
                input: Some(input),
                ..none
            },
            Self::SeedFile(_) => Details {
                input: Some(Input::SeedFile),
                ..none
            },
            Self::FirstFactorRequired => Details {
                input: Some(Input::FirstFactor),
                ..none
            },
            Self::CodeRefused { hint, attempts_left } => Details {
                hint,
                attempts_left,
                ..none
            },
            Self::AlreadyCreated { id } => Details { id: Some(id), ..none },
            Self::Locked { retry_after_s, .. } => Details { retry_after_s, ..none },
            Self::AskedTooOften { retry_after_s } | Self::RecentlyRecovered { retry_after_s, .. } => Details {
                retry_after_s: Some(retry_after_s),
                ..none
            },
            Self::RateLimited | Self::StorageUnavailable(_) | Self::Untrusted(_) => Details {
                retry_after_s: Some(1),
                ..none
            },
            _ => none,
        }
    }

    /// The words for whoever asked. An engine's own, which name files and limits of its machine, and those of a fault of
    /// ours are left out: they are for the log.
    pub fn told(&self) -> Cow<'static, str> {
        match self {
            Self::StorageUnavailable(_) => "storage is unavailable, nothing was decided: try again in a moment".into(),
            Self::Internal(_) => "this is ours to mend: report it with the id of the request".into(),
            told => told.to_string().into(),
        }
    }
}

fn locked(until: Option<UnixMs>) -> &'static str {
    match until {
        Some(_) => "too many wrong codes: nothing is judged for a while",
        None => {
            "locked: too many wrong codes, or the token was reported lost. Waiting does not end it: support lifts the one, \
             a recovery code replaces the other"
        }
    }
}

/// A hint at what the user can mend at binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// The device's clock is this many seconds ahead (behind: negative).
    ClockOff {
        /// Whole steps, in seconds.
        seconds: i64,
    },
    /// The app ignored the algorithm, or the token has another.
    OtherAlgorithm(otp::Algorithm),
    /// The device's period is another one.
    OtherPeriod(otp::Period),
    /// The code is of another entry in the app: an older one of the same user.
    OtherEntry,
}

impl Hint {
    /// The hint of a refusal at binding.
    pub(crate) fn of(refusal: verify::Refusal) -> Option<Self> {
        match (refusal.cause, refusal.clock_off_s) {
            (Cause::OtherAlgorithm(algorithm), _) => Some(Self::OtherAlgorithm(algorithm)),
            (Cause::OtherPeriod(period), _) => Some(Self::OtherPeriod(period)),
            (Cause::ClockOff { .. }, Some(seconds)) => Some(Self::ClockOff { seconds }),
            _ => None,
        }
    }

    /// A stable name for the trail.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClockOff { .. } => "clock_off",
            Self::OtherAlgorithm(_) => "other_algorithm",
            Self::OtherPeriod(_) => "other_period",
            Self::OtherEntry => "other_entry",
        }
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(why) => Self::StorageUnavailable(why),
            StoreError::Closed => Self::StorageUnavailable("the service is shutting down".into()),
            StoreError::Damaged(what) => Self::Internal(what),
            StoreError::Untrusted(why) => Self::Untrusted(why),
        }
    }
}

impl From<PortError> for ServiceError {
    fn from(error: PortError) -> Self {
        Self::Internal(error.to_string())
    }
}
