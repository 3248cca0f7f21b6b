//! Accounts as a whole: what they require of their users, who these are, and who looks after them.

mod administrators;
mod change_administrators;
mod change_requirements;
mod requirements;
mod users;

use axum::response::Response;
use service::{ProtectionMethod, Requirements};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    answer::versioned,
    http::{app::App, convert::protection_method, document::endpoints},
};

pub(super) fn endpoints() -> OpenApiRouter<App> {
    endpoints![
        requirements::get_requirements,
        change_requirements::change_requirements,
        administrators::get_administrators,
        change_administrators::change_administrators,
        users::list_users
    ]
}

fn answer(requirements: &Requirements) -> Response {
    let required = |method: &ProtectionMethod| (*method != ProtectionMethod::None).then(|| protection_method(method));
    let told = api::Requirements {
        login_protection: required(&requirements.login_protection.method),
        operation_protection: required(&requirements.operation_protection.method),
        alternatives: requirements.alternatives.clone(),
    };
    versioned(requirements.version, &told)
}
