//! `POST /v1/prompt/exchange`

use api::{ChallengeAnswer, ProblemCode, PromptExchangeRequest};
use axum::extract::State;

use super::answer::told;
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, Json},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::NotFound]);

/// Fetches the answer that a user gave on the hosted prompt, once
///
/// Role: verify. Only for the key that made the prompt's link, with the verifier of its `code_challenge`, within a minute of
/// the answer. Any other is refused by 404, and a wrong verifier ends the code: its finder is a thief, or its owner mixed up
/// two browsers (RFC 6749, section 10.5). Until it is fetched nobody learns the decision: the challenge says `answered`.
#[utoipa::path(
    post,
    path = "/v1/prompt/exchange",
    tag = "pages",
    request_body(content = PromptExchangeRequest, example = json!({
        "code": "SplxlOBeZQQYbYS6WxSbIAA8rV3xQf0m9n2kT1c7dZE",
        "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    })),
    responses((
        status = 200,
        description = "What answering the challenge came to: `allow`, with the grant.",
        body = ChallengeAnswer,
        headers(("Cache-Control" = String, description = "`no-store`")),
    )),
)]
pub(super) async fn exchange_prompt(
    State(app): State<App>,
    caller: Authorized,
    Json(request): Json<PromptExchangeRequest>,
) -> Answer {
    let (code, verifier) = (request.code.expose(), request.code_verifier.expose());
    let answered = app.service.exchange_prompt(&caller.0, code, verifier).await?;
    Ok(json(&told(answered)))
}
