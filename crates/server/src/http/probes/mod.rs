//! Health probes, for those who watch the service.

mod health;
mod ready;

use utoipa_axum::router::OpenApiRouter;

use crate::http::{app::App, document::endpoints};

pub(super) fn endpoints() -> OpenApiRouter<App> {
    endpoints![health::healthz, ready::readyz]
}
