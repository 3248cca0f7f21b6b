//! `POST /v1/grants/revoke`

use api::{Problem, ProblemCode, RevokeGrantsRequest};
use axum::{extract::State, http::StatusCode};
use service::{Revocation, UserNames};

use crate::{
    answer::empty,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, Json},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::Conflict]);

/// Ends grants before their time
///
/// Role: verify. One grant, or all of a user, or those of one session of theirs; the passes that were given with them end,
/// too. Verifiers that introspect learn it at once, offline ones when the grant expires.
#[utoipa::path(
    post,
    path = "/v1/grants/revoke",
    tag = "protection",
    request_body(
        content = RevokeGrantsRequest,
        examples(
            ("grant" = (summary = "One grant", value = json!({"grant": "eyJhbGciOiJFZERTQSIs…"}))),
            ("session" = (summary = "Those of a session", value = json!({
                "account": "acme", "user": "alice", "session_id": "session-7f3a",
            }))),
        ),
    ),
    responses((status = 204, description = "They have ended, if they were alive.")),
)]
pub(super) async fn revoke_grants(
    State(app): State<App>,
    caller: Authorized,
    Json(request): Json<RevokeGrantsRequest>,
) -> Answer {
    app.service
        .revoke_grants(&caller.0, &revocation(app.user_names(), request)?)
        .await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

fn revocation(names: UserNames, request: RevokeGrantsRequest) -> Result<Revocation, Problem> {
    match (request.grant, request.account, request.user, request.session_id) {
        (Some(grant), None, None, None) => Ok(Revocation::Grant(grant.as_str().to_owned())),
        (None, Some(account), Some(user), session_id) => {
            let owner = names.owner(account.into_inner(), user.into_inner());
            Ok(match session_id {
                Some(session_id) => Revocation::Session(owner, session_id.as_str().to_owned()),
                None => Revocation::User(owner),
            })
        }
        _ => {
            let detail = "give grant alone, or account and user, with session_id where only that session's are meant";
            Err(Problem::new(ProblemCode::InvalidRequest, detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use api::read_json;
    use service::Owner;

    use super::*;

    fn meant(body: &str) -> Option<Revocation> {
        revocation(UserNames::Exact, read_json(body.as_bytes()).expect("it is read")).ok()
    }

    #[test]
    fn one_grant_or_those_of_a_user_or_of_a_session() {
        let owner = || Owner::new("acme", "alice");
        assert_eq!(meant(r#"{"grant": "a.b.c"}"#), Some(Revocation::Grant("a.b.c".into())));
        assert_eq!(
            meant(r#"{"account": "acme", "user": "alice"}"#),
            Some(Revocation::User(owner()))
        );
        assert_eq!(
            meant(r#"{"account": "acme", "user": "alice", "session_id": "s1"}"#),
            Some(Revocation::Session(owner(), "s1".into()))
        );
        for unclear in [
            "{}",
            r#"{"account": "acme"}"#,
            r#"{"session_id": "s1"}"#,
            r#"{"grant": "a.b.c", "account": "acme", "user": "alice"}"#,
            r#"{"grant": "a.b.c", "session_id": "s1"}"#,
        ] {
            assert_eq!(meant(unclear), None, "{unclear}");
        }
    }
}
