//! The examination of a code: which of a user's secrets it is of, and what became of it.

use otp::{Code, Step};
use store::{Bound, Enrollment, EnrollmentState, User};
use verify::{
    Credential, DeviceStatus, Moving, Past, Policy, Purpose, UnixMs, shown_before_binding, shown_by_dead_secret,
};

use crate::{
    Core, ServiceError,
    sealing::{Record, credential_of},
    support::{
        code_history::{CodeEvent, CodeHistory, Said},
        finding::{DeviceName, Fate, Finding},
    },
};

/// The steps within which a clock that is off is looked for first.
const NEAR_MS: i64 = UnixMs::HOUR;
/// And at last: a phone in another time zone.
const FAR_MS: i64 = UnixMs::DAY;
/// A code was typed, and support asked, within so long.
const JUST_NOW_MS: i64 = 10 * UnixMs::MINUTE;
/// A refusal that is older is not the one that is asked about.
const LAST_ATTEMPT_MS: i64 = UnixMs::HOUR;

/// One of a user's devices with what may be looked at of it.
struct Subject<'a> {
    bound: &'a Bound,
    credential: Credential,
    past: Past,
}

/// A user's secrets, and one code.
pub(super) struct Examination<'a> {
    subjects: Vec<Subject<'a>>,
    entries: Vec<Enrollment>,
    history: CodeHistory,
    now: UnixMs,
    policy: Policy,
}

