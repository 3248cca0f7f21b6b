//! The pages of the operator's staff, who sign in with an API key of their own: what each page does is what that key may.

mod home;
mod users;
mod visit;
mod who;

use axum::{
    Router,
    routing::{any, get, post},
};

use crate::{http::App, pages::frame};

pub(crate) use visit::StaffFrame;

/// Every page of staff.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/staff", get(home::show).post(home::sign_in))
        .route("/staff/sign-out", post(home::sign_out))
        .route("/staff/users", get(users::show))
        .route("/staff/users/diagnose", post(users::diagnose))
        .route("/staff/users/unlock", post(users::unlock))
        .route("/staff/{*path}", any(frame::not_found))
}
