//! The audit trail: its records, and the signed head of it.

mod heads;
mod list;
pub(crate) mod record;

use utoipa_axum::router::OpenApiRouter;

use crate::http::{app::App, document::endpoints};

pub(super) fn endpoints() -> OpenApiRouter<App> {
    endpoints![list::list_audit, heads::get_audit_heads]
}
