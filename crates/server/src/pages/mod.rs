//! The hosted pages: HTML over the same use cases as HTTP, a page a file, working without JavaScript.
//!
//! A page is a handler that shows it (GET, which changes nothing) and one that acts (POST, with the session's form token), a
//! template in `templates/`, and its words in `messages/` in both languages. [`visit`] says whose browser it is, [`form`]
//! reads what it posts, [`frame`] is what all pages look like, [`said`] puts a refusal into words.

mod address;
mod agent;
mod assets;
mod bind;
mod chart;
mod device;
mod form;
mod frame;
mod fresh;
mod happened;
mod hidden;
mod history;
mod leave;
mod open;
mod prompt;
mod prompt_page;
mod prompt_visit;
mod protection;
mod said;
mod security;
mod sessions;
mod settings;
mod sign_out;
mod staff;
mod suspicious_login;
mod trusted_devices;
mod upload;
mod visit;
mod words;

use axum::{
    Router,
    routing::{any, get},
};

use crate::http::App;

pub(crate) use frame::page_url;

/// Every page there is.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/pages/open/{token}", get(open::show))
        .route("/pages/open", get(open::again).post(open::act))
        .route("/pages/prompt", get(prompt::show).post(prompt::act))
        .route("/pages/security", get(security::show))
        .route("/pages/bind", get(bind::show).post(bind::act))
        .route("/pages/bind/start", get(frame::posted_from).post(bind::start_app))
        .route("/pages/protection", get(protection::show).post(protection::act))
        .route(
            "/pages/suspicious-login",
            get(suspicious_login::show).post(suspicious_login::act),
        )
        .route(
            "/pages/suspicious-login/forget",
            get(frame::posted_from).post(suspicious_login::forget),
        )
        .route("/pages/sessions", get(sessions::show).post(sessions::act))
        .route("/pages/sign-out", get(sign_out::show).post(sign_out::act))
        .route(
            "/pages/trusted-devices",
            get(trusted_devices::show).post(trusted_devices::act),
        )
        .route("/pages/history", get(history::show))
        .route("/pages/leave", get(frame::posted_from).post(leave::act))
        .route("/pages/assets/{version}/{name}", get(assets::get))
        .route("/pages/{*path}", any(frame::not_found))
        .merge(device::routes())
        .merge(staff::routes())
}
