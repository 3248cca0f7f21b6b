//! The inventory of hardware tokens: found, looked at, moved on in their lives, imported, labelled.

mod by_code;
mod import;
mod import_form;
mod import_words;
mod labels;
mod one;
mod search;
mod seed_problem;

use axum::{Router, extract::DefaultBodyLimit, routing::get};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use service::{Role, TokenStatus};

use crate::{
    http::App,
    pages::frame::{self, Frame},
};

/// Those who keep the inventory.
pub(super) const DESK: &[Role] = &[Role::Inventory];
/// Those who may look at a token besides.
pub(super) const DESK_OR_SUPPORT: &[Role] = &[Role::Inventory, Role::Support];

pub(super) fn routes() -> Router<App> {
    // The file's length is limited where it is read, as the API's is.
    let import = get(import::show).post(import::act).layer(DefaultBodyLimit::disable());
    Router::new()
        .route("/staff/tokens", get(search::show))
        .route("/staff/tokens/one", get(one::show))
        .route("/staff/tokens/move", get(frame::posted_from).post(one::act))
        .route("/staff/tokens/by-code", get(by_code::show).post(by_code::act))
        .route("/staff/tokens/import", import)
        .route("/staff/tokens/labels", get(labels::show))
}

/// A name in an address.
pub(super) fn encoded(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

/// The page of this token.
pub(super) fn path_of(serial_number: &str) -> String {
    format!("/staff/tokens/one?serial_number={}", encoded(serial_number))
}

/// A status in words.
pub(super) fn status_named(frame: &Frame, status: TokenStatus) -> String {
    frame.t(&format!("staff_token.state_is_{}", status.name()))
}
