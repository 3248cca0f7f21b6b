//! `POST /v1/sessions/check`

use api::{SessionCause, SessionCheck, SessionCheckRequest};
use axum::extract::State;
use service::{CheckedSession, SessionEnd};

use crate::{
    answer::json,
    http::{
        app::App,
        convert::time,
        document::Problems,
        extract::{Authorized, Json},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[]);

/// Does this session go on?
///
/// Role: verify. At every request of the user. A session that was ended is so at the very next check. What cannot be known
/// at the moment is a 503, which is no end of the session: ask again.
#[utoipa::path(
    post,
    path = "/v1/sessions/check",
    tag = "sessions",
    request_body(content = SessionCheckRequest, example = json!({"token": "css_AQGaoGuT5H0Ciz9…", "touch": true})),
    responses((
        status = 200,
        description = "Whose it is, or why it does not.",
        body = SessionCheck,
        examples(
            ("active" = (value = json!({
                "active": true, "account": "acme", "user": "alice", "session_id": "019aa06b-93e4-7d02-8b3f-5a1c9e7f2d60",
                "idle_expires_at": "2026-11-20T10:00:00.000Z", "expires_at": "2026-11-22T08:00:00.000Z",
            }))),
            ("idle" = (value = json!({"active": false, "cause": "idle"}))),
        ),
    )),
)]
pub(super) async fn check_session(
    State(app): State<App>,
    caller: Authorized,
    Json(request): Json<SessionCheckRequest>,
) -> Answer {
    let checked = app
        .service
        .check_session(&caller.0, request.token.as_str(), request.touch)?;
    Ok(json(&answer(checked)))
}

fn answer(checked: CheckedSession) -> SessionCheck {
    let over = SessionCheck {
        active: false,
        account: None,
        user: None,
        session_id: None,
        idle_expires_at: None,
        expires_at: None,
        cause: None,
    };
    match checked {
        CheckedSession::Active {
            owner,
            id,
            idle_expires_at,
            expires_at,
        } => SessionCheck {
            active: true,
            account: Some(owner.account.as_ref().to_owned()),
            user: Some(owner.user.as_ref().to_owned()),
            session_id: Some(id),
            idle_expires_at: Some(time(idle_expires_at)),
            expires_at: Some(time(expires_at)),
            cause: None,
        },
        CheckedSession::Over(end) => SessionCheck {
            cause: Some(match end {
                SessionEnd::Ended => SessionCause::Ended,
                SessionEnd::Idle => SessionCause::Idle,
                SessionEnd::Expired => SessionCause::Expired,
                SessionEnd::Unknown => SessionCause::Unknown,
            }),
            ..over
        },
    }
}
