//! Users as a whole: their factors, their protection, their recovery codes, their end.

mod close;
mod get;
mod protection;
mod recovery_codes;

use api::ProtectionMethod;
use service::Protection;
use utoipa_axum::router::OpenApiRouter;

use crate::http::{app::App, document::endpoints};

pub(super) fn endpoints() -> OpenApiRouter<App> {
    endpoints![
        get::get_user,
        close::close_user,
        protection::get_protection,
        recovery_codes::renew_recovery_codes,
    ]
}

fn protection(protection: &Protection) -> api::Protection {
    let method = |mfa| {
        if mfa {
            ProtectionMethod::Mfa
        } else {
            ProtectionMethod::None
        }
    };
    api::Protection {
        login_protection: method(protection.login_protection),
        operation_protection: method(protection.operation_protection),
    }
}
