//! Judging of a device's code in a batch: right, repeated, locked or wrong, against the states as they stand.

use otp::Code;
use serde_json::json;
use verify::{Cause, Credential, DeviceState, Judgement, Lock, Policy, UnixMs, Verdict, judge};

use crate::{
    Acceptance, ServiceError,
    devices::factor::longest,
    protection::decision::TOTP,
    verification::{
        batch::Round,
        request::{Answer, Answered, Request},
        trusted_road::{counting, policy_of_trusted},
        user_batch::{CLOSING, UserBatch},
    },
};

/// A login after so many days without one is told to its user (P8).
const ABSENT_DAYS: i64 = 30;

impl UserBatch<'_> {
    pub(super) fn judge_code(&mut self, round: &mut Round<'_>, request: &Request, code: Option<&Code>) -> Answered {
        let Round { core, now, .. } = *round;
        let purpose = request.road();
        let judged = |state: &DeviceState, credential: &Credential, policy: &Policy| {
            judge(state, credential, code, purpose, now, policy)
        };
        let road = self.trusted_road(round, request);
        let policy = &match road {
            Some(_) => policy_of_trusted(&core.settings.policy),
            None => core.settings.policy,
        };
        if let Some(credential) = &self.dummy_device {
            let _same_work = judged(core.dummy_device.state(), credential, policy);
            const CAUSE: &str = "no_device";
            let entry = request.event("refused").because(CAUSE);
            return self.refuse_freely(round, request, &entry, CAUSE);
        }
        let credentials = self.credentials.as_ref().map_err(Clone::clone)?;
        let is_closed = self.is_closed_to(request);
        let devices = self.user.as_mut().map_or(&mut [][..], |user| &mut user.devices);
        let mut judgements: Vec<Judgement> = devices
            .iter()
            .zip(credentials)
            .map(|(bound, credential)| match road {
                Some(wrong_codes) => judged(&counting(&bound.state, wrong_codes), credential, policy),
                None => judged(&bound.state, credential, policy),
            })
            .collect();
        if is_closed {
            // Judged for the time that it takes, and neither burned nor counted.
            let entry = request.event("refused").because(CLOSING);
            return self.refuse_freely(round, request, &entry, CLOSING);
        }
        // Judged all the same, so that a repeat takes what a judgement takes. Nothing is remembered of a device that
        // judges nothing.
        let judging = devices
            .iter()
            .zip(&judgements)
            .filter(|(_, judgement)| !matches!(judgement.verdict, Verdict::Locked(_)));
        let kept_ms = core.settings.request_id_ms;
        let mut repeats = judging.filter_map(|(bound, _)| {
            let tag = request.tag.as_ref()?;
            self.memo.repeated(Some(bound.device.id), tag, now, kept_ms)
        });
        if let Some(accepted) = repeats.next() {
            self.repeated += 1;
            return Ok(Answer::Accepted(accepted));
        }
        let accepted = judgements
            .iter()
            .position(|judgement| matches!(judgement.verdict, Verdict::Accepted(_)));
        if let Some(place) = accepted {
            let mut next = judgements.swap_remove(place).next;
            if let (Some(_), Some(bound)) = (road, devices.get(place)) {
                let general = *bound.state.parts().verification;
                let own = *next.parts().verification;
                next = counting(&next, general);
                self.keep_road(request, own);
            }
            let on_road = road.map_or(0, |wrong_codes| wrong_codes.since_success);
            return self.accept(round, request, (place, on_road), next);
        }
        if let Some(lock) = locked_out(&judgements) {
            self.locked[0] += 1;
            return Ok(Answer::locked(lock, now));
        }
        match road {
            Some(before) => self.count_wrong_on_road(round, request, before, &judgements),
            None => self.count_wrong(round, request, judgements),
        }
    }

    fn accept(
        &mut self,
        round: &mut Round<'_>,
        request: &Request,
        (place, on_road): (usize, u32),
        next: DeviceState,
    ) -> Answered {
        let Round { core, now, .. } = *round;
        let devices = self.user.as_mut().map_or(&mut [][..], |user| &mut user.devices);
        let missing = || ServiceError::Internal("a device that was judged is not there".into());
        let bound = devices.get_mut(place).ok_or_else(missing)?;
        let id = bound.device.id;
        let accepted = Acceptance {
            device: Some(id),
            decision_id: round.new_id()?,
            wrong_since_last_success: bound.state.wrong_since_success(request.road()).saturating_add(on_road),
            repeated: false,
        };
        let absent_days = bound
            .state
            .parts()
            .last_success_at
            .map(|last| now.since(last) / UnixMs::DAY);
        let absent_days = absent_days.filter(|days| *days >= ABSENT_DAYS && request.is_login());
        bound.state = next;
        let kept_ms = core.settings.request_id_ms;
        self.memo
            .judged(Some(id), request.tag.as_ref(), Some(&accepted), now, kept_ms);
        self.changed = true;
        self.answered(request, accepted.decision_id, TOTP, now);
        let mut entry = request.event("accepted").device(id).decision(accepted.decision_id);
        if let Some(days) = absent_days {
            entry = request.detailed(entry, json!({"absent_days": days}));
        }
        // Whoever has the device asks for nothing to be ended (U2b).
        if let Some(unbinding) = self.memo.support.end_unbinding() {
            let entry = request.event_of("unbind_request.withdraw", "done").device(id);
            let entry = entry.detail(json!({"unbind_request": unbinding, "reason": "right_code"}));
            self.tell(round, &entry)?;
        }
        self.tell(round, &entry)?;
        Ok(Answer::Accepted(accepted))
    }

    /// A wrong code counts on every device it was tried on.
    fn count_wrong(&mut self, round: &mut Round<'_>, request: &Request, judgements: Vec<Judgement>) -> Answered {
        let Round { core, now, .. } = *round;
        let policy = &core.settings.policy;
        let kept_ms = core.settings.request_id_ms;
        let devices = self.user.as_mut().map_or(&mut [][..], |user| &mut user.devices);
        let mut told: Option<Cause> = None;
        let mut masked_s = 0;
        let mut changed = false;
        let mut lock = None;
        let only = match devices {
            [only] => Some(only.device.id),
            _ => None,
        };
        let before = self.memo.clone();
        for (bound, judgement) in devices.iter_mut().zip(judgements) {
            if let Verdict::Refused(cause) = judgement.verdict {
                let id = Some(bound.device.id);
                self.memo.judged(id, request.tag.as_ref(), None, now, kept_ms);
                changed |= judgement.next != bound.state;
                // Codes are judged where nothing locks them, so this one does.
                lock = longest(lock, judgement.next.lock(request.road(), now));
                bound.state = judgement.next;
                told = told.filter(|told| *told != Cause::Wrong).or(Some(cause));
                let moving = bound.state.parts().moving;
                masked_s = masked_s.max(policy.near_masked_s(moving, bound.device.parameters.period));
            }
        }
        changed |= self.memo != before;
        self.changed |= changed;
        let mut entry = request.event("refused");
        if let Some(cause) = told {
            entry = entry.cause(cause, masked_s);
        }
        if let Some(only) = only {
            entry = entry.device(only);
        }
        if let Some(lock) = lock {
            entry = request.stopping(entry, lock);
        }
        if changed {
            self.tell(round, &entry)?;
            Ok(request.refused(self.lock_of_all(request, now)))
        } else {
            self.refuse_freely(round, request, &entry, "repeated")
        }
    }
}

impl UserBatch<'_> {
    /// The lock that is in force of all devices on the request's road.
    fn lock_of_all(&self, request: &Request, now: UnixMs) -> Option<Option<UnixMs>> {
        let devices = self.user.as_ref().map_or(&[][..], |user| &user.devices);
        first_to_end(devices.iter().map(|bound| bound.state.lock(request.road(), now)))
    }
}

/// The lock to tell, when no device judged the code.
fn locked_out(judgements: &[Judgement]) -> Option<Option<UnixMs>> {
    first_to_end(judgements.iter().map(|judgement| match judgement.verdict {
        Verdict::Locked(lock) => Some(lock),
        Verdict::Accepted(_) | Verdict::Refused(_) => None,
    }))
}

/// Of locks the first to end, where all are locked.
fn first_to_end(locks: impl Iterator<Item = Option<Lock>>) -> Option<Option<UnixMs>> {
    let mut first = None;
    for lock in locks {
        let until = lock?.until();
        first = Some(match first.flatten() {
            Some(other) => Some(until.map_or(other, |until: UnixMs| until.min(other))),
            None => until,
        });
    }
    first
}
