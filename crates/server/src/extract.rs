//! What handlers are given: a proven caller, names from the path, a parsed body.

use std::sync::Arc;

use api::{Name, Problem, ProblemCode};
use axum::{
    body::Body,
    extract::{FromRef, FromRequest, FromRequestParts, RawPathParams},
    http::{HeaderMap, Request, header, request::Parts},
};
use serde::de::DeserializeOwned;
use service::{Caller, Id, Origin, Owner, Role, Service};

use crate::{App, edge::Received, problem::Rejection};

/// The key that was presented, proven, and the request's id.
pub(crate) struct Authorized {
    pub(crate) caller: Arc<Caller>,
    request: Option<Arc<str>>,
}

impl Authorized {
    /// Where the request comes from, without a person behind it yet.
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            api_key: Some(self.caller.key_id()),
            request: self.request.clone(),
            ..Origin::default()
        }
    }

    /// The same with the person the caller names.
    pub(crate) fn acting(&self, actor: api::Actor) -> Origin {
        Origin {
            actor: Some(crate::convert::actor(actor)),
            ..self.origin()
        }
    }

    /// Whether the key has one of these roles and reaches this user.
    pub(crate) fn may(&self, roles: &[Role], owner: &Owner) -> Result<(), Rejection> {
        self.caller.has(roles)?;
        Ok(self.caller.reaches(owner)?)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Authorized
where
    App: FromRef<S>,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let App { service, .. } = App::from_ref(state);
        let proven = authenticate(&service, &parts.headers).await;
        let received = parts.extensions.get::<Received>();
        match received.map(|received| &*received.connection) {
            Some(connection) if proven.is_err() => connection.disprove(),
            // Nobody would hear the answer.
            Some(connection) if !connection.prove() => return Err(made_room()),
            _ => {}
        }
        Ok(Self {
            caller: proven?,
            request: received.map(|received| received.id.clone()),
        })
    }
}

fn made_room() -> Rejection {
    let detail = "this connection was closed for another one before anything was done: ask again";
    let mut problem = Problem::new(ProblemCode::RateLimited, detail);
    problem.retry_after_s = Some(1);
    problem.into()
}

async fn authenticate(service: &Service, headers: &HeaderMap) -> Result<Arc<Caller>, Rejection> {
    let presented = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = presented.and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
    });
    Ok(service.authenticate(key.unwrap_or_default()).await?)
}

/// `/accounts/{account}/users/{user}` of the path.
pub(crate) struct User(pub(crate) Owner);

impl<S: Send + Sync> FromRequestParts<S> for User {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let params = params(parts, state).await?;
        Ok(Self(Owner::new(name(&params, "account")?, name(&params, "user")?)))
    }
}

/// `{id}` of the path; what is no id is one that does not exist.
pub(crate) struct PathId(pub(crate) Id);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let params = params(parts, state).await?;
        let id = Id::try_parse(param(&params, "id")).ok();
        id.map(Self)
            .ok_or_else(|| Problem::new(ProblemCode::NotFound, "the id in the path is not a UUID").into())
    }
}

/// The one name of a path without a user: of a token or a batch.
pub(crate) struct PathName(pub(crate) Arc<str>);

impl<S: Send + Sync> FromRequestParts<S> for PathName {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let params = params(parts, state).await?;
        let (_, text) = params.iter().next().unwrap_or_default();
        let name = Name::new(text)
            .map_err(|error| Problem::new(ProblemCode::InvalidRequest, format!("the name in the path {error}")))?;
        Ok(Self(name.into_inner()))
    }
}

async fn params<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<RawPathParams, Rejection> {
    RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_not_utf8| {
            Problem::new(ProblemCode::InvalidRequest, "the path, percent-decoded, is not UTF-8").into()
        })
}

fn param<'a>(params: &'a RawPathParams, field: &str) -> &'a str {
    params
        .iter()
        .find(|(name, _)| *name == field)
        .map_or("", |(_, text)| text)
}

fn name(params: &RawPathParams, field: &'static str) -> Result<Arc<str>, Rejection> {
    let name = Name::new(param(params, field))
        .map_err(|error| Problem::new(ProblemCode::InvalidRequest, format!("{field} {error}")).with_field(field))?;
    Ok(name.into_inner())
}

/// A JSON body that is handled while its room is anybody's again: it is much shorter than its text may be.
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T>
where
    App: FromRef<S>,
{
    type Rejection = Rejection;

    async fn from_request(request: Request<Body>, state: &S) -> Result<Self, Rejection> {
        let (read, _room) = App::from_ref(state).bodies.read(request).await?;
        Ok(Self(read))
    }
}
