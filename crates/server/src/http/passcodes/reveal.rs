//! `POST /v1/support/passcodes/{id}/reveal`

use api::{ProblemCode, RevealedPasscode, SupportActRequest, SupportRequestPath};
use axum::extract::State;

use crate::{
    answer::json,
    http::{
        app::App,
        convert::time,
        document::Problems,
        extract::{Authorized, Json, PathId},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[
    ProblemCode::NotFound,
    ProblemCode::RequestState,
    ProblemCode::AlreadyCreated,
    ProblemCode::Conflict,
]);

/// Shows an approved passcode, once
///
/// Role: support. By the key and the actor it was asked for with. It lives for 10 minutes from now, ends at the fifth wrong
/// one, and opens one login: the user types it where `/v1/challenges` offers the method `passcode`. `verify` takes none.
#[utoipa::path(
    post,
    path = "/v1/support/passcodes/{id}/reveal",
    tag = "support",
    params(SupportRequestPath),
    request_body(content = SupportActRequest, example = json!({"actor": {"id": "desk-3", "kind": "support"}})),
    responses((status = 200, description = "The passcode; it is not shown again.", body = RevealedPasscode)),
)]
pub(super) async fn reveal_passcode(
    State(app): State<App>,
    caller: Authorized,
    PathId(id): PathId,
    Json(request): Json<SupportActRequest>,
) -> Answer {
    let issued = app.service.reveal_passcode(&caller.acting(request.actor), id).await?;
    Ok(json(&RevealedPasscode {
        passcode: issued.passcode.as_str().to_owned(),
        expires_at: time(issued.expires_at),
    }))
}
