//! `POST /v1/challenges/{id}/page-link`

use api::{ChallengePath, PageLink, ProblemCode, PromptLinkRequest};
use axum::extract::State;
use service::NewPromptLink;

use crate::{
    answer::created,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, Json, PathText},
        pages,
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[
    ProblemCode::NotFound,
    ProblemCode::ChallengeEnded,
    ProblemCode::ChallengeExpired,
]);

/// Makes a link to the hosted prompt, on which the user's browser answers a challenge
///
/// Role: verify. Only for the key that asked for the challenge, while it is open. Send the browser to `url` within two minutes.
/// It comes back to `return_url`, one of the API key's to the character, with `state` and one of: `code`, which
/// `POST /v1/prompt/exchange` takes within a minute; `outcome` `cancelled`, `expired` or `failed`; `outcome=other_method` with
/// `method`, an external method of the challenge, for the caller to perform and report. Compare `state` with what the same
/// browser was given before; keep the verifier of `code_challenge` in that browser's session, or whoever knows the link's
/// answer could use it elsewhere. For one user 120 links are made within an hour.
#[utoipa::path(
    post,
    path = "/v1/challenges/{id}/page-link",
    tag = "pages",
    params(ChallengePath),
    request_body(content = PromptLinkRequest, example = json!({
        "return_url": "https://login.example/mfa/back", "state": "c0ffee",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "lang": "zh-CN",
    })),
    responses((
        status = 201,
        description = "Where to send the browser.",
        body = PageLink,
        headers(("Cache-Control" = String, description = "`no-store`")),
    )),
)]
pub(super) async fn create_prompt_link(
    State(app): State<App>,
    caller: Authorized,
    PathText(id): PathText,
    Json(request): Json<PromptLinkRequest>,
) -> Answer {
    let wanted = NewPromptLink {
        challenge: id,
        return_url: request.return_url.as_str().to_owned(),
        state: request.state.as_str().to_owned(),
        code_challenge: request.code_challenge.as_str().to_owned(),
    };
    let issued = app.service.create_prompt_link(&caller.0, &wanted).await?;
    Ok(created(&pages::told(&app, &issued, request.lang)))
}
