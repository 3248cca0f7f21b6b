//! `POST /v1/challenges/{id}/answer`

use api::{ChallengeAnswer, ChallengeAnswerRequest, ChallengePath, ProblemCode};
use axum::extract::State;

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
    ProblemCode::ChallengeEnded,
    ProblemCode::ChallengeExpired,
]);

/// Answers a challenge by a code
///
/// Role: verify. Only for the key that asked for it. A right code is burned and ends the challenge: `allow`, with the grant. A
/// wrong one is counted like every guess, and leaves `challenge`; when it locks the user, `locked_until` says so. A challenge
/// is answered once. `trust_device` with a login's right answer gives `trusted_device`, a token for the browser, where the user's
/// `allow_trusted_devices` permits it.
#[utoipa::path(
    post,
    path = "/v1/challenges/{id}/answer",
    tag = "protection",
    params(ChallengePath),
    request_body(content = ChallengeAnswerRequest, example = json!({"method": "totp", "code": "492 039"})),
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
    let answer = service::ChallengeAnswer {
        method: request.method.as_str().to_owned(),
        code: convert::typed(request.code),
        trust_device: request.trust_device,
    };
    let answered = app.service.answer_challenge(&caller.0, &id, answer).await?;
    let (grant, grant_expires_at) = match answered.grant {
        Some(grant) => (Some(grant.text), Some(convert::time(grant.expires_at))),
        None => (None, None),
    };
    Ok(json(&ChallengeAnswer {
        decision: decision(answered.decision),
        method: answered.method,
        locked_until: answered.locked_until.map(convert::time),
        grant,
        grant_expires_at,
        wrong_since_last_success: answered.wrong_since_last_success,
        trusted_device: answered.trusted_device,
    }))
}
