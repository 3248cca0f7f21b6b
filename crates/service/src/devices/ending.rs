//! How devices end, and what ends with them: with the last, with the holder, with the person.

use serde_json::json;
use store::{
    Bound, Change, Enrollment, EnrollmentState, Id, Noun as _, Owner, PasscodeState, Protection, ProtectionMethod,
    ProvenMethods, Session, Token, UnbindState, UnboundDevice, User, Write, audit,
};
use verify::UnixMs;

use crate::{
    ServiceError,
    attempt::Attempt,
    devices::factor::ConsumedFactor,
    devices::factors::Factors,
    enrollment::state::becomes,
    inventory::binding::{becomes_unbound, its_tokens},
    protection::{
        approval::{APPROVED, Approval},
        register::written,
        session::ending::ended,
        settings::told,
        user_limit::{CountTurn, counts},
    },
    recovery::recovery_set,
    support::{passcode::written as written_passcode, unbind_standing::ended as ended_request},
    trail::event::NewEvent,
    verification::memo::{Memo, SupportMemo},
};

/// The row without this device, and its tombstone.
pub(crate) fn end_device(user: User, bound: &Bound, now: UnixMs) -> (User, Write) {
    let id = bound.device.id;
    let mut memo = Memo::read(&user.memo);
    memo.forget(Some(id));
    // With the code that ends it, should there be one.
    let tombstone = UnboundDevice::of(user.device(id).unwrap_or(bound), now);
    let next = User {
        memo: memo.write(),
        ..user.without_device(id)
    };
    (next, Write::put(None, &tombstone))
}

/// The row in which no grant of before opens anything any more: the code of a device that ends may have given it.
pub(crate) fn without_grants(user: User, now: UnixMs) -> User {
    let mut memo = Memo::read(&user.memo);
    memo.grants.revoke_all(now);
    let memo = memo.write();
    User { memo, ..user }
}

/// Devices that end, and what ends with the last of them.
pub(crate) struct Ending<'a> {
    attempt: Attempt<'a>,
    owner: &'a Owner,
    factors: &'a Factors,
    /// The row as it becomes.
    next: User,
    pub(crate) writes: Vec<Write>,
    pub(crate) events: Vec<audit::Event>,
    /// A set of recovery codes that paid for it.
    spent: Option<(u64, store::RecoveryCodes)>,
    open: Vec<Enrollment>,
    /// Those that are among the devices.
    tokens: Vec<Token>,
    extent: Extent,
    /// The administrator by whose factor it is.
    approver: Option<Id>,
}

/// What ends, as one change: the sessions whose ends are in it are over for the next check once it is on disk.
pub(crate) struct Ended<'a> {
    attempt: Attempt<'a>,
    owner: &'a Owner,
    change: Change,
    sessions: Vec<Session>,
    _turn: CountTurn<'a>,
}

impl Ended<'_> {
    /// With this condition.
    pub(crate) fn on(mut self, condition: Write) -> Self {
        self.change = self.change.with([condition]);
        self
    }

    /// `false` where somebody else was faster.
    pub(crate) async fn commit(self) -> Result<bool, ServiceError> {
        self.attempt
            .commit_ending(self.change, self.owner, &self.sessions)
            .await
    }
}

/// What ends together with devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// With the last of them, what stands on devices.
    Devices,
    /// What the holder of before had, whose successor came at this time.
    OldHolder {
        /// When the new holder's device was bound.
        since: UnixMs,
    },
    /// What somebody could have who talked support into it (U2b): trusts, sessions, grants, recovery codes.
    Recovered {
        /// What protects the user from now on, in place of codes.
        method: Option<ProtectionMethod>,
        /// What is always checked waits until then.
        frozen_until: Option<UnixMs>,
    },
    /// All that there is of the user.
    Everything,
}

impl<'a> Ending<'a> {
    pub(crate) async fn of(
        attempt: &Attempt<'a>,
        owner: &'a Owner,
        factors: &'a Factors,
    ) -> Result<Self, ServiceError> {
        let core = attempt.core;
        let open = core.store.open_enrollments(owner.clone()).await?;
        let tokens = its_tokens(core, &factors.user.devices).await?;
        Ok(Self {
            attempt: *attempt,
            owner,
            factors,
            next: factors.user.clone(),
            writes: Vec::new(),
            events: Vec::new(),
            spent: None,
            open,
            tokens,
            extent: Extent::Devices,
            approver: None,
        })
    }