impl<'a> Examination<'a> {
    pub(super) async fn of(
        core: &Core,
        user: &'a User,
        history: CodeHistory,
        now: UnixMs,
    ) -> Result<Self, ServiceError> {
        let policy = core.settings.policy;
        let subject = |bound: &'a Bound| {
            let past = Past::of(&bound.state, bound.device.parameters, now, &policy);
            Ok(Subject {
                bound,
                credential: credential_of(&bound.device, &*core.sealer)?,
                past,
            })
        };
        Ok(Self {
            subjects: user.devices.iter().map(subject).collect::<Result<_, ServiceError>>()?,
            entries: core.store.open_enrollments(user.owner.clone()).await?,
            history,
            now,
            policy,
        })
    }

    /// The user with all burned that is looked at, and what was passed over by that: the step that each device accepted last.
    pub(super) fn burned(&self, user: &User) -> (User, serde_json::Map<String, serde_json::Value>) {
        let mut next = user.clone();
        let mut passed = serde_json::Map::new();
        for Subject { bound, past, .. } in &self.subjects {
            let (was, is) = (bound.state.parts().last_step, past.state().parts().last_step);
            if was != is {
                let was = was.map(Step::get).into();
                passed.insert(bound.device.id.to_string(), was);
            }
            next = next.with_state(bound.device.id, past.state().clone());
        }
        (next, passed)
    }

    /// What is likely comes first: a code of some other secret stands among those of a whole day once in some hundreds.
    pub(super) fn examine(&self, core: &Core, code: &Code) -> Result<Finding, ServiceError> {
        if let Some(found) = self.located(code, NEAR_MS).or_else(|| self.misconfigured(code)) {
            return Ok(found);
        }
        if let Some(found) = self.of_an_entry(core, code)? {
            return Ok(found);
        }
        if let Some(found) = self.located(code, FAR_MS) {
            return Ok(found);
        }
        let unbound_at = self.history.unbound_at();
        if self.subjects.is_empty() {
            return Ok(Finding::NoDevice { unbound_at });
        }
        let shown = self
            .subjects
            .iter()
            .map(|subject| subject.bound.device.parameters.digits);
        let digits: Vec<u8> = shown
            .filter(|digits| *digits != code.digits())
            .map(otp::Digits::get)
            .collect();
        Ok(Finding::Nothing {
            digits: if digits.len() == self.subjects.len() {
                digits
            } else {
                Vec::new()
            },
            unbound_at,
            counters: self.subjects.iter().any(Subject::counts),
            clocks: !self.subjects.iter().all(Subject::counts),
            locked: self.all_locked(),
        })
    }

    fn located(&self, code: &Code, back_ms: i64) -> Option<Finding> {
        let found = self.subjects.iter().filter_map(|subject| {
            let back_steps = back_ms / (UnixMs::SECOND * i64::from(subject.period_s()));
            let back_steps = u32::try_from(back_steps).unwrap_or(u32::MAX);
            let step = subject.past.locate(&subject.credential, code, back_steps)?;
            Some((
                subject.expected(self.now).steps_since(step) * i64::from(subject.period_s()),
                subject,
                step,
            ))
        });
        let (_, subject, step) = found.min_by_key(|(age_s, ..)| *age_s)?;
        let fate = self.fate(subject, step);
        Some(Finding::OfDevice(DeviceName::of(subject.bound), fate))
    }

    /// What became of the code of this step of a device, which is over.
    fn fate(&self, subject: &Subject<'_>, step: Step) -> Fate {
        if subject.counts() {
            return self.fate_of_counter(subject, step);
        }
        if let Some((at, from)) = self.used(subject, step) {
            return Fate::Used { at, from };
        }
        if let Some((steps, at)) = self.refused_by_its_clock(subject, step) {
            return subject.clock_off(steps, Some(at));
        }
        if let Some(asked_at) = self.asked_for_another(subject, step) {
            return Fate::OtherEntry { asked_at };
        }
        let age_steps = subject.expected(self.now).steps_since(step);
        let is_new = age_steps * i64::from(subject.period_s()) * UnixMs::SECOND <= JUST_NOW_MS;
        if let Some(lock) = subject.lock(self.now).filter(|_| is_new) {
            return lock;
        }
        match self.last_refused(subject, step) {
            Some(at) => subject.clock_off(step.steps_since(subject.expected(at)), Some(at)),
            None => subject.clock_off(-age_steps, None),
        }
    }

    /// The same of a counter token. The trail has no counters, so of the codes before the last one nothing more is known than
    /// that they are over.
    fn fate_of_counter(&self, subject: &Subject<'_>, step: Step) -> Fate {
        let Bound { device, state } = subject.bound;
        let parts = state.parts();
        let Some(at) = parts.last_success_at.filter(|_| parts.last_step == Some(step)) else {
            return Fate::Passed;
        };
        let accepted = || {
            let events = self.history.events();
            events.filter(|event| matches!(event.said, Said::Accepted))
        };
        // Whoever found the token by its codes has burned them since, and the user has not.
        let is_burned = |event: &&CodeEvent| event.at > at && event.device == Some(device.id);
        let is_it = |event: &&CodeEvent| event.at == at && event.may_be_of(device.id);
        let event = accepted().find(is_burned).or_else(|| accepted().find(is_it));
        Fate::Used {
            at: event.map_or(at, |event| event.at),
            from: event.and_then(|event| event.from.clone()),
        }
    }

    /// When the code of this step was accepted, and from where.
    fn used(&self, subject: &Subject<'_>, step: Step) -> Option<(UnixMs, Option<String>)> {
        let id = subject.bound.device.id;
        let window = u64::from(self.policy.window_steps);
        let is_of = |event: &CodeEvent, step: Step| subject.expected(event.at).get().abs_diff(step.get()) <= window;
        // The step of the last acceptance is known; of those before it only the time.
        let mut last = subject.bound.state.parts().last_step;
        for event in self.history.events().filter(|event| event.may_be_of(id)) {
            match (&event.said, last) {
                (Said::Passed(passed), Some(_)) => {
                    if let Some(was) = passed.get(id.to_string()) {
                        last = was.as_u64().map(Step::new);
                    }
                }
                (Said::Accepted, Some(known)) if is_of(event, known) => {
                    if known == step {
                        return Some((event.at, event.from.clone()));
                    }
                    last = None;
                }
                (Said::Accepted, _) if is_of(event, step) => return Some((event.at, event.from.clone())),
                _ => {}
            }
        }
        // The newest events of the trail do not reach back so far.
        let at = subject.bound.state.parts().last_success_at;
        at.filter(|_| last == Some(step)).map(|at| (at, None))
    }

    /// The refusal at which the trail says how far this code was off.
    fn refused_by_its_clock(&self, subject: &Subject<'_>, step: Step) -> Option<(i64, UnixMs)> {
        let id = subject.bound.device.id;
        self.history
            .events()
            .filter(|event| event.may_be_of(id))
            .find_map(|event| {
                let Said::Refused {
                    cause,
                    steps: Some(steps),
                } = &event.said
                else {
                    return None;
                };
                let is_clock = ["too_early", "too_late"].contains(&&**cause);
                let then = subject.expected(event.at).offset(*steps);
                (is_clock && then.get().abs_diff(step.get()) <= 1).then_some((*steps, event.at))
            })
    }

    /// When a code of another device was asked for, and this one was right.
    fn asked_for_another(&self, subject: &Subject<'_>, step: Step) -> Option<UnixMs> {
        let window = u64::from(self.policy.window_steps);
        let is_it = |event: &&CodeEvent| {
            matches!(event.said, Said::Refused { .. })
                && event.device.is_some_and(|device| device != subject.bound.device.id)
                && subject.expected(event.at).get().abs_diff(step.get()) <= window
        };
        self.history.events().find(is_it).map(|event| event.at)
    }

    /// When a code was last refused of which no more is known than that it was far off, as this one then was.
    fn last_refused(&self, subject: &Subject<'_>, step: Step) -> Option<UnixMs> {
        let id = subject.bound.device.id;
        let refused = |event: &&CodeEvent| matches!(event.said, Said::Refused { .. }) && event.may_be_of(id);
        let last = self.history.events().find(refused)?;
        let Said::Refused { cause, .. } = &last.said else {
            return None;
        };
        let off = subject.expected(last.at).get().abs_diff(step.get());
        let is_it =
            cause == "wrong" && off > u64::from(self.policy.cause_steps) && self.now.since(last.at) <= LAST_ATTEMPT_MS;
        is_it.then_some(last.at)
    }

    fn misconfigured(&self, code: &Code) -> Option<Finding> {
        self.subjects.iter().find_map(|subject| {
            let Subject {
                bound,
                credential,
                past,
            } = subject;
            let cause = past.misconfigured(credential, code, self.now, &self.policy)?;
            Some(Finding::OfDevice(DeviceName::of(bound), Fate::Misconfigured(cause)))
        })
    }

    /// The secrets of bindings under way and of QR codes that were shown before, as long as they stand.
    fn of_an_entry(&self, core: &Core, code: &Code) -> Result<Option<Finding>, ServiceError> {
        for entry in &self.entries {
            let Some(sealed) = entry.state.sealed() else { continue };
            let credential = Record::of_enrollment(entry).credential(&*core.sealer, sealed)?;
            let is_older = matches!(entry.state, EnrollmentState::Superseded { .. });
            let shows = if is_older {
                shown_by_dead_secret(&credential, code, self.now, &self.policy)
            } else {
                shown_before_binding(&credential, code, self.now, &self.policy)
            };
            if shows {
                return Ok(Some(if is_older {
                    Finding::OlderEntry
                } else {
                    Finding::UnfinishedEntry
                }));
            }
        }
        Ok(None)
    }

    /// When the first device is judged again, if none is now.
    fn all_locked(&self) -> Option<Option<UnixMs>> {
        let locks: Option<Vec<_>> = self
            .subjects
            .iter()
            .map(|subject| subject.bound.state.lock(Purpose::Verification, self.now))
            .collect();
        locks.map(|locks| locks.iter().filter_map(|lock| lock.until()).min())
    }
}

impl Subject<'_> {
    fn counts(&self) -> bool {
        self.bound.state.parts().moving == Moving::Counter
    }

    fn period_s(&self) -> u32 {
        self.bound.device.parameters.period.get_s()
    }

    fn expected(&self, at: UnixMs) -> Step {
        self.bound.state.expected(self.bound.device.parameters, at)
    }

    fn clock_off(&self, steps: i64, refused_at: Option<UnixMs>) -> Fate {
        let s = steps.saturating_mul(i64::from(self.period_s()));
        Fate::ClockOff { s, refused_at }
    }

    fn lock(&self, now: UnixMs) -> Option<Fate> {
        let state = &self.bound.state;
        let lock = Purpose::ALL.iter().find_map(|purpose| state.lock(*purpose, now))?;
        let lost = state.parts().status == DeviceStatus::Lost;
        Some(Fate::Locked {
            until: lock.until(),
            lost,
        })
    }
}
