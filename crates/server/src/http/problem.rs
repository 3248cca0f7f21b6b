//! Refusals on the wire: RFC 9457, one mapping for all of them.

use api::{Hint, Problem, ProblemCode};
use axum::response::{IntoResponse, Response};
use service::ServiceError;

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
        problem(error).into()
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        respond(*self.0)
    }
}

/// The problem of an error: whose fault it is, and what to do.
pub(crate) fn problem(error: ServiceError) -> Problem {
    let new = |code| Problem::new(code, error.to_string());
    match &error {
        ServiceError::Invalid { field, .. } => new(ProblemCode::InvalidRequest).with_field(*field),
        ServiceError::Unauthorized => new(ProblemCode::Unauthorized),
        ServiceError::Forbidden(_) => new(ProblemCode::Forbidden),
        ServiceError::NotFound(_) => new(ProblemCode::NotFound),
        ServiceError::FirstFactorRequired => new(ProblemCode::FirstFactorRequired),
        ServiceError::EnrollmentExpired => new(ProblemCode::EnrollmentExpired),
        ServiceError::EnrollmentEnded => new(ProblemCode::EnrollmentEnded),
        ServiceError::CodeRefused { hint, attempts_left } => {
            let mut problem = new(ProblemCode::CodeRefused);
            problem.hint = hint.map(wire_hint);
            problem.attempts_left = *attempts_left;
            problem
        }
        ServiceError::Locked { retry_after_s, .. } => waiting(new(ProblemCode::RateLimited), *retry_after_s),
        ServiceError::TokenUnavailable => new(ProblemCode::TokenUnavailable),
        ServiceError::TokenState { .. } => new(ProblemCode::TokenState),
        ServiceError::ExportState { .. } => new(ProblemCode::ExportState),
        ServiceError::AskedTooOften { retry_after_s } => waiting(new(ProblemCode::RateLimited), Some(*retry_after_s)),
        ServiceError::RateLimited => waiting(new(ProblemCode::RateLimited), Some(1)),
        ServiceError::DeviceLimit => new(ProblemCode::DeviceLimit),
        ServiceError::FactorRequired => new(ProblemCode::FactorRequired),
        ServiceError::FirstFactorUnchanged => new(ProblemCode::FirstFactorUnchanged),
        ServiceError::Contended => new(ProblemCode::Conflict),
        ServiceError::StorageUnavailable(why) => {
            // The engine's words name files and limits of this machine: they are for its log.
            tracing::warn!(%why, "storage is unavailable");
            let detail = "storage is unavailable, nothing was decided: try again in a moment";
            waiting(Problem::new(ProblemCode::StorageUnavailable, detail), Some(1))
        }
        ServiceError::Untrusted(_) => waiting(new(ProblemCode::StorageUnavailable), Some(1)),
        ServiceError::ClockUnreliable(_) => new(ProblemCode::ClockUnreliable),
        ServiceError::Internal(why) => {
            tracing::error!(%why, "an internal error");
            Problem::new(
                ProblemCode::Internal,
                "this is ours to mend: report it with its X-Request-Id",
            )
        }
    }
}

fn waiting(mut problem: Problem, retry_after_s: Option<u64>) -> Problem {
    problem.retry_after_s = retry_after_s;
    problem
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
