//! `GET /v1/support/unbind-requests/{id}`

use api::{ProblemCode, SupportRequestPath, UnbindRequestView};
use axum::extract::State;

use super::view;
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

/// One unbind request, as it stands now
///
/// Role: support. To be read, with its evidence, before it is approved.
#[utoipa::path(
    get,
    path = "/v1/support/unbind-requests/{id}",
    tag = "support",
    params(SupportRequestPath),
    responses((status = 200, description = "The request.", body = UnbindRequestView)),
)]
pub(super) async fn get_unbind_request(State(app): State<App>, caller: Authorized, PathId(id): PathId) -> Answer {
    Ok(json(&view(app.service.unbind_request(&caller.0, id).await?)))
}
