//! Lots of tokens: who may bind them, how many are left, how their clocks go.

mod clocks;
mod list;
mod one;

use axum::{Router, routing::get};
use service::{LotCounts, OpenTo};

use super::tokens::{encoded, status_named};
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

/// The tokens of a lot by status, as one reads them: `12 in stock, 3 bound`.
fn counted(frame: &Frame, counts: &LotCounts) -> String {
    let said = counts.by_status.iter().map(|(status, count)| {
        let status = status_named(frame, *status);
        frame.t2(
            "staff_lot.counted",
            &("status", &status),
            &("count", &count.to_string()),
        )
    });
    let mut said: Vec<String> = said.collect();
    if counts.more {
        said.push(frame.t("staff_lot.and_more"));
    }
    match said.is_empty() {
        true => frame.t("staff_lot.empty"),
        false => said.join(&frame.t("staff_lot.comma")),
    }
}
