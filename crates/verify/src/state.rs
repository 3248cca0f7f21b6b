use otp::{Accepted, Key, Parameters, Secret, Step, Window};

use crate::{Guess, LIFTS, Lock, Policy, Purpose, SparseThrottle, Throttle, UnixMs};

/// The kind of a device: an app or a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An authenticator app.
    Virtual,
    /// A token with a serial number on its back.
    Hardware,
}

/// The moving factor of a device: what its next code follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moving {
    /// The time (TOTP, RFC 6238).
    Time,
    /// A counter that each press of its button raises (HOTP, RFC 4226). Its steps are counters.
    Counter,
}

/// The secret of a device, keyed and ready to judge; lives for one request.
pub struct Credential {
    secret: Secret,
    key: Key,
    parameters: Parameters,
    kind: Kind,
}

impl Credential {
    /// Keys the secret for the device's own algorithm.
    pub fn new(secret: Secret, parameters: Parameters, kind: Kind) -> Self {
        let key = Key::new(&secret, parameters.algorithm);
        Self {
            secret,
            key,
            parameters,
            kind,
        }
    }

    /// The secret itself, for the few who must key it otherwise.
    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Keyed for [`Credential::parameters`].
    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// Algorithm, digits and period.
    pub fn parameters(&self) -> Parameters {
        self.parameters
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

/// `bound -> lost`; whoever is unbound has no state any more. Whether one of its roads is suspended is another matter, see
/// [`DeviceState::suspended`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceStatus {
    /// Codes are judged.
    Bound,
    /// Its token is lost: nothing is judged any more, and all that is left is to unbind it.
    Lost,
}

/// Everything about a device that changes by being used: what is read, judged and written at every check.
///
/// It changes by the transitions of this crate alone. Whoever keeps it writes down its [`DeviceParts`], and only that may
/// make a state of parts again, by [`DeviceState::restored`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeviceState {
    parts: DeviceParts,
}

/// The fields of a [`DeviceState`], to be read and to be kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeviceParts {
    /// Whether codes are judged at all.
    pub status: DeviceStatus,
    /// What its next code follows from.
    pub moving: Moving,
    /// The highest step whose code was accepted; nothing at or below it is accepted again.
    pub last_step: Option<Step>,
    /// Steps by which the device's clock was ahead (behind: negative) when it was measured by two codes. As what is learned
    /// since, always 0 of a counter.
    pub measured_offset_steps: i32,
    /// Steps learned on top of it since.
    pub learned_drift_steps: i32,
    /// When a step was last learned; at most one a day is.
    pub drift_learned_at: Option<UnixMs>,
    /// The last accepted code.
    pub last_success_at: Option<UnixMs>,
    /// Wrong codes at verification.
    pub verification: SparseThrottle,
    /// Wrong codes at unbinding and replacing.
    pub unbinding: SparseThrottle,
    /// Wrong pairs at resync.
    pub resync: SparseThrottle,
    /// Wrong codes at checks of identity.
    pub identity: SparseThrottle,
}

impl DeviceParts {
    /// The parts of a device that is bound now, by the code of this step.
    pub fn bound(last_step: Step, measured_offset_steps: i32, now: UnixMs) -> Self {
        Self {
            status: DeviceStatus::Bound,
            moving: Moving::Time,
            last_step: Some(last_step),
            measured_offset_steps,
            learned_drift_steps: 0,
            drift_learned_at: None,
            last_success_at: Some(now),
            verification: SparseThrottle::default(),
            unbinding: SparseThrottle::default(),
            resync: SparseThrottle::default(),
            identity: SparseThrottle::default(),
        }
    }
}

impl DeviceState {
    /// The state of a device at the moment it is bound by this code, which is burned.
    pub fn bound(accepted: Accepted, measured_offset_steps: i32, now: UnixMs) -> Self {
        Self::restored(DeviceParts::bound(accepted.step(), measured_offset_steps, now))
    }

    /// The state of a counter token at the moment it is bound by this code, which is burned.
    pub fn bound_counter(accepted: Accepted, now: UnixMs) -> Self {
        Self::bound(accepted, 0, now).with(|parts| parts.moving = Moving::Counter)
    }

    /// The state that was kept as these parts.
    pub fn restored(parts: DeviceParts) -> Self {
        Self { parts }
    }

    /// Its parts, which are to be kept.
    pub fn parts(&self) -> &DeviceParts {
        &self.parts
    }

