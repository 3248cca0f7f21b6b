//! Unbind requests: opened with evidence, approved by another person, finished by the user.

mod approve;
mod complete;
mod get;
mod list;
mod open;
mod reject;
mod withdraw;

use service::{UnbindOutcome, UnbindRequest, UnbindState};
use utoipa_axum::router::OpenApiRouter;

use crate::http::{app::App, convert::time, document::endpoints};

pub(super) fn endpoints() -> OpenApiRouter<App> {
    endpoints![
        open::open_unbind_request,
        list::list_unbind_requests,
        get::get_unbind_request,
        approve::approve_unbind_request,
        reject::reject_unbind_request,
        withdraw::withdraw_unbind_request,
        complete::complete_unbind_request,
    ]
}

fn view(request: UnbindRequest) -> api::UnbindRequestView {
    let approval = request.state.approval();
    api::UnbindRequestView {
        id: request.id,
        state: match request.state {
            UnbindState::Requested => api::UnbindRequestState::Requested,
            UnbindState::Approved(_) => api::UnbindRequestState::Approved,
            UnbindState::InForce(_) => api::UnbindRequestState::InForce,
            UnbindState::Completed => api::UnbindRequestState::Completed,
            UnbindState::Rejected => api::UnbindRequestState::Rejected,
            UnbindState::Withdrawn => api::UnbindRequestState::Withdrawn,
            UnbindState::Expired => api::UnbindRequestState::Expired,
        },
        approved_by: approval.map(|approval| approval.by.actor.clone()),
        in_force_at: approval.map(|approval| time(approval.in_force_at)),
        account: request.owner.account.as_ref().to_owned(),
        user: request.owner.user.as_ref().to_owned(),
        device_id: request.device,
        switch_to: match request.outcome {
            UnbindOutcome::SwitchTo { method, .. } => Some(method),
            UnbindOutcome::Unbind => None,
        },
        evidence: request.evidence.into_iter().map(evidence).collect(),
        reason: request.reason,
        opened_by: request.requested_by.actor,
        opened_at: time(request.requested_at),
        applicant_token: None,
    }
}

fn evidence(piece: service::Evidence) -> api::SeenEvidence {
    api::SeenEvidence {
        kind: piece.kind,
        reference: piece.reference,
        checked_by: piece.checked_by,
    }
}
