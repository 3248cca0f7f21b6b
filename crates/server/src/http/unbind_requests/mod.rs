//! Unbind requests: opened with evidence, approved by another person, finished by the user.

mod apply;
mod approve;
mod complete;
mod get;
mod list;
mod open;
mod reject;
mod vouch;
mod withdraw;

use api::EvidenceKind;
use service::{NewEvidence, UnbindOutcome, UnbindRequest, UnbindState};
use utoipa_axum::router::OpenApiRouter;
use zeroize::Zeroizing;

use crate::http::{app::App, convert::time, document::endpoints};

pub(super) fn endpoints() -> OpenApiRouter<App> {
    endpoints![
        apply::apply_for_unbinding,
        open::open_unbind_request,
        vouch::vouch_for_unbind_request,
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
        state: state(&request.state),
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
        opened_by: request.requested_by.map_or_else(String::new, |person| person.actor),
        opened_at: time(request.requested_at),
        application: request.application.map(application),
        applicant_token: None,
    }
}

fn state(state: &UnbindState) -> api::UnbindRequestState {
    match state {
        UnbindState::Applied => api::UnbindRequestState::Applied,
        UnbindState::Requested => api::UnbindRequestState::Requested,
        UnbindState::Approved(_) => api::UnbindRequestState::Approved,
        UnbindState::InForce(_) => api::UnbindRequestState::InForce,
        UnbindState::Completed => api::UnbindRequestState::Completed,
        UnbindState::Rejected => api::UnbindRequestState::Rejected,
        UnbindState::Withdrawn => api::UnbindRequestState::Withdrawn,
        UnbindState::Expired => api::UnbindRequestState::Expired,
    }
}

fn application(application: service::Application) -> api::SeenApplication {
    api::SeenApplication {
        evidence: application.evidence.into_iter().map(evidence).collect(),
        reason: application.reason,
        applied_at: time(application.applied_at),
    }
}

fn evidence(piece: service::Evidence) -> api::SeenEvidence {
    api::SeenEvidence {
        kind: piece.kind,
        reference: piece.reference,
        checked_by: piece.checked_by,
    }
}

fn brought(piece: api::NewEvidence) -> NewEvidence {
    NewEvidence {
        kind: kind(piece.kind).to_owned(),
        reference: piece.reference.as_str().to_owned(),
        statement: piece.statement.map(|text| Zeroizing::new(text.as_str().to_owned())),
    }
}

fn kind(kind: EvidenceKind) -> &'static str {
    match kind {
        EvidenceKind::RealName => "real_name",
        EvidenceKind::IdNumber => "id_number",
        EvidenceKind::Face => "face",
        EvidenceKind::Photos => "photos",
        EvidenceKind::Phone => "phone",
        EvidenceKind::LoginAccount => "login_account",
        EvidenceKind::CompanyName => "company_name",
        EvidenceKind::CompanyNumber => "company_number",
        EvidenceKind::Licence => "licence",
        EvidenceKind::LegalRepresentative => "legal_representative",
        EvidenceKind::AuthorizationLetter => "authorization_letter",
        EvidenceKind::Applicant => "applicant",
        EvidenceKind::TokenReturned => "token_returned",
    }
}
