//! Grants: introspected, revoked, and the keys by which they are verified.

mod introspect;
mod jwks;
mod revoke;

use utoipa_axum::router::OpenApiRouter;

use crate::http::{app::App, document::endpoints};

pub(super) fn endpoints() -> OpenApiRouter<App> {
    endpoints![
        introspect::introspect_grant,
        revoke::revoke_grants,
        jwks::get_grant_keys
    ]
}
