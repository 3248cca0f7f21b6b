//! `GET /v1/support/unbind-requests`

use api::{UnbindRequestPage, UnbindRequestQuery, UnbindRequestState};
use axum::extract::State;

use super::view;
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, Queried},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[]);

/// The unbind requests in one state, oldest first
///
/// Role: support. Those of the users whom the key reaches.
#[utoipa::path(
    get,
    path = "/v1/support/unbind-requests",
    tag = "support",
    params(UnbindRequestQuery),
    responses((status = 200, description = "A page of them.", body = UnbindRequestPage)),
)]
pub(super) async fn list_unbind_requests(
    State(app): State<App>,
    caller: Authorized,
    Queried(query): Queried<UnbindRequestQuery>,
) -> Answer {
    let state = name(query.state);
    let limit = query.limit.get();
    let found = app
        .service
        .unbind_requests(&caller.0, state, query.cursor, limit)
        .await?;
    let (requests, next_cursor) = found;
    Ok(json(&UnbindRequestPage {
        items: requests.into_iter().map(view).collect(),
        next_cursor,
    }))
}

fn name(state: UnbindRequestState) -> &'static str {
    match state {
        UnbindRequestState::Applied => "applied",
        UnbindRequestState::Requested => "requested",
        UnbindRequestState::Approved => "approved",
        UnbindRequestState::InForce => "in_force",
        UnbindRequestState::Completed => "completed",
        UnbindRequestState::Rejected => "rejected",
        UnbindRequestState::Withdrawn => "withdrawn",
        UnbindRequestState::Expired => "expired",
    }
}
