//! Answers: JSON, problems, files, and the headers that go with each.

use api::{PROBLEM_JSON, Problem};
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde::Serialize;

/// A problem as a response, with the headers that go with it.
pub(crate) fn respond(problem: Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = body(status, PROBLEM_JSON, &problem);
    if status == StatusCode::UNAUTHORIZED {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        // RFC 9110, 15.5.16 and 12.5.3: what would have been taken.
        let headers = response.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    if let Some(seconds) = problem.retry_after_s {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// 200 with JSON.
pub(crate) fn json(value: &impl Serialize) -> Response {
    body(StatusCode::OK, "application/json", value)
}

/// 200 with JSON of what is changed under this version.
pub(crate) fn versioned(version: u64, value: &impl Serialize) -> Response {
    let mut response = json(value);
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}

/// 201 with JSON.
pub(crate) fn created(value: &impl Serialize) -> Response {
    body(StatusCode::CREATED, "application/json", value)
}

/// JSON that may hold a secret or say something about one: no cache keeps it.
fn body(status: StatusCode, content_type: &'static str, value: &impl Serialize) -> Response {
    // Room for a verdict: most answers are one.
    let mut bytes = Vec::with_capacity(256);
    match serde_json::to_writer(&mut bytes, value) {
        Ok(()) => no_store(status, content_type, Body::from(bytes)),
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written");
            empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// A body that no cache keeps.
pub(crate) fn no_store(status: StatusCode, content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Whether two secrets are the same; how long it takes tells their length alone.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    use subtle::ConstantTimeEq as _;
    one.ct_eq(other).into()
}

/// A status alone.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
