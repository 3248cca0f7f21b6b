//! Users as a whole: their factors, their protection, their recovery codes, their end.

mod change_protection;
mod close;
mod get;
mod history;
pub(super) mod protection;
mod recovery_codes;

use service::Protection;
use utoipa_axum::router::OpenApiRouter;

use crate::http::{app::App, convert::protection_method, document::endpoints};

pub(super) fn endpoints() -> OpenApiRouter<App> {
    endpoints![
        get::get_user,
        close::close_user,
        protection::get_protection,
        change_protection::change_protection,
        history::user_history,
        recovery_codes::renew_recovery_codes,
    ]
}

fn protection(protection: &Protection) -> api::Protection {
    api::Protection {
        login_protection: protection_method(&protection.login_protection.method),
        operation_protection: protection_method(&protection.operation_protection.method),
    }
}
