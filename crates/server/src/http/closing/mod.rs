//! People who go: closing with time to come back, leaving, handing over.

mod handover;
mod leave;
mod start;
mod withdraw;

use axum::response::Response;
use service::{Closing, ClosingState};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    answer::json,
    http::{app::App, convert::time, document::endpoints},
};

pub(super) fn endpoints() -> OpenApiRouter<App> {
    endpoints![
        start::start_closing,
        withdraw::withdraw_closing,
        leave::leave,
        handover::hand_over
    ]
}

fn answer(closing: &Closing) -> Response {
    let (state, ends_at) = match closing.state {
        ClosingState::Closing => (api::ClosingState::Closing, Some(time(closing.ends_at))),
        ClosingState::Withdrawn => (api::ClosingState::Withdrawn, None),
        ClosingState::Ended => (api::ClosingState::Ended, None),
    };
    json(&api::ClosingStatus { state, ends_at })
}

fn done(state: api::ClosingState) -> Response {
    json(&api::ClosingStatus { state, ends_at: None })
}
