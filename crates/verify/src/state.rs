use otp::{Key, Parameters, Secret, Step};

use crate::{Budget, Guess, LIFTS, Lock, Policy, Purpose, SparseBudget, UnixMs};

/// What shows the codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An authenticator app.
    Virtual,
    /// A token with a serial number on its back.
    Hardware,
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

    /// What shows the codes.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

/// `bound -> lost`, and from each `-> unbound` for ever. Whether one of its roads is suspended is another matter, see
/// [`DeviceState::suspended`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Codes are judged.
    Bound,
    /// Its token is lost: nothing is judged any more, and all that is left is to unbind it.
    Lost,
    /// A tombstone: nothing is ever judged again.
    Unbound,
}

/// The last accepted request that carried a `request_id`, so that an exact repeat is told so. Nothing is kept of a
/// refused one: it is judged anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LastRequest {
    /// Id of the API key that asked; requests of another one leave this standing.
    pub api_key: [u8; 16],
    /// Keyed hash of API key, account, user and `request_id`.
    pub id: [u8; 16],
    /// Keyed hash of the same, the user's client and the code.
    pub body: [u8; 16],
    /// When it was decided.
    pub decided_at: UnixMs,
    /// Id of the decision.
    pub decision_id: [u8; 16],
    /// What was told with it.
    pub wrong_since_last_success: u32,
}

impl LastRequest {
    /// Whether it was decided so long ago at most; one that lies ahead, because the clock did, is not remembered.
    pub fn is_fresh(&self, now: UnixMs, remembered_ms: i64) -> bool {
        (0..remembered_ms).contains(&now.since(self.decided_at))
    }
}

/// Everything about a device that changes by being used: the hot record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeviceState {
    /// Raised by every change; a write holds only if the version is the one that was read.
    pub version: u64,
    /// Whether codes are judged at all.
    pub standing: Standing,
    /// The highest step whose code was accepted; nothing at or below it is accepted again.
    pub last_step: Option<Step>,
    /// Steps by which the device's clock was ahead (behind: negative) when it was measured by two codes.
    pub offset_steps: i32,
    /// Steps learned on top of it since.
    pub drift_steps: i32,
    /// When a step was last learned; at most one a day is.
    pub drift_learned_at: Option<UnixMs>,
    /// The last accepted code.
    pub last_success_at: Option<UnixMs>,
    /// Wrong codes at verification.
    pub verification: SparseBudget,
    /// Wrong codes at unbinding and replacing.
    pub unbinding: SparseBudget,
    /// Wrong pairs at resync.
    pub resync: SparseBudget,
    /// See [`LastRequest`].
    pub last_request: Option<LastRequest>,
}

impl DeviceState {
    /// The state of a device at the moment it is bound by the code of `last_step`.
    pub fn bound(last_step: Step, offset_steps: i32, now: UnixMs) -> Self {
        Self {
            version: 1,
            standing: Standing::Bound,
            last_step: Some(last_step),
            offset_steps,
            drift_steps: 0,
            drift_learned_at: None,
            last_success_at: Some(now),
            verification: SparseBudget::default(),
            unbinding: SparseBudget::default(),
            resync: SparseBudget::default(),
            last_request: None,
        }
    }

    /// The tombstone of this device.
    #[must_use]
    pub fn unbound(&self) -> Self {
        Self {
            standing: Standing::Unbound,
            last_request: None,
            ..self.touched()
        }
    }

    /// Its token was lost. A tombstone stays one.
    #[must_use]
    pub fn lost(&self) -> Self {
        let standing = match self.standing {
            Standing::Unbound => Standing::Unbound,
            Standing::Bound | Standing::Lost => Standing::Lost,
        };
        Self {
            standing,
            ..self.touched()
        }
    }

    /// Support's decision: locks end, and so do suspensions as far as there are lifts left (rule A1: two within 13
    /// weeks, over all roads; verification comes first). The long count stays, whatever support says. `None`: something
    /// is suspended, and no lift is left for any of it; see [`DeviceState::forgiven`].
    #[must_use]
    pub fn unlocked(&self, now: UnixMs) -> Option<Self> {
        let mut next = self.touched();
        let (mut suspended, mut lifted) = (0, 0);
        for purpose in Purpose::ALL {
            if !next.suspended(purpose) {
                next.set_budget(purpose, next.budget(purpose).right());
                continue;
            }
            suspended += 1;
            if let Some(open) = next.lifted(purpose, now) {
                next = open;
                lifted += 1;
            }
        }
        (suspended == 0 || lifted > 0).then_some(next)
    }

    /// The user's first factor is another one since this time: whoever guessed before has to begin anew, and so do the
    /// counts, as far as what they counted was before it. `None`: a road was suspended later than that.
    #[must_use]
    pub fn forgiven(&self, first_factor_changed_at: UnixMs) -> Option<Self> {
        let mut next = self.touched();
        for purpose in Purpose::ALL {
            let forgiven = next.budget(purpose).forgiven(first_factor_changed_at)?;
            next.set_budget(purpose, forgiven);
        }
        Some(next)
    }

