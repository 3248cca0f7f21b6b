//! `GET /healthz`

use api::Probe;
use axum::response::Response;

use crate::{answer::json, http::document::Problems};

pub(super) const PROBLEMS: Problems = Problems::open(&[]);

/// The process answers
///
/// Says nothing about storage or clock: restart the process when this fails, and only then.
#[utoipa::path(get, path = "/healthz", tag = "probes", responses((status = 200, description = "It does.", body = Probe)))]
pub(super) async fn healthz() -> Response {
    json(&Probe::ok())
}
