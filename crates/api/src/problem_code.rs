//! Problem codes: what programs decide by, each with its HTTP status, title and remedy.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// One row of the table below for each code: its variant, name, status, title, and what the caller does about it.
macro_rules! problem_codes {
    ($($(#[$also:meta])* $variant:ident $name:literal $status:literal $title:literal $remedy:literal)+) => {
        /// What a problem is, for programs: stable, never translated, and each with one HTTP status.
        ///
        /// More may come; a caller treats one that it does not know by its status.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ProblemCode {
            $(
                #[doc = concat!("`", $name, "`, ", stringify!($status), ". ", $remedy)]
                $(#[$also])*
                $variant,
            )+
            /// One that this version does not know, read from a newer service and written by none: all that is known of it
            /// is its status.
            Unknown(u16),
        }

        impl ProblemCode {
            /// All that a service writes, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The one of this name, if this version knows it.
            pub fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }

            /// As it stands in JSON.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ Self::Unknown(_) => "unknown" }
            }

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)+ Self::Unknown(status) => status }
            }

            /// A short sentence, the same each time.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ Self::Unknown(_) => "A problem that this version does not know" }
            }

            /// What the caller does about it.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)+ Self::Unknown(_) => "Go by its status, and read `detail`." }
            }
        }
    };
}

