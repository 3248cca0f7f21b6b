//! The browsers that a user trusts: listed, and ended.

mod end;
mod end_all;
mod list;

use utoipa_axum::router::OpenApiRouter;

use crate::http::{app::App, document::endpoints};

pub(super) fn endpoints() -> OpenApiRouter<App> {
    endpoints![
        list::list_trusted_devices,
        end_all::end_trusted_devices,
        end::end_trusted_device,
    ]
}
