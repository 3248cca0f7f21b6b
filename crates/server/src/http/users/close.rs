//! `DELETE /v1/accounts/{account}/users/{user}`

use api::{CloseUserQuery, ProblemCode, UserPath};
use axum::{extract::State, http::StatusCode};

use crate::{
    answer::empty,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, User, WithoutBody},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::Conflict]);

/// Ends everything of a user whose account was closed
///
/// Role: admin. Secrets are erased, tombstones stay, unless the person is to be erased. No code is asked for.
#[utoipa::path(
    delete,
    path = "/v1/accounts/{account}/users/{user}",
    tag = "users",
    params(UserPath, CloseUserQuery),
    responses((status = 204, description = "Nothing of the user is left but tombstones (devices that ended); not those either where the person was to be erased, of whom the trail keeps what happened. The same for a user nobody ever heard of.")),
)]
pub(super) async fn close_user(
    State(app): State<App>,
    caller: Authorized,
    User(owner): User,
    WithoutBody(query): WithoutBody<CloseUserQuery>,
) -> Answer {
    let erase = query.erase;
    let caller = caller.acting(query.into_actor());
    if erase {
        app.service.erase_user(&caller, &owner).await?;
    } else {
        app.service.close_user(&caller, &owner).await?;
    }
    Ok(empty(StatusCode::NO_CONTENT))
}

#[cfg(test)]
mod tests {
    use api::ActorKind;
    use axum::{body::Body, extract::FromRequest as _, http::Request};

    use super::*;

    async fn read(query: &str, body: &'static str) -> Option<CloseUserQuery> {
        let request = Request::delete(format!("/{query}")).body(Body::from(body)).unwrap();
        let read = WithoutBody::from_request(request, &()).await;
        read.ok().map(|WithoutBody(query)| query)
    }

    #[tokio::test]
    async fn who_acts_stands_in_the_query() {
        let query = "?actor_id=desk%2014&actor_kind=support&actor_ip=2001:db8::7&erase=true";
        let query = read(query, "").await.unwrap();
        assert!(query.erase);
        let actor = query.into_actor();
        assert_eq!((actor.id.as_str(), actor.kind), ("desk 14", ActorKind::Support));
        assert_eq!(actor.ip.unwrap().to_string(), "2001:db8::7");
        let query = read("?actor_id=kim&actor_kind=admin", "").await.unwrap();
        assert!(!query.erase, "nobody is erased by silence");
    }

    #[tokio::test]
    async fn nothing_stands_in_a_body_and_nothing_unknown_in_the_query() {
        assert!(read("?actor_id=kim&actor_kind=admin", "{}").await.is_none());
        for query in [
            "",
            "?actor_id=kim",
            "?actor_id=&actor_kind=admin",
            "?actor_id=kim&actor_kind=root",
            "?actor_id=kim&actor_kind=admin&actor_id=lee",
            "?actor_id=kim&actor_kind=admin&actor=lee",
            "?actor_id=kim&actor_kind=admin&erase=yes",
        ] {
            assert!(read(query, "").await.is_none(), "{query}");
        }
    }
}
