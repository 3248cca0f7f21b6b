//! The HTTP API: a family of endpoints a folder, an endpoint a file.
//!
//! A file has its handler with its OpenAPI operation, the problems that it alone can answer with (`PROBLEMS`), its
//! conversion and its tests; what a family shares stands in the family's `mod.rs`, what all share in `convert`. A further
//! endpoint is a file and a line among its family's `endpoints!`, which give both the route and the document. Types of the
//! wire are the crate `api`'s.

mod accounts;
mod app;
mod audit;
mod batches;
mod body;
mod challenges;
mod closing;
mod convert;
mod devices;
mod docs;
mod document;
mod enrollments;
mod exports;
mod extract;
mod grants;
mod methods;
mod operations;
mod pages;
mod passcodes;
mod probes;
mod problem;
mod sessions;
mod support;
mod tokens;
mod trusted_devices;
mod unbind_requests;
mod users;
mod verification;
mod webhooks;

use std::sync::Arc;

use api::{Problem, ProblemCode};
use axum::Router;
use service::Service;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

pub(crate) use self::{
    app::App,
    audit::record::{event_id, explained, record},
    body::{Collected, Room},
    convert::time,
};
use crate::{Brand, Limits, answer::respond};

fn endpoints() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(document::frame())
        .merge(verification::endpoints())
        .merge(challenges::endpoints())
        .merge(grants::endpoints())
        .merge(operations::endpoints())
        .merge(sessions::endpoints())
        .merge(enrollments::endpoints())
        .merge(pages::endpoints())
        .merge(devices::endpoints())
        .merge(users::endpoints())
        .merge(methods::endpoints())
        .merge(trusted_devices::endpoints())
        .merge(closing::endpoints())
        .merge(accounts::endpoints())
        .merge(support::endpoints())
        .merge(tokens::endpoints())
        .merge(batches::endpoints())
        .merge(exports::endpoints())
        .merge(webhooks::endpoints())
        .merge(passcodes::endpoints())
        .merge(unbind_requests::endpoints())
        .merge(audit::endpoints())
        .merge(probes::endpoints())
}

/// The document of every call there is: OpenAPI 3.1.
pub fn openapi() -> OpenApi {
    document::finished(endpoints().into_openapi())
}

/// Every call of the service, and its pages under this brand.
pub fn router(service: Arc<Service>, limits: Limits, brand: Brand) -> Router {
    let (endpoints, document) = endpoints().split_for_parts();
    endpoints
        .merge(docs::routes(&document::finished(document)))
        .merge(crate::pages::routes())
        .fallback(async || respond(Problem::new(ProblemCode::NotFound, "there is no such path: see /docs")))
        .method_not_allowed_fallback(async || {
            respond(Problem::new(
                ProblemCode::MethodNotAllowed,
                "this path does not know the method: see /docs",
            ))
        })
        .with_state(App::new(service, &limits, brand))
}

/// What those who watch the service ask, for a listener of its own that answers while the other one is full. Nothing
/// secret is in a question or an answer, so that it needs no TLS.
pub fn admin_router(service: Arc<Service>) -> Router {
    Router::from(probes::endpoints())
        .fallback(async || {
            let detail = "this address answers /healthz and /readyz: the service's own is another";
            respond(Problem::new(ProblemCode::NotFound, detail))
        })
        .with_state(App::new(service, &Limits::admin(), Brand::default()))
}