    /// The steps by which the device's clock is ahead (behind: negative): as measured, and learned since.
    pub fn total_offset_steps(&self) -> i32 {
        let DeviceParts {
            measured_offset_steps,
            learned_drift_steps,
            ..
        } = self.parts;
        measured_offset_steps.saturating_add(learned_drift_steps)
    }

    /// A copy with some parts changed.
    pub(crate) fn with(&self, change: impl FnOnce(&mut DeviceParts)) -> Self {
        let mut next = self.clone();
        change(&mut next.parts);
        next
    }

    /// The state after its token was lost.
    #[must_use]
    pub fn lost(&self) -> Self {
        self.with(|parts| parts.status = DeviceStatus::Lost)
    }

    /// Support's decision: locks end, and so do suspensions as far as there are lifts left (rule A1: two within 13
    /// weeks, over all roads; verification comes first). The long count stays, whatever support says. `None`: something
    /// is suspended, and no lift is left for any of it; see [`DeviceState::forgiven`].
    ///
    /// What is suspended at checks of identity, where guessing takes no password, keeps no other road locked.
    #[must_use]
    pub fn unlocked(&self, now: UnixMs) -> Option<Self> {
        let mut next = self.clone();
        for purpose in Purpose::ALL {
            if !next.suspended(purpose) {
                next.set_throttle(purpose, next.throttle(purpose).right());
            } else if let Some(open) = next.lifted(purpose, now) {
                next = open;
            }
        }
        let is_suspended = |road: &Purpose| self.suspended(*road);
        let is_open = |road: &Purpose| next.lock(*road, now).is_none();
        let opens = |road: &Purpose| self.lock(*road, now).is_some() && is_open(road);
        let mut suspended = Purpose::ALL.into_iter().filter(is_suspended).peekable();
        let is_done = match suspended.peek() {
            None => true,
            Some(Purpose::Identity) => Purpose::ALL.iter().any(opens),
            Some(_) => suspended.any(|road| is_open(&road)),
        };
        is_done.then_some(next)
    }

    /// The user's first factor is another one since this time: whoever guessed before has to begin anew, and so do the
    /// counts, as far as what they counted was before it. `None`: a road was suspended later than that.
    ///
    /// Whoever guesses at checks of identity needs no first factor: a new one forgives that road nothing, and what is
    /// suspended there stands in no other's way. It is lifted, if a lift is left.
    #[must_use]
    pub fn forgiven(&self, first_factor_changed_at: UnixMs, now: UnixMs) -> Option<Self> {
        let mut next = self.clone();
        for purpose in [Purpose::Verification, Purpose::Unbinding, Purpose::Resync] {
            let forgiven = next.throttle(purpose).forgiven(first_factor_changed_at)?;
            next.set_throttle(purpose, forgiven);
        }
        let is_suspended = next.suspended(Purpose::Identity);
        let lifted = is_suspended.then(|| next.lifted(Purpose::Identity, now)).flatten();
        Some(lifted.unwrap_or(next))
    }

    /// The state with one lift less, where there is one, and this road open again. The last one is never a check of
    /// identity's: who suspends that has no password, and must not use up what a login may need.
    pub(crate) fn lifted(&self, purpose: Purpose, now: UnixMs) -> Option<Self> {
        let used: u32 = Purpose::ALL
            .iter()
            .map(|purpose| self.throttle(*purpose).lifts(now))
            .sum();
        let kept = u32::from(purpose == Purpose::Identity);
        if used + kept >= LIFTS {
            return None;
        }
        let mut next = self.clone();
        next.set_throttle(purpose, self.throttle(purpose).lifted(now));
        Some(next)
    }

    /// Wrong codes for this purpose since the last right one.
    pub fn wrong_since_success(&self, purpose: Purpose) -> u32 {
        self.throttle(purpose).since_success
    }

    /// True if nothing is judged for this purpose until somebody acts.
    pub fn suspended(&self, purpose: Purpose) -> bool {
        self.throttle(purpose).suspended_at.is_some()
    }

    /// Why nothing is judged for this purpose at `now`, if so.
    pub fn lock(&self, purpose: Purpose, now: UnixMs) -> Option<Lock> {
        match self.parts.status {
            DeviceStatus::Bound => self.throttle(purpose).lock(now),
            DeviceStatus::Lost => Some(Lock::Suspended),
        }
    }

