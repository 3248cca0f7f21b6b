//! What handlers are given: a proven caller, names from the path, a parsed body.

use std::sync::Arc;

use api::{Name, Problem, ProblemCode, read_json};
use axum::{
    body::{Body, to_bytes},
    extract::{FromRef, FromRequest, FromRequestParts, RawPathParams},
    http::{HeaderMap, Request, header, request::Parts},
};
use serde::de::DeserializeOwned;
use service::{Caller, Id, Origin, Owner, Role, Service};
use zeroize::Zeroize;

use crate::{App, edge::RequestId, problem::Rejection};

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
        let caller = authenticate(&service, &parts.headers).await?;
        let request = parts.extensions.get::<RequestId>().map(|id| id.0.clone());
        Ok(Self { caller, request })
    }
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

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T>
where
    App: FromRef<S>,
{
    type Rejection = Rejection;

    async fn from_request(request: Request<Body>, state: &S) -> Result<Self, Rejection> {
        let App { body_bytes, .. } = App::from_ref(state);
        read_body(request, body_bytes).await.map(Self)
    }
}

/// A JSON body of at most so many bytes, which are wiped once it is read.
pub(crate) async fn read_body<T: DeserializeOwned>(request: Request<Body>, limit: usize) -> Result<T, Rejection> {
    let (parts, body) = request.into_parts();
    if !is_json(&parts.headers) {
        let detail = "send JSON, and say so: Content-Type: application/json";
        return Err(Problem::new(ProblemCode::UnsupportedMediaType, detail).into());
    }
    let too_large = || {
        Rejection::from(Problem::new(
            ProblemCode::PayloadTooLarge,
            format!("send at most {limit} bytes"),
        ))
    };
    let announced = parts
        .headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > limit) {
        return Err(too_large());
    }
    let bytes = to_bytes(body, limit).await.map_err(|error| {
        let source = std::error::Error::source(&error);
        let over_limit = source.is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
        if over_limit {
            return too_large();
        }
        Problem::new(ProblemCode::InvalidRequest, "the body did not arrive whole").into()
    })?;
    let read = read_json(&bytes);
    // Nobody else has it: wiped in place.
    if let Ok(mut bytes) = bytes.try_into_mut() {
        bytes.zeroize();
    }
    Ok(read?)
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}
