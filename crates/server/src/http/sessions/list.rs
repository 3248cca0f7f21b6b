//! `GET /v1/accounts/{account}/users/{user}/sessions`

use api::{Session, SessionClient, SessionPage, SessionQuery, UserPath};
use axum::extract::State;
use service::SessionView;

use crate::{
    answer::json,
    http::{
        app::App,
        convert::time,
        document::Problems,
        extract::{Authorized, Queried, User},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[]);

/// The sessions of a user, oldest first
///
/// Role: enroll or support. Those that go on.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/users/{user}/sessions",
    tag = "sessions",
    params(UserPath, SessionQuery),
    responses((status = 200, description = "A page of them.", body = SessionPage)),
)]
pub(super) async fn list_sessions(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    Queried(query): Queried<SessionQuery>,
) -> Answer {
    let limit = query.limit.get();
    let found = app.service.sessions(&caller.0, &owner, query.cursor, limit).await?;
    let is_full = found.len() == limit as usize;
    let next_cursor = found.last().filter(|_| is_full).map(|session| session.id);
    let items = found.into_iter().map(session).collect();
    Ok(json(&SessionPage { items, next_cursor }))
}

fn session(view: SessionView) -> Session {
    let client = view.client.unwrap_or_default();
    Session {
        id: view.id,
        client: SessionClient {
            ip: client.ip.and_then(|ip| ip.parse().ok()),
            user_agent: client.user_agent,
        },
        city: view.city,
        created_at: time(view.created_at),
        last_seen_at: time(view.last_seen_at),
        expires_at: time(view.expires_at),
    }
}
