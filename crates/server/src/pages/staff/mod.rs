//! The pages of the operator's staff, who sign in with an API key of their own: what each page does is what that key may.

mod approving;
mod drift;
mod event;
mod evidence;
mod home;
mod kinds;
mod lots;
mod passcodes;
mod today;
mod tokens;
mod trail;
mod unbind_request;
mod unbind_requests;
mod users;
mod visit;
mod who;

use axum::{
    Router,
    routing::{any, get},
};

use crate::{http::App, pages::frame};

pub(crate) use visit::StaffFrame;
#[cfg(test)]
pub(crate) use {event::action_named, kinds::every_kind};

/// Every page of staff.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/staff", get(home::show).post(home::sign_in))
        .route("/staff/sign-out", get(frame::posted_from).post(home::sign_out))
        .route("/staff/users", get(users::show))
        .route("/staff/users/diagnose", get(frame::posted_from).post(users::diagnose))
        .route("/staff/users/unlock", get(frame::posted_from).post(users::unlock))
        .route("/staff/unbind-requests", get(unbind_requests::show))
        .route(
            "/staff/unbind-requests/new",
            get(unbind_requests::form).post(unbind_requests::open),
        )
        .route("/staff/unbind-requests/{id}", get(unbind_request::show))
        .route(
            "/staff/unbind-requests/{id}/vouch",
            get(frame::posted_from).post(unbind_request::vouch),
        )
        .route(
            "/staff/unbind-requests/{id}/approve",
            get(frame::posted_from).post(unbind_request::approve),
        )
        .route(
            "/staff/unbind-requests/{id}/reject",
            get(frame::posted_from).post(unbind_request::reject),
        )
        .route(
            "/staff/unbind-requests/{id}/withdraw",
            get(frame::posted_from).post(unbind_request::withdraw),
        )
        .route("/staff/passcodes", get(passcodes::show).post(passcodes::ask))
        .route("/staff/passcodes/{id}", get(passcodes::one))
        .route(
            "/staff/passcodes/{id}/approve",
            get(frame::posted_from).post(passcodes::approve),
        )
        .route(
            "/staff/passcodes/{id}/reveal",
            get(frame::posted_from).post(passcodes::reveal),
        )
        .route("/staff/today", get(today::show))
        .route("/staff/trail", get(trail::show))
        .route("/staff/trail/export", get(trail::export))
        .route("/staff/{*path}", any(frame::not_found))
        .merge(tokens::routes())
        .merge(lots::routes())
}
