//! `GET /v1/accounts/{account}/users/{user}`

use api::{User, UserClosing, UserPath};
use axum::extract::State;
use service::UserView;

use super::protection;
use crate::{
    answer::json,
    http::{
        app::App,
        convert::time,
        devices::device,
        document::Problems,
        extract::{self, Authorized},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[]);

/// A user's factors
///
/// Role: enroll or support. We keep no directory: a user nobody ever heard of has no devices, and that is no problem.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/users/{user}",
    tag = "users",
    params(UserPath),
    responses((status = 200, description = "The user's factors.", body = User)),
)]
pub(super) async fn get_user(
    State(app): State<App>,
    caller: Authorized,
    extract::User(owner): extract::User,
) -> Answer {
    Ok(json(&user(app.service.user(&caller.0, &owner).await?)))
}

fn user(view: UserView) -> User {
    User {
        devices: view.devices.into_iter().map(device).collect(),
        locked_until: view.locked_until.map(time),
        recovery_codes_left: u32::try_from(view.recovery_codes_left).unwrap_or(u32::MAX),
        protection: protection(&view.protection),
        closing: view
            .closing_ends_at
            .map(|ends_at| UserClosing { ends_at: time(ends_at) }),
    }
}
