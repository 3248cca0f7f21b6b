//! Page links: addresses by which a user's browser is let in to the hosted pages.

mod link;

pub(super) use link::told;

use utoipa_axum::router::OpenApiRouter;

use crate::http::{app::App, document::endpoints};

pub(super) fn endpoints() -> OpenApiRouter<App> {
    endpoints![link::create_page_link]
}
