//! `GET /v1/support/passcodes/{id}`

use api::{Passcode, ProblemCode, SupportRequestPath};
use axum::extract::State;

use super::passcode;
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, PathId},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::NotFound]);

/// One passcode's request
///
/// Role: support. To be read before it is approved; never the passcode.
#[utoipa::path(
    get,
    path = "/v1/support/passcodes/{id}",
    tag = "support",
    params(SupportRequestPath),
    responses((status = 200, description = "The request.", body = Passcode)),
)]
pub(super) async fn get_passcode(State(app): State<App>, caller: Authorized, PathId(id): PathId) -> Answer {
    Ok(json(&passcode(app.service.passcode(&caller.0, id).await?)))
}
