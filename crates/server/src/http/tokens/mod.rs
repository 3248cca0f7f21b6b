//! Hardware tokens of the inventory: imported, listed, read, moved on, found by a code.

mod change;
mod find_by_code;
mod get;
mod import;
mod list;

use service::{TokenStatus, TokenView};
use utoipa_axum::router::OpenApiRouter;

use crate::http::{
    app::App,
    convert::{algorithm, time},
    document::endpoints,
};

pub(super) fn endpoints() -> OpenApiRouter<App> {
    endpoints![
        import::import_tokens,
        list::list_tokens,
        get::get_token,
        change::change_token,
        find_by_code::find_token_by_code,
    ]
}

fn token(view: TokenView) -> api::Token {
    let owner = view.owner.as_ref();
    api::Token {
        state: match view.status {
            TokenStatus::Imported => api::TokenState::Imported,
            TokenStatus::Assigned => api::TokenState::Assigned,
            TokenStatus::Bound => api::TokenState::Bound,
            TokenStatus::Lost => api::TokenState::Lost,
            TokenStatus::Returned => api::TokenState::Returned,
            TokenStatus::Retired => api::TokenState::Retired,
        },
        account: owner.map(|owner| owner.account.as_ref().to_owned()),
        user: owner.map(|owner| owner.user.as_ref().to_owned()),
        serial_number: view.serial_number,
        batch: view.lot,
        manufacturer: view.manufacturer,
        model: view.model,
        label: view.label,
        algorithm: algorithm(view.parameters.algorithm),
        digits: view.parameters.digits.get(),
        otp_type: match view.counter {
            Some(_) => api::OtpType::Hotp,
            None => api::OtpType::Totp,
        },
        period_s: view.counter.is_none().then(|| view.parameters.period.get_s()),
        counter: view.counter,
        device_id: view.device,
        drift_steps: view.drift_steps,
        last_success_at: view.last_success_at.map(time),
        starts_at: view.starts_at.map(time),
        expires_at: view.expires_at.map(time),
        imported_at: time(view.imported_at),
        changed_at: time(view.changed_at),
        exported_at: view.exported_at.map(time),
    }
}