    /// The step the device is expected to show at `now`; of a counter the next one, whenever that is.
    pub fn expected(&self, parameters: Parameters, now: UnixMs) -> Step {
        match self.parts.moving {
            Moving::Time => now
                .step(parameters.period)
                .offset(i64::from(self.parts.measured_offset_steps) + i64::from(self.parts.learned_drift_steps)),
            Moving::Counter => self.parts.last_step.map_or(Step::new(0), |last| last.offset(1)),
        }
    }

    /// The steps whose codes are accepted at `now`, as far as they are later than the last accepted one.
    pub(crate) fn window(&self, parameters: Parameters, now: UnixMs, policy: &Policy) -> Window {
        let expected = self.expected(parameters, now);
        match self.parts.moving {
            Moving::Time => Window::around(expected, policy.window_steps),
            Moving::Counter => policy.look_ahead(expected),
        }
    }

    /// True if the device's clock is about to leave the window. Of a token: what is learned of it comes near its limit, or,
    /// at the pace at which it went since `bound_at`, it has gone a window's width since its last code. An app's clock does
    /// not drift: it was measured wrong by more than the window, and will be right once the phone is. A counter has none.
    pub fn about_to_leave(&self, kind: Kind, bound_at: UnixMs, now: UnixMs, policy: &Policy) -> bool {
        if self.parts.moving == Moving::Counter {
            return false;
        }
        let window = i64::from(policy.window_steps.max(1));
        if kind == Kind::Virtual {
            return i64::from(self.parts.measured_offset_steps).abs() > window;
        }
        let learned = i64::from(self.parts.learned_drift_steps).abs();
        if learned > 0 && learned + 2 * window >= i64::from(policy.learned_drift_max_steps(kind)) {
            return true;
        }
        let (Some(learned_at), Some(seen_at)) = (self.parts.drift_learned_at, self.parts.last_success_at) else {
            return false;
        };
        let took_ms = i128::from(learned_at.since(bound_at).max(1));
        let silent_ms = i128::from(now.since(seen_at).max(0));
        i128::from(learned) * silent_ms >= i128::from(window) * took_ms
    }

    pub(crate) fn throttle(&self, purpose: Purpose) -> &Throttle {
        match purpose {
            Purpose::Verification => &self.parts.verification,
            Purpose::Unbinding => &self.parts.unbinding,
            Purpose::Resync => &self.parts.resync,
            Purpose::Identity => &self.parts.identity,
        }
    }

    fn set_throttle(&mut self, purpose: Purpose, throttle: Throttle) {
        let old = match purpose {
            Purpose::Verification => &mut self.parts.verification,
            Purpose::Unbinding => &mut self.parts.unbinding,
            Purpose::Resync => &mut self.parts.resync,
            Purpose::Identity => &mut self.parts.identity,
        };
        *old = throttle.into();
    }

    /// After a wrong code: counted, perhaps locked, perhaps suspended. The same one again is no other guess, and
    /// changes nothing.
    pub(crate) fn after_wrong(&self, purpose: Purpose, guess: &Guess, now: UnixMs, policy: &Policy) -> Self {
        if self.throttle(purpose).repeats(guess) {
            return self.clone();
        }
        let mut next = self.clone();
        let wrong = self
            .throttle(purpose)
            .wrong(guess, now, &policy.throttle(purpose, self.parts.moving));
        next.set_throttle(purpose, wrong);
        next
    }

    /// After this code: burned, and nothing held against this purpose any longer.
    pub(crate) fn after_right(&self, purpose: Purpose, accepted: Accepted, now: UnixMs) -> Self {
        let mut next = self.with(|parts| {
            parts.last_step = Some(accepted.step());
            parts.last_success_at = Some(now);
        });
        next.set_throttle(purpose, self.throttle(purpose).right());
        next
    }

    /// Follows the device's clock by at most one step a success and one a day, within the kind's limit.
    ///
    /// `deviation` is how far the accepted step was from the expected one.
    pub(crate) fn learned(self, deviation: i64, kind: Kind, now: UnixMs, policy: &Policy) -> Self {
        if self.parts.moving == Moving::Counter {
            return self;
        }
        let limit = policy.learned_drift_max_steps(kind);
        let steps = (self.parts.learned_drift_steps + deviation.signum() as i32).clamp(-limit, limit);
        let rested = self
            .parts
            .drift_learned_at
            .is_none_or(|at| now.since(at) >= UnixMs::DAY);
        if steps == self.parts.learned_drift_steps || !rested {
            return self;
        }
        self.with(|parts| {
            parts.learned_drift_steps = steps;
            parts.drift_learned_at = Some(now);
        })
    }
}
