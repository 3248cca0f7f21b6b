//! Refusals on the wire: RFC 9457, one mapping for all of them.

use api::{Hint, Problem, ProblemCode};
use axum::response::{IntoResponse, Response};
use service::{FaultClass, Input, ServiceError};

use crate::{answer::respond, http::convert};

/// What a handler gives.
pub(crate) type Answer = Result<Response, Rejection>;

/// A refusal on its way out.
pub(crate) struct Rejection(Box<Problem>);

impl From<Problem> for Rejection {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<ServiceError> for Rejection {
    fn from(error: ServiceError) -> Self {
        problem(&error).into()
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        respond(*self.0)
    }
}

/// The problem of an error: the code of its name, the words for whoever asked, and what programs act on.
pub(crate) fn problem(error: &ServiceError) -> Problem {
    match error.class() {
        FaultClass::Internal => tracing::error!(%error, "an internal error"),
        FaultClass::Unavailable => tracing::warn!(%error, "nothing is decided"),
        _ => {}
    }
    let code = ProblemCode::named(error.name()).unwrap_or_else(|| of_class(error.class()));
    let details = error.details();
    Problem {
        field: details.input.map(|input| field(input).to_owned()),
        hint: details.hint.map(wire_hint),
        attempts_left: details.attempts_left,
        retry_after_s: details.retry_after_s,
        id: details.id,
        ..Problem::new(code, error.told())
    }
}

/// The most general code of a class, for an error that has none of its own.
fn of_class(class: FaultClass) -> ProblemCode {
    match class {
        FaultClass::Request => ProblemCode::InvalidRequest,
        FaultClass::Unauthenticated => ProblemCode::Unauthorized,
        FaultClass::Forbidden => ProblemCode::Forbidden,
        FaultClass::NotFound => ProblemCode::NotFound,
        FaultClass::Conflict | FaultClass::Gone => ProblemCode::Conflict,
        FaultClass::Changed => ProblemCode::PreconditionFailed,
        FaultClass::Refused => ProblemCode::CodeRefused,
        FaultClass::TooMany => ProblemCode::RateLimited,
        FaultClass::Unavailable => ProblemCode::StorageUnavailable,
        FaultClass::Internal => ProblemCode::Internal,
    }
}

/// What of a request is wrong, as JSON calls it.
fn field(input: Input) -> &'static str {
    match input {
        Input::Actor => "actor",
        Input::Codes => "codes",
        Input::FirstFactorChangedAt => "first_factor_changed_at",
        Input::IdentityProofAt => "identity_proof.at",
        Input::Issuer => "issuer",
        Input::Label => "label",
        Input::LotName => "name",
        Input::OpenTo => "open_to",
        Input::Lot => "batch",
        Input::SerialNumbers => "serial_numbers",
        Input::Recipient => "recipient",
        Input::Reason => "reason",
        Input::Evidence => "evidence",
        Input::Outcome => "outcome",
        Input::ApplicantToken => "applicant_token",
        Input::TransportKey => "key_base64",
        Input::SeedFile => "file_base64",
        Input::Roles => "role",
        Input::SealingKey => "key",
        Input::Audience => "audience",
        Input::Operation => "operation",
        Input::OperationKey => "key",
        Input::IdentityAlways => "identity_always",
        Input::Protected => "protected",
        Input::SessionId => "session_id",
        Input::Resource => "resource",
        Input::Risk => "risk",
        Input::TrustedDevice => "trusted_device",
        Input::FirstFactor => "first_factor",
        Input::Method => "method",
        Input::Code => "code",
        Input::LoginProtection => "login_protection",
        Input::OperationProtection => "operation_protection",
        Input::SuspiciousLoginProtection => "suspicious_login_protection",
        Input::SessionIdleMinutes => "session_idle_minutes",
        Input::SessionTotalHours => "session_total_hours",
        Input::Alternatives => "alternatives",
        Input::Identity => "identity",
        Input::VerifiedAt => "verified_at",
        Input::Report => "report",
        Input::ReportAt => "report.at",
        Input::Root => "root",
        Input::Administrators => "administrators",
        Input::Factor => "factor",
        Input::Enrollment => "enrollment_id",
        Input::Approver => "approver",
        Input::User => "user",
        Input::WebhookUrl => "url",
        Input::WebhookEvents => "events",
        Input::WebhookAccounts => "accounts",
        Input::OverlapHours => "overlap_hours",
        Input::ReturnUrl => "return_url",
        Input::Challenge => "id",
        Input::CodeChallenge => "code_challenge",
    }
}

fn wire_hint(hint: service::Hint) -> Hint {
    match hint {
        service::Hint::ClockOff { seconds } => Hint::ClockOff { seconds },
        service::Hint::OtherAlgorithm(algorithm) => Hint::OtherAlgorithm {
            algorithm: convert::algorithm(algorithm),
        },
        service::Hint::OtherPeriod(period) => Hint::OtherPeriod {
            period_s: period.get_s(),
        },
        service::Hint::OtherEntry => Hint::OtherEntry,
    }
}

