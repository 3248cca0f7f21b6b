//! HTTP over the use cases: it converts, limits and maps, and decides nothing.
//!
//! [`serve`] is the accept loop, [`router`] the calls. The wire's types and its description are the crate
//! `api`'s; a test holds the routes against that description.

mod body;
mod connections;
mod convert;
mod edge;
mod extract;
mod form;
mod heads;
mod impatient;
mod listener;
mod network;
mod problem;
mod routes;

use std::sync::Arc;

use api::{Problem, ProblemCode};
use axum::{
    Router,
    routing::{delete, get, post},
};
use service::Service;

pub use listener::{Limits, PlainHttp, plain_http_allowed, serve};
pub use network::{Network, NetworkError};

use crate::body::BodyLimit;
use crate::routes::{batches, devices, docs, enrollments, exports, probes, tokens, trail, users, verification};

/// What handlers share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) service: Arc<Service>,
    pub(crate) bodies: BodyLimit,
    pub(crate) imports: BodyLimit,
}

impl App {
    fn new(service: Arc<Service>, limits: &Limits) -> Self {
        Self {
            service,
            bodies: BodyLimit::new(limits.body_bytes, limits.body_bytes_at_once),
            imports: BodyLimit::new(limits.import_bytes, limits.import_bytes_at_once),
        }
    }
}

/// Every call of the service.
pub fn router(service: Arc<Service>, limits: Limits) -> Router {
    let user = Router::new()
        .route("/", get(users::get).delete(users::close))
        .route("/protection", get(users::protection))
        .route("/recovery-codes", post(users::renew_recovery_codes))
        .route("/enrollments", post(enrollments::start))
        .route("/enrollments/{id}", delete(enrollments::abandon))
        .route("/enrollments/{id}/qr.png", get(enrollments::qr))
        .route("/enrollments/{id}/confirm", post(enrollments::confirm))
        .route("/devices/{id}", get(devices::get))
        .route("/devices/{id}/unbind", post(devices::unbind))
        .route("/devices/{id}/resync", post(devices::resync))
        .route("/devices/{id}/unlock", post(devices::unlock));
    Router::new()
        .route("/v1/verify", post(verification::verify))
        .route("/v1/verify/batch", post(verification::batch))
        .nest("/v1/accounts/{account}/users/{user}", user)
        .route("/v1/tokens", get(tokens::list))
        .route("/v1/tokens/import", post(tokens::import))
        .route("/v1/tokens/find-by-code", post(tokens::find_by_code))
        .route("/v1/tokens/{serial_number}", get(tokens::get).patch(tokens::change))
        .route("/v1/batches", get(batches::list).post(batches::create))
        .route("/v1/exports", post(exports::request))
        .route("/v1/exports/{id}", get(exports::get))
        .route("/v1/exports/{id}/approve", post(exports::approve))
        .route("/v1/exports/{id}/file", post(exports::file))
        .route("/v1/exports/{id}/withdraw", post(exports::withdraw))
        .route("/v1/batches/{name}", get(batches::get).patch(batches::change))
        .route("/v1/audit", get(trail::list))
        .route("/v1/audit/heads", get(trail::heads))
        .merge(probes())
        .route("/openapi.json", get(docs::openapi))
        .merge(docs::page())
        .fallback(async || problem::respond(Problem::new(ProblemCode::NotFound, "there is no such path: see /docs")))
        .method_not_allowed_fallback(async || {
            problem::respond(Problem::new(
                ProblemCode::MethodNotAllowed,
                "this path does not know the method: see /docs",
            ))
        })
        .with_state(App::new(service, &limits))
}

/// What those who watch the service ask, for a listener of its own that answers while the other one is full. Nothing
/// secret is in a question or an answer, so that it needs no TLS.
pub fn admin_router(service: Arc<Service>) -> Router {
    probes()
        .fallback(async || {
            let detail = "this address answers /healthz and /readyz: the service's own is another";
            problem::respond(Problem::new(ProblemCode::NotFound, detail))
        })
        .with_state(App::new(service, &Limits::admin()))
}

fn probes() -> Router<App> {
    Router::new()
        .route("/healthz", get(probes::healthz))
        .route("/readyz", get(probes::readyz))
}
