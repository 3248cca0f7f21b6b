//! The start of a binding from a page, with the proof of identity that came with the page's link.

use service::{Id, NewDevice, NewEnrollment, ProofOfIdentity, Replacement, VisitPurpose};

use crate::{http::App, pages::visit::UserVisit};

/// Starts a binding; what is in the way is told in words.
pub(crate) async fn start(
    app: &App,
    visit: &UserVisit,
    device: NewDevice,
    factor: Option<Replacement>,
) -> Result<Id, String> {
    let lang = visit.browser.lang;
    let identity_proof = proof(visit).ok_or_else(|| lang.say("error.no_identity_proof", &[]))?;
    let wanted = NewEnrollment {
        owner: visit.owner().clone(),
        label: matches!(device, NewDevice::App { .. }).then(|| label(visit)),
        device,
        identity_proof,
        factor,
    };
    match app.service.start_enrollment(visit.caller(), &wanted).await {
        Ok(started) => Ok(started.id),
        Err(error) => Err(super::factor::refused(lang, &error)),
    }
}

/// The entry's name in the app: account and user, so that several on one phone can be told apart (B5).
fn label(visit: &UserVisit) -> String {
    let owner = visit.owner();
    format!("{}@{}", owner.user, owner.account).replace(':', ".")
}

/// How the console made sure of the user's identity, if it said so in the page link; its age counts at the act (B1).
pub(crate) fn proof(visit: &UserVisit) -> Option<ProofOfIdentity> {
    let VisitPurpose::Settings { identity_proof, .. } = &visit.visit.purpose else {
        return None;
    };
    identity_proof.clone().map(ProofOfIdentity::Word)
}

/// What is told where the link has no proof, before anything is asked.
pub(crate) fn unproven(visit: &UserVisit) -> Option<String> {
    proof(visit)
        .is_none()
        .then(|| visit.browser.lang.say("error.no_identity_proof", &[]))
}
