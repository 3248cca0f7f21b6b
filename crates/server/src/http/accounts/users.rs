//! `GET /v1/accounts/{account}/users`

use api::{AccountPath, UserPage, UserQuery};
use axum::extract::State;

use crate::{
    answer::json,
    http::{
        app::App,
        convert::{protection_method, time},
        document::Problems,
        extract::{Authorized, PathName, Queried},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[]);

/// The users of an account that have a device or a setting, by name
///
/// Role: enroll or support. We keep no directory: who never had either is not there.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/users",
    tag = "users",
    params(AccountPath, UserQuery),
    responses((status = 200, description = "A page of them.", body = UserPage)),
)]
pub(super) async fn list_users(
    State(app): State<App>,
    caller: Authorized,
    PathName(account): PathName,
    Queried(query): Queried<UserQuery>,
) -> Answer {
    let limit = query.limit.get();
    let page = app
        .service
        .users(&caller.0, &account, query.cursor.as_deref(), limit)
        .await?;
    Ok(json(&UserPage {
        items: page.users.iter().map(summary).collect(),
        next_cursor: page.next,
    }))
}

fn summary(user: &service::UserSummary) -> api::UserSummary {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    api::UserSummary {
        user: user.owner.user.as_ref().to_owned(),
        devices: count(user.devices),
        locked_until: user.locked_until.map(time),
        suspended: user.suspended,
        recovery_codes_left: count(user.recovery_codes_left),
        login_protection: protection_method(&user.protection.login_protection.method),
        operation_protection: protection_method(&user.protection.operation_protection.method),
        last_success_at: user.last_success_at.map(time),
    }
}