problem_codes! {
    InvalidRequest "invalid_request" 400 "The request cannot be read"
        "Mend the request: `field` and `detail` say what is wrong. The same request fails again."
    FirstFactorRequired "first_factor_required" 400 "The first factor was not vouched for"
        "Check the password, or its like, first; then send `first_factor: true`. No code was judged."
    Unauthorized "unauthorized" 401 "The API key is missing or not valid"
        "Send a living API key as `Authorization: Bearer …`."
    Forbidden "forbidden" 403 "The API key may not do this"
        "Use a key that has the role, and that is not limited to other accounts."
    FactorRequired "factor_required" 403 "A fresh factor of the user is needed"
        "`detail` says what would do here: a code of a bound device, a recovery code, or the grant of a challenge of purpose `identity` for the operation that it names. Ask the user for it, and send it as `factor`."
    /// Beyond the first list: a login that was not checked is told apart from a change that was not.
    GrantRequired "grant_required" 403 "The grant of a login is needed"
        "Have the login of this very user checked (`POST /v1/challenges`) with a key of the same audience, and send its grant, which is used once."
    NotFound "not_found" 404 "There is no such thing"
        "Check the path; ids belong to the user they stand under."
    /// Beyond the first list: a wrong method on a known path is the caller's fault, and `not_found` would mislead.
    MethodNotAllowed "method_not_allowed" 405 "This path does not know the method"
        "Use a method of the `Allow` header."
    /// Beyond the first list: the request never came, or took too long; neither is another code's cause.
    RequestTimeout "request_timeout" 408 "The request took too long"
        "What it asked for may have happened: look before repeating a change; repeat `verify` with the same `request_id`."
    /// Beyond the first list: a grant is told apart from a code, which the user could type anew.
    GrantRefused "grant_refused" 403 "The grant does not count for this change"
        "Ask for a challenge of purpose `identity` whose `operation` is one that `detail` names, have it answered as `detail` says (where a device is bound, by it or a recovery code), and send its grant once, within 5 minutes."
    /// Beyond the first list: two changes of one user's factors met again and again.
    Conflict "conflict" 409 "Somebody else is changing the same"
        "Load it anew (of a user, the factors), and repeat the change if it is still wanted."
    /// Beyond the first list: a repeat of a request whose answer was lost.
    AlreadyCreated "already_created" 409 "It was created before, and its secret was shown"
        "The request with this `Idempotency-Key` was done; `id` is what it created. Its secret is shown once: begin anew, with a new key, if the user did not see it."
    /// Beyond the first list: an idempotency key of two requests would hide one of them.
    IdempotencyKeyReused "idempotency_key_reused" 409 "The idempotency key came with another request"
        "Take a new `Idempotency-Key` for a new request; repeat a request with its key unchanged."
    DeviceLimit "device_limit" 409 "The user has as many devices as allowed"
        "Name the device in `replaces`, or unbind it first."
    /// Beyond the first list: the user has no device too many, the account has users.
    UserLimit "user_limit" 409 "The account has as many users as allowed"
        "Unbind the devices and settings of users who left, or `POST …/leave` for them; the operator can raise the limit."
    /// Beyond the first list: neither waiting nor support helps while the guesser has the user's password.
    FirstFactorUnchanged "first_factor_unchanged" 409 "Somebody has the user's first factor"
        "The suspension was lifted twice within 13 weeks: have the user's first factor changed, then unlock with `first_factor_changed_at`."
    /// Beyond the first list: what is refused here is told to those who look after tokens, not to those who bind them.
    TokenState "token_state" 409 "The token's state does not allow this"
        "Read the token anew: `detail` says what has to happen first."
    TokenUnavailable "token_unavailable" 409 "The token cannot be bound"
        "Check the serial number; every cause gets this same answer."
    /// Beyond the first list: two people and a file are told apart from a token's life.
    ExportState "export_state" 409 "The export's state does not allow this"
        "`detail` says what has to happen first; most often a new export is asked for."
    /// Beyond the first list: what two people of support do for a user is told apart from an export of seeds.
    RequestState "request_state" 409 "The request's state does not allow this"
        "`detail` says what has to happen first; most often a new one is asked for."
    RecentlyRecovered "recently_recovered" 409 "Support switched this user's method lately"
        "Wait for `retry_after_s`, at most 72 hours from the switch: until then nothing that is always checked is done for them."
    /// Beyond the first list: the order of two steps is told apart from a clash with somebody else.
    NoDevice "no_device" 409 "There is no device to ask for a code of"
        "Bind a device first (of the account's root, to change its administrators), then repeat the request; a setting may name an external method instead."
    MethodNotProven "method_not_proven" 409 "The method was not proven for this user"
        "Have the user prove it, register what was proven, then name it in a setting or report it."
    MethodInUse "method_in_use" 409 "The method serves a protection"
        "`detail` says which: choose another method there first. Where its number went to somebody else, say `reassigned=true`."
    OtherIdentity "other_identity" 409 "The report names another identity"
        "Perform the method with the identity that is registered for the user. The challenge waits for its answer still."
    RequiredByAccount "required_by_account" 409 "The account requires it of its users"
        "Replace the device instead of unbinding it, or have the account's requirement lifted."
    EnrollmentEnded "enrollment_ended" 410 "The enrollment has ended"
        "It was confirmed, abandoned, replaced, or ended by wrong codes: start a new one."
    EnrollmentExpired "enrollment_expired" 410 "The enrollment has expired"
        "Start a new one."
    ClosingEnded "closing_ended" 410 "The closing is over"
        "Everything of the user has ended: they begin anew, with a binding."
    ChallengeEnded "challenge_ended" 410 "The challenge was answered"
        "It is answered once: ask for a new one."
    ChallengeExpired "challenge_expired" 410 "The challenge has expired"
        "Ask for a new one; a challenge lives for five minutes."
    PreconditionFailed "precondition_failed" 412 "It was changed meanwhile"
        "Load it anew, look whether the change is still wanted, and send it with the new `ETag` in `If-Match`."
    /// Beyond the first list: the limit is told apart from a body that is wrong.
    PayloadTooLarge "payload_too_large" 413 "The body is too large"
        "Send less at once; a batch holds at most 4,096 items."
    /// Beyond the first list: a form or a text instead of JSON was not even read.
    UnsupportedMediaType "unsupported_media_type" 415 "The body is not declared as JSON"
        "Send `Content-Type: application/json`."
    CodeRefused "code_refused" 422 "The code was refused"
        "Ask the user for the next code; `hint` says what the user can mend, where that is known. The wrong code was counted."
    RateLimited "rate_limited" 429 "Too many tries or requests"
        "Wait for `retry_after_s`. Without it, waiting does not help: either somebody seems to have the user's password, and the check is suspended until support unlocks it or a resync with an identity proof succeeds; or the token was reported lost, and a recovery code replaces it. Tell the user."
    /// Beyond the first list: for the operator and for us, never for the caller to mend.
    Internal "internal" 500 "The service failed"
        "Report it with the `X-Request-Id` of the answer; it is ours to mend. Treat the code as not accepted."
    /// Beyond the first list: codes cannot be judged, though storage is well, and another node may be right.
    ClockUnreliable "clock_unreliable" 503 "The clock of this node cannot be trusted"
        "Retry in a moment, on another node if there is one; `/readyz` of this one says what ends it. No code was judged."
    StorageUnavailable "storage_unavailable" 503 "Storage is unavailable"
        "Treat the code as not accepted, and retry in a moment with the next code."
}

impl Serialize for ProblemCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl PartialSchema for ProblemCode {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(Self::ALL.iter().map(|code| code.name())))
            .description(Some(
                "Stable and untranslated. More may come: treat an unknown one by its status.",
            ))
            .into()
    }
}

impl ToSchema for ProblemCode {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ProblemCode")
    }
}
