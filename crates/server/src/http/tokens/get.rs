//! `GET /v1/tokens/{serial_number}`

use api::{ProblemCode, Token, TokenPath};
use axum::extract::State;

use super::token;
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, PathName},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::NotFound]);

/// One token
///
/// Role: inventory or support. A bound one with how its clock goes.
#[utoipa::path(
    get,
    path = "/v1/tokens/{serial_number}",
    tag = "tokens",
    params(TokenPath),
    responses((status = 200, description = "The token.", body = Token)),
)]
pub(super) async fn get_token(State(app): State<App>, caller: Authorized, PathName(serial_number): PathName) -> Answer {
    Ok(json(&token(app.service.token(&caller.0, &serial_number).await?)))
}
