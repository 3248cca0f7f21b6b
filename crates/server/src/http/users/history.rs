//! `GET /v1/accounts/{account}/users/{user}/history`

use api::{AuditPage, HistoryQuery, UserPath};
use axum::extract::State;
use service::{HistoryView, ServiceError};

use crate::{
    answer::json,
    http::{
        app::App,
        audit::record::{event_id, of_cursor, record},
        document::Problems,
        extract::{Authorized, Queried, User},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[]);

/// What happened to a user, newest first
///
/// Role: enroll or support. `view=user` is for the user: no cause of a refusal, and no salt by which one could be found by
/// trying. `view=support` takes the role support, and has causes, each with its meaning; one that names a time still to come
/// is shown as `wrong`, and the record as `masked`, until that time is past.
///
/// CAUSES
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/users/{user}/history",
    tag = "users",
    params(UserPath, HistoryQuery),
    responses((status = 200, description = "A page of it.", body = AuditPage)),
)]
pub(super) async fn user_history(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    Queried(query): Queried<HistoryQuery>,
) -> Answer {
    let before = query.cursor.as_deref().map(event_id).transpose()?;
    let limit = query.limit.get();
    let view = match query.view {
        api::HistoryView::User => HistoryView::User,
        api::HistoryView::Support => HistoryView::Support,
    };
    let records = app.service.user_history(&caller.0, &owner, view, before, limit).await;
    let records = records.map_err(of_cursor)?;
    let full = records.len() == limit as usize;
    let next_cursor = records.last().filter(|_| full).map(|record| record.id.to_string());
    let items = records.into_iter().map(record).collect::<Result<_, ServiceError>>()?;
    Ok(json(&AuditPage { items, next_cursor }))
}
