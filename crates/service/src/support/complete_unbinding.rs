//! Finishing an unbind request: by the applicant, through their console, with the token that they were given (U2).

use serde_json::json;
use store::{ProtectionMethod, ProvenMethod, UnbindOutcome, UnbindRequest, UnbindState, Write};
use verify::UnixMs;

use crate::{
    Caller, Role, Service, ServiceError,
    devices::ending::{Ending, Extent},
    protection::register::written,
    support::{
        applicant_token::of_token,
        unbind_standing::{not_now, standing, told},
    },
};

/// How long what is always checked waits after a method was switched (U2b): whoever talked support into it gains nothing that
/// lasts before the user has heard of it.
const FROZEN_MS: i64 = 72 * UnixMs::HOUR;

impl Service {
    /// Does what the request was approved for: its devices end, and with them every trust, session, grant and recovery code; what
    /// they protected is protected by the method that it switches to, if it does.
    pub async fn complete_unbind_request(&self, caller: &Caller, token: &str) -> Result<UnbindRequest, ServiceError> {
        caller.may(&[Role::Enroll])?;
        let core = &*self.core;
        let owner = of_token(core, caller, token).await?.owner;
        let _lock = core.lock_user(&owner).await?;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let factors = core.factors(&owner, attempt.now).await?;
            let request = of_token(core, caller, token).await?;
            let was_cooling = matches!(request.state, UnbindState::Approved(_));
            let request = standing(request, Some(&factors.user), attempt.now);
            let UnbindState::InForce(_) = request.state else {
                return Err(not_now(&request));
            };
            if request
                .device
                .is_some_and(|device| factors.user.device(device).is_none())
            {
                return Err(ServiceError::RequestState {
                    state: "withdrawn",
                    why: "the device that it names has ended already: open a new one".into(),
                });
            }
            let mut ending = Ending::of(&attempt, &owner, &factors).await?;
            // Nobody has said so yet: housekeeping comes by now and then.
            if was_cooling {
                let came = ("unbind_request.in_force", "done");
                ending
                    .events
                    .push(told(&attempt, &factors.user, came, &request, json!({})).await?);
            }
            let bound = factors.user.devices.iter().map(|bound| bound.device.id);
            for id in bound.filter(|id| request.device.is_none_or(|device| device == *id)) {
                ending.tombstone(id, "unbind_request").await?;
            }
            let method = match &request.outcome {
                UnbindOutcome::Unbind => None,
                UnbindOutcome::SwitchTo { method, identity } => {
                    let proven = ProvenMethod {
                        name: method.clone(),
                        identity: identity.clone(),
                        verified_at: request.requested_at,
                        last_used_at: None,
                    };
                    let register = core.register(&owner).await?;
                    ending.also(written(register.with(proven)));
                    Some(ProtectionMethod::External(method.as_str().into()))
                }
            };
            let frozen_until = method.is_some().then(|| attempt.now.plus(FROZEN_MS));
            ending.extends_to(Extent::Recovered { method, frozen_until });
            let expected = request.version;
            let done = request.become_state(UnbindState::Completed);
            let more = json!({"frozen_until": frozen_until.map(UnixMs::get)});
            let event = told(
                &attempt,
                &factors.user,
                ("unbind_request.complete", "done"),
                &done,
                more,
            )
            .await?;
            ending.events.push(event);
            ending.also(Write::put(Some(expected), &done));
            if let Some(entry) = ending.protection_changes("unbind_request") {
                let event = ending.event(&entry).await?;
                ending.events.push(event);
            }
            if ending.ended().await?.commit().await? {
                return Ok(done);
            }
        }
    }
}
