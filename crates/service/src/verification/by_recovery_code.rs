//! Judging of a recovery code in a batch: right, repeated, locked or wrong, against the set as it stands.

use serde_json::json;
use store::RecoveryCodes;
use verify::{Lock, Purpose, UnixMs};

use crate::{
    Acceptance,
    protection::decision::RECOVERY_CODE,
    recovery::recovery_set::{SetVerdict, WRONG, spend},
    verification::{
        batch::Round,
        request::{Answer, Answered, Request},
        user_batch::{CLOSING, UserBatch},
    },
};

impl UserBatch<'_> {
    pub(super) fn judge_recovery_code(&mut self, round: &mut Round<'_>, request: &Request, typed: &str) -> Answered {
        let Round { core, now, .. } = *round;
        let set = self.recovery_set.as_ref().and_then(|recovery| recovery.set.clone());
        let kept_ms = core.settings.request_id_ms;
        let road = self.trusted_road(round, request);
        let is_identity = request.road() == Purpose::Identity;
        let general = set.as_ref().map(|set| set.budget);
        let set = set.map(|set| RecoveryCodes {
            budget: match road {
                Some(budget) => budget,
                None if is_identity => set.identity_budget,
                None => set.budget,
            },
            ..set
        });
        let wrong_since_last_success = self
            .wrong_beside_paper(request)
            .saturating_add(match (&set, road, general) {
                (Some(set), Some(_), Some(general)) => set.budget.since_success.saturating_add(general.since_success),
                (Some(set), ..) => set.budget.since_success,
                (None, ..) => 0,
            });
        // Judged in any case, so that a repeat takes what a judgement takes.
        let trial = spend(core, self.owner, set, typed, now)?;
        if self.is_closed_to(request) {
            let entry = request.event("refused").because(CLOSING);
            return self.refuse_freely(round, request, &entry, CLOSING);
        }
        if let SetVerdict::Locked(lock) = trial.verdict {
            self.locked[1] += 1;
            return Ok(Answer::locked(lock.until(), now));
        }
        let tag = request.tag.as_ref();
        if let Some(before) = tag.and_then(|tag| self.memo.repeated(None, tag, now, kept_ms)) {
            self.repeated += 1;
            return Ok(Answer::Accepted(before));
        }
        let accepted = match trial.verdict {
            SetVerdict::Right => Some(Acceptance {
                device: None,
                decision_id: round.new_id()?,
                wrong_since_last_success,
                repeated: false,
            }),
            SetVerdict::Wrong | SetVerdict::Locked(_) => None,
        };
        let Some((_, mut next)) = trial.next else {
            // It changes nothing, so nothing bounds how often it is asked for.
            let entry = request.event("refused").because(WRONG);
            return self.refuse_freely(round, request, &entry, WRONG);
        };
        let lock = next.budget.lock(now).map(Lock::until);
        if let (Some(_), Some(general)) = (road, general) {
            self.keep_road(request, next.budget);
            next.budget = general;
            if accepted.is_none() {
                return self.refuse_on_road(round, request, lock);
            }
        }
        if let (true, Some(general)) = (is_identity, general) {
            next.identity_budget = next.budget;
            next.budget = general;
        }
        if let Some(recovery) = &mut self.recovery_set {
            recovery.set = Some(next);
        }
        let before = self.memo.clone();
        self.memo.judged(None, tag, accepted.as_ref(), now, kept_ms);
        if let Some(accepted) = &accepted {
            self.answered(request, accepted.decision_id, RECOVERY_CODE, now);
        }
        self.changed |= self.memo != before;
        let entry = match accepted {
            Some(accepted) => request
                .event("accepted")
                .because("recovery_code")
                .decision(accepted.decision_id),
            None => request.event("refused").because(WRONG),
        };
        self.tell(round, &entry)?;
        Ok(accepted.map_or(request.refused(lock), Answer::Accepted))
    }

    /// Wrong codes of devices on the request's road since the last right one: each counts on every device that it was tried on.
    fn wrong_beside_paper(&self, request: &Request) -> u32 {
        let devices = self.user.as_ref().map_or(&[][..], |user| &user.devices);
        let wrong = devices
            .iter()
            .map(|bound| bound.state.wrong_since_success(request.road()));
        wrong.max().unwrap_or(0)
    }

    /// A wrong one that was typed in a trusted browser counts there, and leaves the set as it was (A2).
    fn refuse_on_road(&mut self, round: &mut Round<'_>, request: &Request, lock: Option<Option<UnixMs>>) -> Answered {
        let mut detail = request
            .challenge
            .as_ref()
            .map_or(json!({}), |challenge| challenge.detail());
        detail["road"] = json!("trusted_device");
        let entry = request.event("refused").because(WRONG).detail(detail);
        self.tell(round, &entry)?;
        Ok(request.refused(lock))
    }
}
