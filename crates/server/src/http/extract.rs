//! What handlers are given: a proven caller, names from the path, a parsed body.

use std::sync::Arc;

use api::{Name, Problem, ProblemCode, query_problem};
use axum::{
    body::Body,
    extract::{FromRef, FromRequest, FromRequestParts, Query, RawPathParams},
    http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, header, request::Parts},
};
use hyper::body::Body as _;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use service::{Caller, Id, IdempotencyKey, Owner, Service};

use crate::{
    http::{app::App, convert, problem::Rejection},
    transport::received::Received,
};

/// Draft standard header of the IETF's HTTPAPI working group.
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// The caller whose key was presented and is right.
pub(crate) struct Authorized(pub(crate) Caller);

impl Authorized {
    /// This caller, acting for the person it names.
    pub(crate) fn acting(&self, actor: api::Actor) -> Caller {
        self.0.acting(convert::actor(actor))
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
        let request = received.map(|received| received.id.clone());
        Ok(Self(proven?.with_request(request)))
    }
}

fn made_room() -> Rejection {
    let detail = "this connection was closed for another one before anything was done: ask again";
    let mut problem = Problem::new(ProblemCode::RateLimited, detail);
    problem.retry_after_s = Some(1);
    problem.into()
}

async fn authenticate(service: &Service, headers: &HeaderMap) -> Result<Caller, Rejection> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let presented = text(header::AUTHORIZATION);
    let key = presented.and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
    });
    let is_elsewhere = || {
        let bare = [presented, text(HeaderName::from_static("x-api-key"))];
        bare.into_iter().flatten().any(|value| value.contains("cs_"))
    };
    if key.is_none() && is_elsewhere() {
        // Whoever sent it knows where; whether it lives is not looked at.
        let detail = "the API key is not where it is looked for: send it as `Authorization: Bearer KEY`";
        return Err(Problem::new(ProblemCode::Unauthorized, detail).into());
    }
    Ok(service.authenticate(key.unwrap_or_default()).await?)
}

/// `/accounts/{account}/users/{user}` of the path.
pub(crate) struct User(pub(crate) Owner);

impl<S: Send + Sync> FromRequestParts<S> for User
where
    App: FromRef<S>,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let names = App::from_ref(state).user_names();
        let params = params(parts, state).await?;
        Ok(Self(names.owner(name(&params, "account")?, name(&params, "user")?)))
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

/// `{id}` and `{delivery}` of the path: a webhook's, and a delivery's.
pub(crate) struct DeliveryIds {
    pub(crate) webhook: Id,
    pub(crate) id: Id,
}

impl<S: Send + Sync> FromRequestParts<S> for DeliveryIds {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let params = params(parts, state).await?;
        let read = |name| Id::try_parse(param(&params, name)).ok();
        let ids = read("id").zip(read("delivery"));
        let ids = ids.map(|(webhook, id)| Self { webhook, id });
        ids.ok_or_else(|| Problem::new(ProblemCode::NotFound, "an id in the path is not a UUID").into())
    }
}

/// `{id}` of the path, of something whose id is a text.
pub(crate) struct PathText(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathText {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let params = params(parts, state).await?;
        Ok(Self(param(&params, "id").to_owned()))
    }
}

/// The one name of a path without a user: of an account, a token or a batch.
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

/// The key of an operation of the catalogue, `product/operation`, from the two names of a path.
pub(crate) struct OperationKey(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for OperationKey {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let params = params(parts, state).await?;
        let (product, operation) = (name(&params, "product")?, name(&params, "operation")?);
        Ok(Self(format!("{product}/{operation}")))
    }
}

/// `{method}` of the path: an external method, by the operator's name.
pub(crate) struct MethodName(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for MethodName {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let params = params(parts, state).await?;
        Ok(Self(name(&params, "method")?.as_ref().to_owned()))
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

/// What the query says.
pub(crate) struct Queried<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Queried<T> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        Ok(Self(read_query(&parts.uri)?))
    }
}

fn read_query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    // Two names that are no UTF-8 would otherwise be read as one.
    if percent_decode_str(uri.query().unwrap_or_default())
        .decode_utf8()
        .is_err()
    {
        let detail = "the query, percent-decoded, is not UTF-8";
        return Err(Problem::new(ProblemCode::InvalidRequest, detail));
    }
    let read = Query::try_from_uri(uri);
    read.map(|Query(query)| query).map_err(|error| {
        let said = error.body_text();
        query_problem(said.split_once(": ").map_or("", |(_libraries, said)| said))
    })
}

/// What the query says of a DELETE, which takes no body: some of those who pass one on drop it (RFC 9110, 9.3.5).
pub(crate) struct WithoutBody<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for WithoutBody<T> {
    type Rejection = Rejection;

