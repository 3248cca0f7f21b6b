//! `GET /v1/challenges/{id}`

use api::{ChallengePath, ChallengePurpose, ChallengeState, ChallengeStatus, ProblemCode};
use axum::extract::State;

use crate::{
    answer::json,
    http::{
        app::App,
        convert,
        document::Problems,
        extract::{Authorized, PathText},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::NotFound]);

/// Where a challenge stands
///
/// Role: verify. Only for the key that asked for it. Never its decision or its grant: those are told to whoever answers.
#[utoipa::path(
    get,
    path = "/v1/challenges/{id}",
    tag = "protection",
    params(ChallengePath),
    responses((status = 200, description = "The challenge.", body = ChallengeStatus)),
)]
pub(super) async fn get_challenge(State(app): State<App>, caller: Authorized, PathText(id): PathText) -> Answer {
    let (purpose, state, expires_at) = app.service.challenge_state(&caller.0, &id).await?;
    Ok(json(&ChallengeStatus {
        id,
        purpose: match purpose {
            service::ChallengePurpose::Login => ChallengePurpose::Login,
            service::ChallengePurpose::Operation => ChallengePurpose::Operation,
            service::ChallengePurpose::Identity => ChallengePurpose::Identity,
        },
        state: match state {
            service::ChallengeState::Open => ChallengeState::Open,
            service::ChallengeState::Answered => ChallengeState::Answered,
            service::ChallengeState::Expired => ChallengeState::Expired,
        },
        expires_at: convert::time(expires_at),
    }))
}