#[cfg(test)]
mod tests {
    use service::FactorsThatDo;

    use super::*;

    /// One of each, so that a new one without a problem code of its status is noticed.
    fn all() -> Vec<ServiceError> {
        let words = || "why".to_owned();
        let doing = FactorsThatDo {
            has_device: true,
            operations: &[],
        };
        vec![
            ServiceError::Invalid {
                input: Input::Codes,
                why: words(),
            },
            ServiceError::SeedFile(service::SeedFileError::Empty),
            ServiceError::Unauthorized,
            ServiceError::Forbidden(words()),
            ServiceError::NotFound("device"),
            ServiceError::FirstFactorRequired,
            ServiceError::GrantRequired,
            ServiceError::EnrollmentExpired,
            ServiceError::EnrollmentEnded,
            ServiceError::CodeRefused {
                hint: None,
                attempts_left: Some(3),
            },
            ServiceError::Locked {
                until: None,
                retry_after_s: None,
            },
            ServiceError::DeviceLimit,
            ServiceError::UserLimit,
            ServiceError::ClosingEnded,
            ServiceError::FirstFactorUnchanged,
            ServiceError::FactorRequired(doing),
            ServiceError::GrantRefused(doing),
            ServiceError::UnknownMethod(vec![words()]),
            ServiceError::NotRegistered(words()),
            ServiceError::TokenUnavailable,
            ServiceError::TokenState {
                status: "lost",
                why: "why",
            },
            ServiceError::ExportState {
                state: "withdrawn",
                why: words(),
            },
            ServiceError::RequestState {
                state: "used",
                why: words(),
            },
            ServiceError::RecentlyRecovered {
                until: service::UnixMs::new(0),
                retry_after_s: 60,
            },
            ServiceError::AskedTooOften { retry_after_s: 60 },
            ServiceError::RateLimited,
            ServiceError::Contended,
            ServiceError::AlreadyCreated { id: service::Id::nil() },
            ServiceError::IdempotencyKeyReused,
            ServiceError::PreconditionFailed,
            ServiceError::NoDevice,
            ServiceError::RequiredByAccount,
            ServiceError::MethodNotProven(words()),
            ServiceError::MethodInUse(vec!["login_protection"]),
            ServiceError::OtherIdentity,
            ServiceError::ChallengeEnded,
            ServiceError::ChallengeExpired,
            ServiceError::StorageUnavailable(words()),
            ServiceError::Untrusted(words()),
            ServiceError::ClockUnreliable(words()),
            ServiceError::Internal(words()),
        ]
    }

    /// The status that RFC 9110 has for each class of faults.
    fn statuses(class: FaultClass) -> &'static [u16] {
        match class {
            FaultClass::Request => &[400],
            FaultClass::Unauthenticated => &[401],
            FaultClass::Forbidden => &[403],
            FaultClass::NotFound => &[404],
            FaultClass::Conflict => &[409],
            FaultClass::Gone => &[410],
            FaultClass::Changed => &[412],
            FaultClass::Refused => &[422],
            FaultClass::TooMany => &[429],
            FaultClass::Unavailable => &[503],
            FaultClass::Internal => &[500],
        }
    }

    #[test]
    fn every_error_has_a_code_of_its_own_with_the_status_of_its_class() {
        for error in all() {
            let code = ProblemCode::named(error.name());
            let code = code.unwrap_or_else(|| panic!("{} is no problem code: add it to api's table", error.name()));
            assert!(statuses(error.class()).contains(&code.status()), "{}", error.name());
        }
    }

    #[test]
    fn what_is_for_the_log_is_not_told() {
        for error in [
            ServiceError::StorageUnavailable("/var/lib is full".into()),
            ServiceError::Internal("row 7".into()),
        ] {
            let problem = problem(&error);
            assert!(!problem.detail.contains("/var") && !problem.detail.contains("row 7"));
        }
    }

    #[test]
    fn facts_are_passed_on() {
        let wrong = problem(&ServiceError::CodeRefused {
            hint: Some(service::Hint::ClockOff { seconds: -90 }),
            attempts_left: Some(2),
        });
        assert_eq!(wrong.hint, Some(Hint::ClockOff { seconds: -90 }));
        assert_eq!(wrong.attempts_left, Some(2));
        let locked = problem(&ServiceError::Locked {
            until: None,
            retry_after_s: Some(840),
        });
        assert_eq!(locked.retry_after_s, Some(840));
        let invalid = problem(&ServiceError::Invalid {
            input: Input::IdentityProofAt,
            why: "old".into(),
        });
        assert_eq!(invalid.field.as_deref(), Some("identity_proof.at"));
    }
}