    /// One lift less, where there is one, and this road is open again.
    pub(crate) fn lifted(&self, purpose: Purpose, now: UnixMs) -> Option<Self> {
        let used: u32 = Purpose::ALL
            .iter()
            .map(|purpose| self.budget(*purpose).lifts(now))
            .sum();
        if used >= LIFTS {
            return None;
        }
        let mut next = self.clone();
        next.set_budget(purpose, self.budget(purpose).lifted(now));
        Some(next)
    }

    /// Whether nothing is judged for this purpose until somebody acts.
    pub fn suspended(&self, purpose: Purpose) -> bool {
        self.budget(purpose).suspended_at.is_some()
    }

    /// The same with another memory of its last request.
    #[must_use]
    pub fn remembering(self, last_request: Option<LastRequest>) -> Self {
        if self.last_request == last_request {
            return self;
        }
        Self {
            last_request,
            ..self.touched()
        }
    }

    /// Why nothing is judged for this purpose at `now`, if so.
    pub fn lock(&self, purpose: Purpose, now: UnixMs) -> Option<Lock> {
        match self.standing {
            Standing::Bound => self.budget(purpose).lock(now),
            Standing::Lost | Standing::Unbound => Some(Lock::Suspended),
        }
    }

    /// The step the device is expected to show at `now`.
    pub fn expected(&self, parameters: Parameters, now: UnixMs) -> Step {
        now.step(parameters.period)
            .offset(i64::from(self.offset_steps) + i64::from(self.drift_steps))
    }

    /// Whether the device's clock is about to leave the window: what is learned of it comes near its limit, or,
    /// at the pace at which it went since `bound_at`, it has gone a window's width since its last code.
    pub fn about_to_leave(&self, kind: Kind, bound_at: UnixMs, now: UnixMs, policy: &Policy) -> bool {
        let window = i64::from(policy.window_steps.max(1));
        let learned = i64::from(self.drift_steps).abs();
        if learned > 0 && learned + 2 * window >= i64::from(policy.drift_steps(kind)) {
            return true;
        }
        let (Some(learned_at), Some(seen_at)) = (self.drift_learned_at, self.last_success_at) else {
            return false;
        };
        let took_ms = i128::from(learned_at.since(bound_at).max(1));
        let silent_ms = i128::from(now.since(seen_at).max(0));
        i128::from(learned) * silent_ms >= i128::from(window) * took_ms
    }

    pub(crate) fn budget(&self, purpose: Purpose) -> &Budget {
        match purpose {
            Purpose::Verification => &self.verification,
            Purpose::Unbinding => &self.unbinding,
            Purpose::Resync => &self.resync,
        }
    }

    fn set_budget(&mut self, purpose: Purpose, budget: Budget) {
        let old = match purpose {
            Purpose::Verification => &mut self.verification,
            Purpose::Unbinding => &mut self.unbinding,
            Purpose::Resync => &mut self.resync,
        };
        *old = budget.into();
    }

    /// The same under its next version.
    pub(crate) fn touched(&self) -> Self {
        Self {
            version: self.version + 1,
            ..self.clone()
        }
    }

    /// After a wrong code: counted, perhaps locked, perhaps suspended. The same one again is no other guess, and
    /// changes nothing.
    pub(crate) fn after_wrong(&self, purpose: Purpose, guess: &Guess, now: UnixMs, policy: &Policy) -> Self {
        if self.budget(purpose).repeats(guess) {
            return self.clone();
        }
        let mut next = self.touched();
        let wrong = self.budget(purpose).wrong(guess, now, policy.budget(purpose));
        next.set_budget(purpose, wrong);
        next
    }

    /// After the code of `step`: burned, and nothing held against this purpose any longer.
    pub(crate) fn after_right(&self, purpose: Purpose, step: Step, now: UnixMs) -> Self {
        let mut next = Self {
            last_step: Some(step),
            last_success_at: Some(now),
            ..self.touched()
        };
        next.set_budget(purpose, self.budget(purpose).right());
        next
    }

    /// Follows the device's clock by at most one step a success and one a day, within the kind's limit.
    ///
    /// `deviation` is how far the accepted step was from the expected one.
    pub(crate) fn learned(self, deviation: i64, kind: Kind, now: UnixMs, policy: &Policy) -> Self {
        let limit = policy.drift_steps(kind);
        let drift_steps = (self.drift_steps + deviation.signum() as i32).clamp(-limit, limit);
        let rested = self.drift_learned_at.is_none_or(|at| now.since(at) >= UnixMs::DAY);
        if drift_steps == self.drift_steps || !rested {
            return self;
        }
        Self {
            drift_steps,
            drift_learned_at: Some(now),
            ..self
        }
    }
}
