//! External methods: what was proven for a user (`…/methods`), and what a method serves (`/v1/methods/{method}/uses`).

mod end;
mod list;
mod prove;
mod uses;

use service::MethodView;
use utoipa_axum::router::OpenApiRouter;

use crate::http::{app::App, convert::time, document::endpoints};

pub(super) fn endpoints() -> OpenApiRouter<App> {
    endpoints![
        list::list_methods,
        prove::prove_method,
        end::end_method,
        uses::method_uses,
    ]
}

fn method(method: MethodView) -> api::Method {
    api::Method {
        method: method.name,
        identity: method.identity,
        verified_at: time(method.verified_at),
        last_used_at: method.last_used_at.map(time),
    }
}

fn protection_name(protection: service::ProtectionName) -> api::ProtectionName {
    match protection {
        service::ProtectionName::Login => api::ProtectionName::LoginProtection,
        service::ProtectionName::Operation => api::ProtectionName::OperationProtection,
        service::ProtectionName::SuspiciousLogin => api::ProtectionName::SuspiciousLoginProtection,
    }
}
