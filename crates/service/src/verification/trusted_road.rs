//! The road of a trusted browser (A2): what is typed in it is judged though others have locked the general road, and counts
//! against a budget of its own.

use serde_json::json;
use verify::{DeviceParts, DeviceState, Judgement, Lock, Policy, Throttle, ThrottlePolicy, Verdict};

use crate::verification::{
    batch::Round,
    request::{Answer, Answered, Request},
    user_batch::UserBatch,
};

/// Wrong codes of 13 weeks, mistakes apart, that suspend the road of a trusted browser (A1).
const SUSPEND_AFTER: u32 = 20;

/// The policy of that road.
pub(super) fn policy_of_trusted(policy: &Policy) -> Policy {
    let verification = ThrottlePolicy {
        suspend_after: SUSPEND_AFTER.min(policy.verification.suspend_after),
        ..policy.verification
    };
    Policy {
        verification,
        ..*policy
    }
}

/// The state of a device with this count of wrong codes at verification.
pub(super) fn counting(state: &DeviceState, wrong_codes: Throttle) -> DeviceState {
    DeviceState::restored(DeviceParts {
        verification: wrong_codes.into(),
        ..state.parts().clone()
    })
}

impl UserBatch<'_> {
    /// The wrong codes of the living trust that the request's challenge came with; `None` for all others, and once its road
    /// is suspended: such a browser is one like any.
    pub(super) fn trusted_road(&self, round: &Round<'_>, request: &Request) -> Option<Throttle> {
        let id = request.login()?.trusted_device?;
        let device = self.login_records.as_ref()?.trusts.next.as_ref()?.device(id)?;
        let is_open = round.now < device.until && device.budget.suspended_at.is_none();
        is_open.then_some(device.budget)
    }

    /// Keeps the count of that road.
    pub(super) fn keep_road(&mut self, request: &Request, wrong_codes: Throttle) {
        let id = request.login().and_then(|challenge| challenge.trusted_device);
        let Some(trusts) = self.login_records.as_mut().map(|records| &mut records.trusts) else {
            return;
        };
        let device = trusts.next.as_mut().and_then(|next| {
            let mut devices = next.devices.iter_mut();
            devices.find(|device| Some(device.id) == id && device.budget != wrong_codes)
        });
        if let Some(device) = device {
            device.budget = wrong_codes;
            trusts.changes();
        }
    }

    /// A wrong code on that road counts once, whatever number of devices it was tried on, and on no other road.
    pub(super) fn count_wrong_on_road(
        &mut self,
        round: &mut Round<'_>,
        request: &Request,
        before: Throttle,
        judgements: &[Judgement],
    ) -> Answered {
        let counts = judgements.iter().filter_map(|judgement| match judgement.verdict {
            Verdict::Refused(cause) => Some((*judgement.next.parts().verification, cause)),
            Verdict::Accepted(_) | Verdict::Locked(_) => None,
        });
        // What repeats itself on one device, or is a mistake there, does so. But the road ends with the budget of whichever
        // device has the smallest: a counter token has twice the targets.
        let least = |(next, _): &(Throttle, _)| {
            let is_open = next.suspended_at.is_none();
            (*next != before, is_open, next.long.sum(round.now))
        };
        let Some((next, cause)) = counts.min_by_key(least) else {
            return Ok(Answer::Refused);
        };
        let devices = self.user.as_ref().map_or(&[][..], |user| &user.devices);
        let policy = &round.core.settings.policy;
        let masked_s = devices
            .iter()
            .map(|bound| policy.near_masked_s(bound.state.parts().moving, bound.device.parameters.period));
        let entry = request.event("refused").cause(cause, masked_s.max().unwrap_or(0));
        if next == before {
            return self.refuse_freely(round, request, &entry, "repeated");
        }
        self.keep_road(request, next);
        let mut detail = request
            .challenge
            .as_ref()
            .map_or(json!({}), |challenge| challenge.detail());
        detail["road"] = json!("trusted_device");
        if next.suspended_at.is_some() {
            detail["suspended"] = json!("trusted_device");
        }
        self.tell(round, &entry.detail(detail))?;
        // Of a suspended one the general road is what comes next.
        let lock = next.lock(round.now).and_then(Lock::until);
        Ok(request.refused(lock.map(Some)))
    }
}
