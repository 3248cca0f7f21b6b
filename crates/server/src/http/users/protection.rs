//! `GET /v1/accounts/{account}/users/{user}/protection`

use api::{InForce, InForceGround, InForceProtection, ProtectionSettings, TakesEffect, UserPath};
use axum::{extract::State, response::Response};
use service::ProtectionView;

use crate::{
    answer::versioned,
    http::{
        app::App,
        convert::{protection_method, time},
        document::Problems,
        extract::{Authorized, User},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[]);

/// Where a user's second factor is asked for
///
/// Role: enroll. A user nobody ever heard of chose `none` everywhere; `in_force` has what their account requires, too.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/users/{user}/protection",
    tag = "users",
    params(UserPath),
    responses((status = 200, description = "The settings.", body = ProtectionSettings, headers(("ETag" = String, description = "For `If-Match` of a change: the version of the user's own settings.")))),
)]
pub(super) async fn get_protection(State(app): State<App>, caller: Authorized, User(owner): User) -> Answer {
    Ok(answer(&app.service.protection(&caller.0, &owner).await?))
}

pub(super) fn answer(view: &ProtectionView) -> Response {
    let settings = &view.settings;
    let told = ProtectionSettings {
        login_protection: protection_method(&settings.login_protection.method),
        operation_protection: protection_method(&settings.operation_protection.method),
        suspicious_login_protection: protection_method(&settings.suspicious_login_protection.method),
        allow_trusted_devices: settings.allow_trusted_devices,
        session_idle_minutes: settings.session_idle_minutes,
        session_total_hours: settings.session_total_hours,
        in_force: InForce {
            login_protection: in_force(&view.login_protection),
            operation_protection: in_force(&view.operation_protection),
            suspicious_login_protection: in_force(&view.suspicious_login_protection),
        },
        takes_effect: TakesEffect::NextLogin,
    };
    versioned(settings.version, &told)
}

pub(in crate::http) fn in_force(one: &service::InForceProtection) -> InForceProtection {
    InForceProtection {
        method: protection_method(&one.method),
        since: one.since.map(time),
        ground: match one.ground {
            service::InForceGround::Own => InForceGround::Own,
            service::InForceGround::RequiredByAccount => InForceGround::RequiredByAccount,
            service::InForceGround::NoMethod => InForceGround::NoMethod,
            service::InForceGround::NoCityDatabase => InForceGround::NoCityDatabase,
        },
    }
}
