//! Temporary passcodes: asked for, approved by another person, shown once.

mod approve;
mod get;
mod request;
mod reveal;

use service::{Passcode, PasscodeState};
use utoipa_axum::router::OpenApiRouter;

use crate::http::{app::App, convert::time, document::endpoints};

pub(super) fn endpoints() -> OpenApiRouter<App> {
    endpoints![
        request::request_passcode,
        get::get_passcode,
        approve::approve_passcode,
        reveal::reveal_passcode,
    ]
}

fn passcode(passcode: Passcode) -> api::Passcode {
    api::Passcode {
        id: passcode.id,
        state: match passcode.state {
            PasscodeState::Requested => api::PasscodeState::Requested,
            PasscodeState::Approved { .. } => api::PasscodeState::Approved,
            PasscodeState::Issued { .. } => api::PasscodeState::Issued,
            PasscodeState::Used => api::PasscodeState::Used,
            PasscodeState::Ended => api::PasscodeState::Ended,
        },
        account: passcode.owner.account.as_ref().to_owned(),
        user: passcode.owner.user.as_ref().to_owned(),
        reason: passcode.reason,
        approved_by: passcode.state.approver().map(|person| person.actor.clone()),
        requested_by: passcode.requested_by.actor,
        requested_at: time(passcode.requested_at),
        expires_at: time(passcode.expires_at),
    }
}