    /// A device ends by the user's own factor.
    pub(crate) async fn end(&mut self, id: Id, spent: ConsumedFactor) -> Result<(), ServiceError> {
        let because = spent.name();
        self.next = spent.user;
        self.spent = spent.recovery;
        self.tombstone(id, because).await
    }

    /// A device ends by an administrator's factor, whose own change is among the writes.
    pub(crate) async fn end_by(&mut self, id: Id, approval: Approval) -> Result<(), ServiceError> {
        self.approver = Some(approval.by);
        self.writes.extend(approval.writes);
        self.events.push(approval.event);
        self.tombstone(id, APPROVED).await
    }

    pub(crate) async fn tombstone(&mut self, id: Id, because: &str) -> Result<(), ServiceError> {
        let bound = self.factors.user.device(id);
        let bound = bound.ok_or_else(|| ServiceError::Internal("a device ends that is not there".into()))?;
        let (next, tombstone) = end_device(self.next.clone(), bound, self.attempt.now);
        self.next = next;
        self.writes.push(tombstone);
        let tokens = self.tokens.iter().cloned();
        self.writes
            .extend(tokens.filter_map(|token| becomes_unbound(token, bound, self.attempt.now)));
        let entry = self
            .attempt
            .entry("device.unbind", "done")
            .of_user()
            .device(id)
            .because(because)
            .detail(self.detail(bound));
        self.events
            .push(self.attempt.event_of(&self.factors.user, &entry).await?);
        Ok(())
    }

    fn detail(&self, bound: &Bound) -> serde_json::Value {
        let mut detail = json!({"serial_number": bound.device.serial_number});
        if let Some(approver) = self.approver {
            detail["approver"] = json!(approver);
        }
        detail
    }

    /// What else ends, beside what ends with the last device.
    pub(crate) fn extends_to(&mut self, extent: Extent) {
        self.extent = extent;
    }

    /// One more write of the same change.
    pub(crate) fn also(&mut self, write: Write) {
        self.writes.push(write);
    }

    /// An event of the user.
    pub(crate) async fn event(&self, entry: &NewEvent<'_>) -> Result<audit::Event, ServiceError> {
        self.attempt.event_of(&self.factors.user, entry).await
    }

    /// The event of what protects the user from now on, where that becomes another.
    pub(crate) fn protection_changes(&self, because: &'static str) -> Option<NewEvent<'a>> {
        let next = self.settings(self.next.devices.is_empty())?;
        let (before, after) = (told(&self.factors.settings()), told(&next));
        let entry = self
            .attempt
            .entry("protection.change", "done")
            .of_user()
            .because(because);
        (before != after).then(|| entry.detail(json!({"before": before, "after": after})))
    }

    /// With the last device, protection, recovery codes and bindings under way end too; with the person whatever lets somebody
    /// in for them.
    pub(crate) async fn ended(mut self) -> Result<Ended<'a>, ServiceError> {
        let is_last = self.next.devices.is_empty();
        let settings = self.settings(is_last);
        let paper = self.paper(is_last).await?;
        self.writes.extend(paper);
        if is_last || self.extent != Extent::Devices {
            self.sign_out();
        } else {
            self.next = without_grants(self.next, self.attempt.now);
        }
        // Whatever device ends: its code may have paid for one of them.
        for enrollment in &self.open {
            self.writes.push(becomes(enrollment, EnrollmentState::abandoned)?);
        }
        if is_last || self.extent != Extent::Devices {
            self.support_ends().await?;
        }
        // Whatever device ends: somebody may have it, and the browsers that were trusted by it.
        let trusts = self.attempt.core.end_trusted_devices(&self.factors.user).await?;
        self.writes.push(trusts);
        let sessions = match self.extent {
            Extent::Devices => Vec::new(),
            Extent::Recovered { .. } => self.sessions_end().await?,
            Extent::OldHolder { .. } | Extent::Everything => self.strangers_now().await?,
        };
        let was = counts(&self.factors.user, self.factors.protection.as_ref());
        let is = counts(&self.next, settings.as_ref().or(self.factors.protection.as_ref()));
        let (counted, turn) = self.attempt.core.counted(self.owner, (was, is)).await?;
        self.writes.extend(counted);
        let settings = settings.and_then(|settings| self.factors.become_protected(settings));
        self.writes.extend(settings);
        self.writes.push(self.next.changed());
        let change = Change::of_all(self.events).map(|change| change.with(self.writes));
        Ok(Ended {
            attempt: self.attempt,
            owner: self.owner,
            change: change.ok_or_else(|| ServiceError::Internal("nothing ends".into()))?,
            sessions,
            _turn: turn,
        })
    }

