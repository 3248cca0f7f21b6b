//! Lots of tokens: who may bind them, how many are left, how their clocks go.

mod clocks;
mod list;
mod one;

use axum::{Router, routing::get};
use service::OpenTo;

use super::tokens::encoded;
use crate::{http::App, pages::frame::Frame};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/staff/lots", get(list::show).post(list::make))
        .route("/staff/lots/one", get(one::show).post(one::change))
        .route("/staff/lots/clocks", get(clocks::show))
}

/// The page of this lot.
pub(super) fn path_of(lot: &str) -> String {
    format!("/staff/lots/one?lot={}", encoded(lot))
}

/// Who may bind a token of a lot.
pub(super) fn open_to_in_words(frame: &Frame, open_to: &OpenTo) -> String {
    match open_to {
        OpenTo::Nobody => frame.t("staff_lot.open_to_is_nobody"),
        OpenTo::Everybody => frame.t("staff_lot.open_to_is_everybody"),
        OpenTo::Accounts(accounts) => frame.t1("staff_lot.open_to_is_accounts", "count", accounts.len()),
        OpenTo::Users(users) => frame.t1("staff_lot.open_to_is_users", "count", users.len()),
    }
}

/// How many there are, where at most so many were counted.
fn number(frame: &Frame, count: u32, most: u32) -> String {
    match count < most {
        true => count.to_string(),
        false => frame.t1("staff_lot.at_least", "count", count),
    }
}
