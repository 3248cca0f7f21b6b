//! Support (`/v1/support`): why a code was refused, and whose clock leaves the window.

mod diagnose;
mod drift;

use utoipa_axum::router::OpenApiRouter;

use crate::http::{app::App, document::endpoints};

pub(super) fn endpoints() -> OpenApiRouter<App> {
    endpoints![diagnose::diagnose, drift::drift_report]
}