    /// What the person of before is known by ends: sessions, proven methods, usual cities. Gives the sessions.
    async fn strangers_now(&mut self) -> Result<Vec<Session>, ServiceError> {
        let core = self.attempt.core;
        let register = core.register(self.owner).await?;
        if !register.methods.is_empty() {
            let methods = Vec::new();
            self.writes.push(written(ProvenMethods { methods, ..register }));
        }
        if let Some(cities) = core.store.usual_cities(self.owner).await? {
            self.writes.push(Write::Delete {
                expected: cities.version(),
                key: cities.key(),
            });
        }
        self.sessions_end().await
    }

    /// What support was asked for, for whoever had the devices: passcodes, and an unbind request, but for the one that is
    /// completed by this.
    async fn support_ends(&mut self) -> Result<(), ServiceError> {
        let store = &self.attempt.core.store;
        let passcodes = store.open_passcodes(self.owner).await?;
        let ended = passcodes
            .into_iter()
            .map(|passcode| written_passcode(passcode, PasscodeState::Ended));
        self.writes.extend(ended);
        // What it was to end is gone, and whatever is bound from now on it was never about.
        if !matches!(self.extent, Extent::Recovered { .. })
            && let Some(open) = store.open_unbind_request(self.owner).await?
        {
            let expected = Some(open.version);
            self.writes.push(Write::put(
                expected,
                &ended_request(open, UnbindState::Withdrawn, self.attempt.now),
            ));
        }
        Ok(())
    }

    async fn sessions_end(&mut self) -> Result<Vec<Session>, ServiceError> {
        let sessions = self.attempt.core.sessions_of(self.owner).await?;
        self.writes.extend(sessions.iter().map(ended));
        let visits = self.attempt.core.end_page_visits(self.owner, None).await?;
        self.writes.extend(visits);
        Ok(sessions)
    }

    /// What the settings become, where they become others.
    fn settings(&self, is_last: bool) -> Option<Protection> {
        let now = self.attempt.now;
        match &self.extent {
            // Beside a device that stays its codes go on.
            Extent::Recovered {
                method: Some(method), ..
            } => is_last.then(|| self.factors.settings_with_method(method, now)),
            Extent::Recovered { method: None, .. } | Extent::Devices => {
                is_last.then(|| self.factors.settings_without_mfa(now))
            }
            Extent::OldHolder { .. } => Some(self.factors.settings_without_external(now)),
            Extent::Everything => Some(Protection::none(self.owner.clone())),
        }
    }

    /// The write of the recovery codes, where they end or one of them paid.
    async fn paper(&mut self, is_last: bool) -> Result<Option<Write>, ServiceError> {
        let set = match self.spent.take() {
            Some(spent) => Some(spent),
            None => {
                let set = self.attempt.core.store.recovery_codes(self.owner.clone()).await?;
                set.map(|set| (set.version, set))
            }
        };
        let Some((expected, set)) = set else { return Ok(None) };
        let ends = match self.extent {
            Extent::Devices => is_last,
            Extent::Recovered { .. } => true,
            // What was issued with the new holder's device, by the same change, is theirs. What was renewed since may have
            // been paid for by a code of the old paper.
            Extent::OldHolder { since } => set.issued_at != since,
            Extent::Everything => true,
        };
        let next = if ends {
            store::RecoveryCodes {
                version: expected + 1,
                ..recovery_set::none_left(set)
            }
        } else {
            set
        };
        Ok((next.version > expected).then(|| Write::put(Some(expected), &next)))
    }

    /// What was granted on devices that are gone stands for nothing any more.
    fn sign_out(&mut self) {
        let mut memo = Memo::read(&self.next.memo);
        memo.sign_out(self.attempt.now);
        match self.extent {
            Extent::Everything => {
                memo.is_closing = false;
                memo.support = SupportMemo::default();
            }
            Extent::Recovered { frozen_until, .. } => {
                memo.support.end_unbinding();
                if let Some(until) = frozen_until {
                    memo.support.freeze(until);
                }
            }
            Extent::OldHolder { .. } | Extent::Devices => {
                memo.support.end_unbinding();
            }
        }
        self.next.memo = memo.write();
    }
}
