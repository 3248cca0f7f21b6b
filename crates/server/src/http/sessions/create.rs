//! `POST /v1/accounts/{account}/users/{user}/sessions`

use api::{IdempotencyHeader, ProblemCode, SessionRequest, StartedSession, UserPath};
use axum::extract::State;
use service::NewSession;

use crate::{
    answer::created,
    http::{
        app::App,
        convert::{client, time},
        document::Problems,
        extract::{Authorized, Creating, User},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[
    ProblemCode::GrantRequired,
    ProblemCode::Conflict,
    ProblemCode::AlreadyCreated,
    ProblemCode::IdempotencyKeyReused,
]);

/// Begins a session
///
/// Role: verify. After a login: the grant of its challenge is used up, and required where logins, or suspicious ones, are
/// protected. The session has the limits that the user has set by now. A user has 100 sessions; of more the oldest ends. The
/// token is shown once.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/users/{user}/sessions",
    tag = "sessions",
    params(UserPath, IdempotencyHeader),
    request_body(content = SessionRequest, example = json!({
        "grant": "eyJhbGciOiJFZERTQSIs…",
        "client": {"ip": "203.0.113.7", "user_agent": "Mozilla/5.0 (X11; Linux x86_64)"},
        "actor": {"id": "alice", "kind": "user"},
    })),
    responses((
        status = 201,
        description = "The session.",
        body = StartedSession,
        headers(("Cache-Control" = String, description = "`no-store`")),
    )),
)]
pub(super) async fn create_session(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    Creating { request, key }: Creating<SessionRequest>,
) -> Answer {
    let wanted = NewSession {
        grant: request.grant.map(|grant| grant.as_str().to_owned()),
        client: request.client.map(client),
    };
    let caller = caller.acting(request.actor).with_idempotency_key(key);
    let begun = app.service.create_session(&caller, &owner, &wanted).await?;
    Ok(created(&StartedSession {
        id: begun.id,
        token: begun.token,
        idle_expires_at: time(begun.idle_expires_at),
        expires_at: time(begun.expires_at),
    }))
}
