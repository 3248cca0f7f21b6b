//! `POST /v1/challenges/{id}/answer`

use api::{ChallengeAnswer, ChallengeAnswerRequest, ChallengePath, Problem, ProblemCode};
use axum::extract::State;
use service::{MethodReport, UnixMs};

use super::decision;
use crate::{
    answer::json,
    http::{
        app::App,
        convert,
        document::Problems,
        extract::{Authorized, Json, PathText},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[
    ProblemCode::NotFound,
    ProblemCode::Conflict,
    ProblemCode::MethodNotProven,
    ProblemCode::OtherIdentity,
    ProblemCode::ChallengeEnded,
    ProblemCode::ChallengeExpired,
]);

/// Answers a challenge by a code, or by the report of an external method
///
/// Role: verify. Only for the key that asked for it. A right code is burned and ends the challenge: `allow`, with the grant. A
/// wrong one is counted like every guess, and leaves `challenge`; when it locks the check, `locked_until` says so at once, and
/// when it suspends it the answer is 429 without a wait. A challenge is answered once. An external method is the caller's to perform: it reports by what it reached the user, which has to be
/// what was registered, and when. `trust_device` with a login's right answer gives `trusted_device`, a token for the browser,
/// where the user's `allow_trusted_devices` permits it.
#[utoipa::path(
    post,
    path = "/v1/challenges/{id}/answer",
    tag = "protection",
    params(ChallengePath),
    request_body(
        content = ChallengeAnswerRequest,
        examples(
            ("code" = (summary = "A code that the user typed", value = json!({"method": "totp", "code": "492 039"}))),
            ("report" = (summary = "A message that the caller sent and the user answered", value = json!({
                "method": "sms", "report": {
                    "identity": "+86 138 0013 8000", "reference": "sms-20261129-4711", "at": "2026-11-29T12:00:40Z",
                },
            }))),
        ),
    ),
    responses((
        status = 200,
        description = "The verdict, already on disk.",
        body = ChallengeAnswer,
        headers(("Cache-Control" = String, description = "`no-store`")),
    )),
)]
pub(super) async fn answer_challenge(
    State(app): State<App>,
    caller: Authorized,
    PathText(id): PathText,
    Json(request): Json<ChallengeAnswerRequest>,
) -> Answer {
    let method = request.method.as_str().to_owned();
    let trust_device = request.trust_device;
    let answered = match (request.code, request.report) {
        (Some(code), None) => {
            let code = convert::typed(code);
            let answer = service::ChallengeAnswer {
                method,
                code,
                trust_device,
            };
            app.service.answer_challenge(&caller.0, &id, answer).await?
        }
        (None, Some(report)) => {
            let report = MethodReport {
                method,
                identity: report.identity.as_str().to_owned(),
                reference: report.reference.as_str().to_owned(),
                at: UnixMs::new(report.at.unix_ms()),
                trust_device,
            };
            app.service.report_method(&caller.0, &id, &report).await?
        }
        _ => {
            let detail = "an answer has either `code`, as it was typed, or `report`, of an external method";
            return Err(Problem::new(ProblemCode::InvalidRequest, detail).into());
        }
    };
    Ok(json(&told(answered)))
}

/// An answered challenge, as its caller is told.
pub(super) fn told(answered: service::AnsweredChallenge) -> ChallengeAnswer {
    let (grant, grant_expires_at) = match answered.grant {
        Some(grant) => (Some(grant.text), Some(convert::time(grant.expires_at))),
        None => (None, None),
    };
    ChallengeAnswer {
        decision: decision(answered.decision),
        method: answered.method,
        locked_until: answered.locked_until.map(convert::time),
        grant,
        grant_expires_at,
        wrong_since_last_success: answered.wrong_since_last_success,
        trusted_device: answered.trusted_device,
    }
}
