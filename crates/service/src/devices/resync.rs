//! Resynchronisation of a device whose clock drifted (RFC 6238, section 6), or whose counter ran ahead (RFC 4226, section 7.4).

use otp::Code;
use serde_json::{Value, json};
use store::{Bound, Change, Id, Owner};
use verify::{DeviceState, Moving, Verdict, resync};
use zeroize::Zeroizing;

use crate::{
    Caller, DeviceView, Input, ProofOfIdentity, Role, Service, ServiceError,
    devices::{factor::locked_error, find_bound, not_lost},
    enrollment::identity_proof::evidence,
    sealing::credential_of,
    trail::refusal_counter::refuse,
    verification::memo::with_memo,
};

const ACTION: &str = "device.resync";

impl Service {
    /// Measures a device's clock, or finds its counter, by two consecutive codes, which are burned. A suspended device needs the
    /// user's identity proved anew as well.
    pub async fn resync(
        &self,
        caller: &Caller,
        owner: &Owner,
        id: Id,
        codes: [&Zeroizing<String>; 2],
        identity_proof: Option<&ProofOfIdentity>,
    ) -> Result<DeviceView, ServiceError> {
        caller.may_for(&[Role::Enroll], owner)?;
        let origin = caller.origin();
        let core = &*self.core;
        let _lock = core.lock_user(owner).await?;
        let mut attempts = core.attempts(origin);
        loop {
            let attempt = attempts.next()?;
            let now = attempt.now;
            if let Some(proof) = identity_proof {
                proof.check(core, now)?;
            }
            let (user, bound) = find_bound(core, owner, id).await?;
            let proven = match identity_proof {
                Some(proof) => Some(proof.proven(&attempt, &user, ACTION).await?),
                None => None,
            };
            let proof = proven.as_ref().map(|proven| &proven.proof);
            not_lost(&bound)?;
            let [first, second] = codes.map(|code| Code::parse(code));
            let (Ok(first), Ok(second)) = (first, second) else {
                let why = "two codes of 6 to 8 digits, in the order the device showed them".into();
                return Err(ServiceError::Invalid {
                    input: Input::Codes,
                    why,
                });
            };
            let credential = credential_of(&bound.device, &*core.sealer)?;
            let is_proven = proven.is_some();
            let judgement = resync(
                &bound.state,
                &credential,
                [&first, &second],
                is_proven,
                now,
                &core.settings.policy,
            );
            let next = judgement.next;
            let entry = |outcome| attempt.entry(ACTION, outcome).of_user().device(id);
            let (entry, told) = match judgement.verdict {
                Verdict::Accepted(_) => (
                    entry("done").detail(found(&next, evidence(proof))),
                    Ok(DeviceView::of(
                        &Bound {
                            state: next.clone(),
                            ..bound.clone()
                        },
                        now,
                        &core.settings.policy,
                    )),
                ),
                Verdict::Refused(cause) => (
                    entry("refused")
                        .cause(
                            cause,
                            core.settings
                                .policy
                                .search_masked_s(bound.state.parts().moving, bound.device.parameters.period),
                        )
                        .detail(json!({"identity_proof": evidence(proof)})),
                    Err(ServiceError::CodeRefused {
                        hint: None,
                        attempts_left: None,
                    }),
                ),
                Verdict::Locked(lock) => {
                    core.trail.refusals.locked(ACTION, owner, Some(id), 1);
                    return Err(locked_error(lock, now));
                }
            };
            if told.is_err() && next == bound.state {
                refuse(&attempt, &entry, (ACTION, "repeated"), &user).await?;
                return told;
            }
            let event = attempt.event_of(&user, &entry).await?;
            // Whoever has the device asks for nothing to be ended (U2b).
            let user = match told.is_ok() {
                true => with_memo(user, |memo| {
                    memo.support.end_unbinding();
                }),
                false => user,
            };
            let user = match &proven {
                Some(proven) if told.is_ok() => proven.used_up(user, ACTION, now)?,
                _ => user,
            };
            let change = Change::of(event).with([user.with_state(id, next).used()]);
            if let Some(told) = attempt.commit(change, told).await? {
                return told;
            }
        }
    }
}

/// What the trail keeps of it: the clock's offset, or nothing of a counter, whose value would tell which code comes.
fn found(next: &DeviceState, proof: Value) -> Value {
    let parts = next.parts();
    match parts.moving {
        Moving::Time => json!({"offset_steps": parts.measured_offset_steps, "identity_proof": proof}),
        Moving::Counter => json!({"identity_proof": proof}),
    }
}