    async fn from_request(request: Request<Body>, _: &S) -> Result<Self, Rejection> {
        if !request.body().is_end_stream() {
            let detail = "DELETE takes no body: actor_id and actor_kind go into the query";
            return Err(Problem::new(ProblemCode::InvalidRequest, detail).into());
        }
        Ok(Self(read_query(request.uri())?))
    }
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

/// The version that a change stands on: the `ETag` of what was read, in `If-Match`.
pub(crate) struct IfMatch(pub(crate) u64);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        Ok(Self(if_match(&parts.headers)?))
    }
}

fn if_match(headers: &HeaderMap) -> Result<u64, Problem> {
    let mut given = headers.get_all(header::IF_MATCH).into_iter();
    let (Some(value), None) = (given.next(), given.next()) else {
        let detail = "If-Match has to be there once, with the ETag of what was read";
        return Err(Problem::new(ProblemCode::InvalidRequest, detail));
    };
    let quoted = value.to_str().ok().map(str::trim).filter(|text| text.len() >= 2);
    let tag = quoted.and_then(|text| text.strip_prefix('"')?.strip_suffix('"'));
    let Some(tag) = tag else {
        let detail = "If-Match is one ETag as it was given, with its quotation marks";
        return Err(Problem::new(ProblemCode::InvalidRequest, detail));
    };
    // One that we never gave is of nothing that is there.
    let version = tag.parse().ok().filter(|version: &u64| version.to_string() == tag);
    version.ok_or_else(|| Problem::new(ProblemCode::PreconditionFailed, "no such ETag was given: load it anew"))
}

/// A JSON body that creates something, and the key by which a repeat of the request is known.
pub(crate) struct Creating<T> {
    pub(crate) request: T,
    pub(crate) key: Option<IdempotencyKey>,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Creating<T>
where
    App: FromRef<S>,
{
    type Rejection = Rejection;

    async fn from_request(request: Request<Body>, state: &S) -> Result<Self, Rejection> {
        let name = idempotency_key(request.headers())?;
        let call = format!("{} {}", request.method(), request.uri().path());
        let mut key = None;
        let look = |body: &[u8]| key = name.map(|name| IdempotencyKey::new(&name, &[call.as_bytes(), body]));
        let (request, _room) = App::from_ref(state).bodies.read_and_look(request, look).await?;
        Ok(Self { request, key })
    }
}

const IDEMPOTENCY_KEY_LEN_MAX: usize = 255;

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut given = headers.get_all(IDEMPOTENCY_KEY).into_iter();
    let (Some(value), further) = (given.next(), given.next()) else {
        return Ok(None);
    };
    let is_plain = |text: &&str| (1..=IDEMPOTENCY_KEY_LEN_MAX).contains(&text.len());
    match (value.to_str().ok().filter(is_plain), further) {
        (Some(text), None) => Ok(Some(text.to_owned())),
        _ => {
            let detail = format!("{IDEMPOTENCY_KEY} is one text of 1 to {IDEMPOTENCY_KEY_LEN_MAX} ASCII characters");
            Err(Problem::new(ProblemCode::InvalidRequest, detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let name = HeaderName::from_static("idempotency-key");
        values
            .iter()
            .map(|value| (name.clone(), HeaderValue::from_str(value).expect("a value")))
            .collect()
    }

    #[test]
    fn if_match_is_one_etag_of_ours() {
        let read = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::IF_MATCH, HeaderValue::from_static(value));
            }
            if_match(&headers).map_err(|problem| problem.code.status())
        };
        assert_eq!(read(&["\"0\""]), Ok(0));
        assert_eq!(read(&["\"41\""]), Ok(41));
        for malformed in [&[][..], &["41"], &["*"], &["\""], &["W/\"41\""], &["\"1\"", "\"2\""]] {
            assert_eq!(read(malformed), Err(400), "{malformed:?}");
        }
        for foreign in ["\"\"", "\"041\"", "\"+1\"", "\"x\"", "\"1\", \"2\""] {
            assert_eq!(read(&[foreign]), Err(412), "{foreign}");
        }
    }

    #[test]
    fn an_idempotency_key_is_one_short_text() {
        assert_eq!(idempotency_key(&headers(&[])), Ok(None));
        let uuid = "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"";
        assert_eq!(idempotency_key(&headers(&[uuid])), Ok(Some(uuid.to_owned())));
        for wrong in [&[""][..], &["a", "b"], &[&"x".repeat(256)], &["caf\u{e9}"]] {
            assert!(idempotency_key(&headers(wrong)).is_err(), "{wrong:?}");
        }
    }
}
