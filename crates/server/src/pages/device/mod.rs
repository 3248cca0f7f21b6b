//! The pages of a user's MFA device: a token is bound, a device replaced or unbound, its clock measured, recovery codes made
//! anew, and what to do where it is lost.

mod bind_token;
mod clock;
mod codes;
mod done;
mod factor;
mod lost;
mod next_code;
mod replace;
mod start;
mod unbind;

use axum::{Router, routing::get};

use crate::{http::App, pages::frame};

pub(crate) use factor::Asking;
pub(crate) use start::{start, unproven};

/// Every page of the device, but for binding an app.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/pages/bind-token", get(bind_token::show).post(bind_token::act))
        .route(
            "/pages/bind-token/start",
            get(frame::posted_from).post(bind_token::begin),
        )
        .route("/pages/unbind", get(unbind::show).post(unbind::act))
        .route("/pages/replace", get(replace::show).post(replace::act))
        .route("/pages/recovery-codes", get(codes::show).post(codes::act))
        .route("/pages/kept", get(frame::posted_from).post(codes::kept))
        .route("/pages/clock", get(clock::show).post(clock::act))
        .route("/pages/lost", get(lost::show).post(lost::act))
}
