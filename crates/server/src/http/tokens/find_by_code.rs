//! `POST /v1/tokens/find-by-code`

use api::{FindByCodeRequest, FoundTokens, Problem, ProblemCode};
use axum::extract::State;

use super::token;
use crate::{
    answer::json,
    http::{
        app::App,
        convert,
        document::Problems,
        extract::{Authorized, Json},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::Conflict]);

/// Whose token is this?
///
/// Role: inventory or support. By one code among unbound tokens, by two consecutive ones, which are burned, among bound
/// tokens. Ten times an hour for each actor.
#[utoipa::path(
    post,
    path = "/v1/tokens/find-by-code",
    tag = "tokens",
    request_body(content = FindByCodeRequest, examples(
        ("unbound" = (summary = "Found on a desk", value = json!({
            "codes": ["492 039"], "actor": {"id": "desk-14", "kind": "support"},
        }))),
        ("bound" = (summary = "Found in a corridor", value = json!({
            "codes": ["492 039", "118 204"], "actor": {"id": "desk-14", "kind": "support"},
        }))),
    )),
    responses((status = 200, description = "Those that show it; none, perhaps.", body = FoundTokens)),
)]
pub(super) async fn find_token_by_code(
    State(app): State<App>,
    caller: Authorized,
    Json(request): Json<FindByCodeRequest>,
) -> Answer {
    let caller = caller.acting(request.actor);
    let codes: Vec<_> = request.codes.into_inner().into_iter().map(convert::typed).collect();
    let found = match &codes[..] {
        [first, second] => app.service.find_bound(&caller, [first, second]).await?,
        [code] => app.service.find_unbound(&caller, code).await?,
        _ => {
            let detail = "codes has neither one code nor two";
            return Err(Problem::new(ProblemCode::InvalidRequest, detail)
                .with_field("codes")
                .into());
        }
    };
    let items = found.into_iter().map(token).collect();
    Ok(json(&FoundTokens { items }))
}
