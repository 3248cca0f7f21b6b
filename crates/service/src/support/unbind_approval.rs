//! The approval of an unbind request: the second pair of eyes, and the token by which the applicant finishes it.

use serde_json::json;
use store::{Approval, Change, Id, UnbindRequest, UnbindState, User, Write, audit};
use zeroize::Zeroizing;

use crate::{
    Approver, Caller, Role, Service, ServiceError,
    access::four_eyes::{SUPPORT_APPROVE, approved_by, approves, living_key},
    attempt::Attempt,
    devices::{factor::ConsumedFactor, factors::touched},
    protection::approval::burned,
    support::{
        applicant_token,
        evidence::cool_down_ms,
        unbind_standing::{TOKEN_MS, find, not_now, standing, told},
    },
    verification::memo::with_memo,
};

const APPROVE: &str = "unbind_request.approve";

/// An approved request, and the token by which the applicant finishes it, which is shown once.
pub struct ApprovedUnbinding {
    /// The request.
    pub request: UnbindRequest,
    /// To be handed to the applicant.
    pub applicant_token: Zeroizing<String>,
}

impl Service {
    /// The second pair of eyes: another person, with a key that is bound to them and a code of their own. From now on it cools
    /// down, for as long as its evidence asks for.
    pub async fn approve_unbind_request(
        &self,
        caller: &Caller,
        id: Id,
        approver: &Approver,
    ) -> Result<ApprovedUnbinding, ServiceError> {
        caller.may(&[Role::Support])?;
        let core = &*self.core;
        let _lock = core.lock_user(&approver.owner).await?;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let now = attempt.now;
            let old = find(core, caller, Role::Support, id).await?;
            let user = core.row(&old.owner, now).await?;
            let old = standing(old, Some(&user), now);
            let first = match (&old.state, &old.requested_by) {
                (UnbindState::Requested, Some(first)) => first,
                _ => return Err(not_now(&old)),
            };
            let by = approves(caller, first, &old.owner, approver, now)?;
            let asked_with = living_key(core, first).await?;
            let Some(spent) = approved_by(&attempt, approver, APPROVE).await? else {
                continue;
            };
            let (applicant_token, fingerprint) = applicant_token::issue(core, id)?;
            let in_force_at = now.plus(cool_down_ms(core, &old, now));
            let approval = Approval {
                by,
                in_force_at,
                applicant_token: fingerprint,
            };
            let is_in_force = in_force_at <= now;
            let (state, due_at) = match is_in_force {
                true => (UnbindState::InForce(approval), in_force_at.plus(TOKEN_MS)),
                false => (UnbindState::Approved(approval), in_force_at),
            };
            let request = UnbindRequest {
                due_at,
                ..old.become_state(state)
            };
            let mut events = approval_events(&attempt, &user, &request, &spent).await?;
            if is_in_force {
                events.push(
                    told(
                        &attempt,
                        &user,
                        ("unbind_request.in_force", "done"),
                        &request,
                        json!({}),
                    )
                    .await?,
                );
            }
            let marked = with_memo(user, |memo| memo.support.withdrawn_by_a_code(id));
            let writes = [
                touched(marked),
                Write::put(Some(request.version - 1), &request),
                asked_with,
            ];
            let change = Change::of_all(events).map(|change| change.with(writes).with(burned(spent)));
            let change = change.ok_or_else(|| ServiceError::Internal("an approval without its event".into()))?;
            let approved = ApprovedUnbinding {
                request,
                applicant_token,
            };
            if let Some(done) = attempt.commit(change, approved).await? {
                return Ok(done);
            }
        }
    }
}

/// The events of an approval: of the user whom it is for, and of the person who approved.
async fn approval_events(
    attempt: &Attempt<'_>,
    user: &User,
    request: &UnbindRequest,
    spent: &ConsumedFactor,
) -> Result<Vec<audit::Event>, ServiceError> {
    let entry = attempt.entry(SUPPORT_APPROVE, "done").of_user().because(spent.name());
    let entry = entry.detail(json!({"unbind_request": request.id}));
    Ok(vec![
        told(attempt, user, (APPROVE, "done"), request, json!({})).await?,
        attempt.event_of(&spent.user, &entry).await?,
    ])
}
