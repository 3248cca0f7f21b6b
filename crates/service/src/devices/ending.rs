//! How devices end, and what ends with the last of them.

use serde_json::json;
use store::{Bound, Change, Enrollment, EnrollmentState, Id, Owner, Token, UnboundDevice, User, Write, audit};
use verify::UnixMs;

use crate::{
    ServiceError,
    attempt::Attempt,
    devices::factor::ConsumedFactor,
    devices::factors::Factors,
    enrollment::state::becomes,
    inventory::binding::{becomes_unbound, its_tokens},
    recovery::recovery_set,
    verification::memo::Memo,
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
        })
    }

    /// A device ends by the user's own factor.
    pub(crate) async fn end(&mut self, id: Id, spent: ConsumedFactor) -> Result<(), ServiceError> {
        let because = spent.name();
        self.next = spent.user;
        self.spent = spent.recovery;
        self.tombstone(id, because).await
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
            .detail(json!({"serial_number": bound.device.serial_number}));
        self.events
            .push(self.attempt.event_of(&self.factors.user, &entry).await?);
        Ok(())
    }

    /// With the last device, protection, recovery codes and bindings under way end too.
    pub(crate) async fn change(mut self) -> Result<Change, ServiceError> {
        let store = &self.attempt.core.store;
        let recovery = match self.spent {
            Some((expected, next)) => Some((expected, next)),
            None => store
                .recovery_codes(self.owner.clone())
                .await?
                .map(|set| (set.version, set)),
        };
        if self.next.devices.is_empty() {
            let mut memo = Memo::read(&self.next.memo);
            memo.forget(None);
            // What was granted on a device that is gone stands for nothing any more.
            memo.grants.revoke_all(self.attempt.now);
            self.next.memo = memo.write();
            if let Some((expected, set)) = recovery {
                let next = store::RecoveryCodes {
                    version: expected + 1,
                    ..recovery_set::none_left(set)
                };
                self.writes.push(Write::put(Some(expected), &next));
            }
            for enrollment in &self.open {
                self.writes.push(becomes(enrollment, EnrollmentState::abandoned)?);
            }
            self.writes.extend(self.factors.without_mfa(self.attempt.now));
        } else if let Some((expected, next)) = recovery.filter(|(expected, next)| next.version > *expected) {
            self.writes.push(Write::put(Some(expected), &next));
        }
        // Whatever device ends: somebody may have it, and the browsers that were trusted by it.
        let trusts = self.attempt.core.end_trusted_devices(&self.factors.user).await?;
        self.writes.push(trusts);
        self.writes.push(self.next.changed());
        let change = Change::of_all(self.events).map(|change| change.with(self.writes));
        change.ok_or_else(|| ServiceError::Internal("nothing ends".into()))
    }
}
