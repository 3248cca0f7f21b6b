//! Users as a whole: their factors, their protection, their recovery codes, their end.

mod close;
mod get;
mod protection;
mod recovery_codes;

use service::{Protection, ProtectionSetting};
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
    api::Protection {
        login_protection: method(&protection.login_protection),
        operation_protection: method(&protection.operation_protection),
    }
}

fn method(setting: &ProtectionSetting) -> api::ProtectionMethod {
    match &setting.method {
        service::ProtectionMethod::None => api::ProtectionMethod::None,
        service::ProtectionMethod::Mfa => api::ProtectionMethod::Mfa,
        // What is kept was checked where it came in.
        service::ProtectionMethod::External(name) => {
            api::Text::new(&**name).map_or(api::ProtectionMethod::None, api::ProtectionMethod::External)
        }
    }
}
