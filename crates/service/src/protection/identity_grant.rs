//! Identity grants used up (P3b): as the proof of a user's identity (B1), and as the fresh factor of a change of theirs (U5).

use store::{IdentityProof, User};
use verify::UnixMs;

use crate::{
    Core, Grant, ServiceError,
    attempt::Attempt,
    protection::{
        catalogue::rows_of,
        decision::{RECOVERY_CODE, TOTP},
        factors_that_do::FactorsThatDo,
        memory::is_alive,
        purpose::ChallengePurpose,
    },
    trail::refusal_counter::refuse,
    verification::memo::Memo,
};

/// The reason why a grant did not count, for the trail.
const GRANT: &str = "grant";

/// The identity grant of this text, if it is good for what this action does to this user: of purpose `identity`, for a row
/// of the catalogue that the action is held to, given by a check, and not used up. What is refused has its record.
pub(crate) async fn identity_grant(
    attempt: &Attempt<'_>,
    user: &User,
    text: &str,
    action: &'static str,
) -> Result<Grant, ServiceError> {
    let grant = attempt.core.grant_of(&user.owner, text, attempt.now);
    let is_for_it = |grant: &Grant| {
        let is_its_row = |operation: &String| rows_of(action).contains(&&**operation);
        grant.purpose == ChallengePurpose::Identity
            && grant.operation.as_ref().is_some_and(is_its_row)
            && grant.resource.is_none()
            && !grant.methods.is_empty()
    };
    match grant.filter(is_for_it) {
        Some(grant) if is_alive(user, &grant) => Ok(grant),
        _ => refused(attempt, user, action, FactorsThatDo::of(action, false)).await,
    }
}

/// The same of a grant that is to count as the user's fresh factor: while a device is bound, only a code of a device or a
/// recovery code opens factors (P3a).
pub(crate) async fn factor_grant(
    attempt: &Attempt<'_>,
    user: &User,
    text: &str,
    action: &'static str,
) -> Result<Grant, ServiceError> {
    let doing = FactorsThatDo::of(action, !user.devices.is_empty());
    let grant = identity_grant(attempt, user, text, action).await;
    let grant = grant.map_err(|error| match error {
        ServiceError::GrantRefused(_) => ServiceError::GrantRefused(doing),
        other => other,
    })?;
    let is_own = |method: &String| [TOTP, RECOVERY_CODE].contains(&&**method);
    if user.devices.is_empty() || grant.methods.iter().any(is_own) {
        Ok(grant)
    } else {
        refused(attempt, user, action, doing).await
    }
}

async fn refused(
    attempt: &Attempt<'_>,
    user: &User,
    action: &'static str,
    doing: FactorsThatDo,
) -> Result<Grant, ServiceError> {
    let entry = attempt.entry(action, "refused").of_user().because(GRANT);
    refuse(attempt, &entry, (action, GRANT), user).await?;
    Err(ServiceError::GrantRefused(doing))
}

/// The row in which this grant is used up; what is written with it is what the grant was for. One grant does not stand for
/// two things in the same change.
pub(crate) fn used_up(user: User, grant: &Grant, action: &str, now: UnixMs) -> Result<User, ServiceError> {
    let mut memo = Memo::read(&user.memo);
    if !memo.grants.consume(grant, now) {
        let doing = FactorsThatDo::of(action, !user.devices.is_empty());
        return Err(ServiceError::GrantRefused(doing));
    }
    Ok(User {
        memo: memo.write(),
        ..user
    })
}

impl Core {
    /// What a grant proves, as a caller's own word would be kept.
    pub(crate) fn proof_by(&self, grant: &Grant) -> IdentityProof {
        IdentityProof {
            method: grant.methods.join("+"),
            at: grant.issued_at,
            by: format!("{} {}", self.settings.grant_issuer, grant.id),
        }
    }
}
