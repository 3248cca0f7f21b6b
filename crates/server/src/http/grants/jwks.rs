//! `GET /.well-known/jwks.json`

use api::{Jwk, Jwks, ProblemCode};
use axum::{
    extract::State,
    http::{HeaderValue, header},
};
use data_encoding::BASE64URL_NOPAD;

use crate::{
    answer::json,
    http::{app::App, document::Problems, problem::Answer},
};

pub(super) const PROBLEMS: Problems = Problems::open(&[ProblemCode::ClockUnreliable]);

/// Verifiers may keep the keys for so long: a new key is published ten minutes before it signs.
const CACHED: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The public keys of grants, as a JWK set
///
/// For offline verification: EdDSA over Ed25519, `typ` `countersign-grant+jwt`. A new key is published ten minutes before it
/// signs, an old one as long as grants of it live; fetch the set again when a grant names a `kid` that is not in it.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    tag = "protection",
    responses((
        status = 200,
        description = "The keys (RFC 7517).",
        body = Jwks,
        headers(("Cache-Control" = String, description = "`public, max-age=300`")),
    )),
)]
pub(super) async fn get_grant_keys(State(app): State<App>) -> Answer {
    let jwk = |key: service::GrantKey| Jwk {
        kty: "OKP".into(),
        crv: "Ed25519".into(),
        alg: "EdDSA".into(),
        usage: "sig".into(),
        kid: key.id,
        x: BASE64URL_NOPAD.encode(&key.public),
    };
    let keys = app.service.grant_keys()?.into_iter().map(jwk).collect();
    let mut response = json(&Jwks { keys });
    response.headers_mut().insert(header::CACHE_CONTROL, CACHED);
    Ok(response)
}
