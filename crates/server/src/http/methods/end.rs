//! `DELETE /v1/accounts/{account}/users/{user}/methods/{method}`

use api::{EndMethodQuery, EndedMethod, EndedUse, ProblemCode, UserMethodPath};
use axum::extract::State;

use super::protection_name;
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, MethodName, User, WithoutBody},
        problem::Answer,
        users::protection::in_force,
    },
};

pub(super) const PROBLEMS: Problems =
    Problems::keyed(&[ProblemCode::NotFound, ProblemCode::Conflict, ProblemCode::MethodInUse]);

/// Takes an external method from a user
///
/// Role: enroll. One that a protection asks for stays: ask `…/uses` first. With `reassigned=true` it ends all the same, for its
/// number or address is somebody else's now, and with it every grant and all trust in browsers of before; no protection goes off by that, and the answer
/// says how each is in force then. No factor is asked for: nothing is weaker than before.
#[utoipa::path(
    delete,
    path = "/v1/accounts/{account}/users/{user}/methods/{method}",
    tag = "users",
    params(UserMethodPath, EndMethodQuery),
    responses((status = 200, description = "It ended.", body = EndedMethod)),
)]
pub(super) async fn end_method(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    MethodName(method): MethodName,
    WithoutBody(query): WithoutBody<EndMethodQuery>,
) -> Answer {
    let is_reassigned = query.reassigned;
    let caller = caller.acting(query.into_actor());
    let ended = app.service.end_method(&caller, &owner, &method, is_reassigned).await?;
    let ended = ended.iter().map(|one| EndedUse {
        protection: protection_name(one.protection),
        in_force: in_force(&one.in_force),
    });
    let ended = ended.collect();
    Ok(json(&EndedMethod { method, ended }))
}
