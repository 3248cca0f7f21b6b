//! Enrollments: a binding is started, shown as a QR code, confirmed or abandoned.

mod abandon;
mod confirm;
mod qr;
mod start;

use utoipa_axum::router::OpenApiRouter;

use crate::http::{app::App, document::endpoints};

pub(super) fn endpoints() -> OpenApiRouter<App> {
    endpoints![
        start::start_enrollment,
        qr::get_enrollment_qr,
        confirm::confirm_enrollment,
        abandon::abandon_enrollment,
    ]
}
