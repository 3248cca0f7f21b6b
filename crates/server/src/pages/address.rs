//! What the address of a page says: an id in its path, and its query.

use axum::{
    extract::{FromRef, FromRequestParts, Path, Query},
    http::request::Parts,
};
use serde::de::DeserializeOwned;
use service::Id;

use crate::{
    http::App,
    pages::{
        frame::{Refusal, refusal},
        visit::Browser,
    },
};

/// `{id}` of the path; what is no id is one that does not exist.
pub(crate) struct PathId(pub(crate) Id);

impl<S: Send + Sync> FromRequestParts<S> for PathId
where
    App: FromRef<S>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let found = Path::<Id>::from_request_parts(parts, state).await;
        found
            .map(|Path(id)| Self(id))
            .map_err(|_| refused(parts, state, "error.no_page", 404))
    }
}

/// What the query says.
pub(crate) struct Queried<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Queried<T>
where
    App: FromRef<S>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let read = Query::try_from_uri(&parts.uri);
        read.map(|Query(query)| Self(query))
            .map_err(|_| refused(parts, state, "error.form", 400))
    }
}

fn refused<S>(parts: &Parts, state: &S, key: &str, status: u16) -> Refusal
where
    App: FromRef<S>,
{
    let app = App::from_ref(state);
    refusal(&app, &Browser::of(parts, &app), key, status)
}
