//! Exports of token seeds: asked for, approved by another person, fetched once.

mod approve;
mod file;
mod get;
mod request;
mod withdraw;

use service::{Export, ExportState};
use utoipa_axum::router::OpenApiRouter;

use crate::http::{app::App, convert::time, document::endpoints};

pub(super) fn endpoints() -> OpenApiRouter<App> {
    endpoints![
        request::request_export,
        get::get_export,
        approve::approve_export,
        file::fetch_export,
        withdraw::withdraw_export,
    ]
}

fn export(export: Export) -> api::Export {
    api::Export {
        id: export.id,
        state: match export.state {
            ExportState::Requested => api::ExportState::Requested,
            ExportState::Approved { .. } => api::ExportState::Approved,
            ExportState::HandedOut { .. } => api::ExportState::HandedOut,
            ExportState::Withdrawn => api::ExportState::Withdrawn,
        },
        approved_by: export.state.approver().map(|person| person.actor.clone()),
        serial_numbers: export.serial_numbers,
        recipient: export.recipient,
        requested_by: export.requested_by.actor,
        requested_at: time(export.requested_at),
        expires_at: time(export.expires_at),
    }
}
