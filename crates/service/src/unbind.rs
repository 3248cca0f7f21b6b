use otp::Code;
use serde_json::json;
use store::{
    Bound, Change, Enrollment, EnrollmentState, Id, IdentityProof, Outcome, Owner, Protection, Token, UnboundDevice,
    User, Write, audit,
};
use verify::{Purpose, Standing, UnixMs, Verdict, resync};
use zeroize::Zeroizing;

use crate::{
    Core, DeviceView, Factor, Origin, Service, ServiceError,
    core::{Factors, TRIES},
    enrollment::becomes,
    event::Entry,
    factor::{Judged, Spent, judge_factor, locked_error},
    identity::{check_proof, evidence},
    inventory::{becomes_unbound, its_tokens},
    memo::Memo,
    recovery_set,
    sealing::credential_of,
    tally::refuse,
};

impl Service {
    /// Ends a device by a code of it, or by a recovery code: its secret is erased, its record stays.
    pub async fn unbind(&self, owner: &Owner, id: Id, factor: &Factor, origin: &Origin) -> Result<(), ServiceError> {
        let core = &*self.core;
        let _turn = core.turn(owner).await?;
        for _try in 0..TRIES {
            let now = core.clock.now()?;
            let factors = core.factors(owner, now).await?;
            if factors.user.device(id).is_none() {
                return Err(ServiceError::NotFound("bound device"));
            }
            let judged = judge_factor(core, &factors.user, Some(id), factor, "device.unbind", origin, now).await?;
            let change = match judged {
                Judged::Right(spent) => {
                    let mut ending = Ending::of(core, owner, &factors, now).await?;
                    ending.end(id, *spent, origin).await?;
                    ending.change().await?
                }
                Judged::Wrong { writes, event, error } => {
                    let change = Change::of(event).with(writes);
                    if core.commit(vec![change]).await? == [Outcome::Done] {
                        return Err(error);
                    }
                    continue;
                }
            };
            if core.commit(vec![change]).await? == [Outcome::Done] {
                return Ok(());
            }
        }
        Err(ServiceError::Contended)
    }

    /// Ends everything of a user whose account was closed.
    pub async fn close_user(&self, owner: &Owner, origin: &Origin) -> Result<(), ServiceError> {
        let core = &*self.core;
        let _turn = core.turn(owner).await?;
        for _try in 0..TRIES {
            let now = core.clock.now()?;
            let factors = core.factors(owner, now).await?;
            let mut ending = Ending::of(core, owner, &factors, now).await?;
            for bound in &factors.user.devices {
                ending.tombstone(bound.device.id, "user_closed", origin).await?;
            }
            let entry = Entry::new("user.close", "done", origin)
                .of_user()
                .count(factors.user.devices.len() as u64);
            ending.events.push(core.event_of(&factors.user, &entry, now).await?);
            let change = ending.change().await?;
            if core.commit(vec![change]).await? == [Outcome::Done] {
                return Ok(());
            }
        }
        Err(ServiceError::Contended)
    }

    /// Measures a device's clock by two consecutive codes, which are burned. A suspended device needs the
    /// user's identity proved anew as well.
    pub async fn resync(
        &self,
        owner: &Owner,
        id: Id,
        codes: [&Zeroizing<String>; 2],
        identity_proof: Option<&IdentityProof>,
        origin: &Origin,
    ) -> Result<DeviceView, ServiceError> {
        let core = &*self.core;
        let _turn = core.turn(owner).await?;
        for _try in 0..TRIES {
            let now = core.clock.now()?;
            if let Some(proof) = identity_proof {
                check_proof(core, proof, now)?;
            }
            let (user, bound) = find_bound(core, owner, id).await?;
            not_lost(&bound)?;
            let [first, second] = codes.map(|code| Code::parse(code));
            let (Ok(first), Ok(second)) = (first, second) else {
                let why = "two codes of 6 to 8 digits, in the order the device showed them".into();
                return Err(ServiceError::Invalid { field: "codes", why });
            };
            let credential = credential_of(&bound.device, &*core.sealer)?;
            let proven = identity_proof.is_some();
            let judgement = resync(
                &bound.state,
                &credential,
                [&first, &second],
                proven,
                now,
                &core.settings.policy,
            );
            let next = judgement.next;
            let entry = |outcome| Entry::new("device.resync", outcome, origin).of_user().device(id);
            let (entry, told) = match judgement.verdict {
                Verdict::Accepted(_) => (
                    entry("done")
                        .detail(json!({"offset_steps": next.parts().measured_offset_steps, "identity_proof": evidence(identity_proof)})),
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
                            core.settings.policy.search_masked_s(bound.device.parameters.period),
                        )
                        .detail(json!({"identity_proof": evidence(identity_proof)})),
                    Err(ServiceError::CodeRefused {
                        hint: None,
                        attempts_left: None,
                    }),
                ),
                Verdict::Locked(lock) => {
                    core.tally.locked("device.resync", owner, Some(id), 1);
                    return Err(locked_error(lock, now));
                }
            };
            if told.is_err() && next == bound.state {
                refuse(core, &entry, ("device.resync", "repeated"), &user, origin, now).await?;
                return told;
            }
            let change = Change::of(core.event_of(&user, &entry, now).await?).with([user.with_state(id, next).used()]);
            if core.commit(vec![change]).await? == [Outcome::Done] {
                return told;
            }
        }
        Err(ServiceError::Contended)
    }

    /// Support lifts a lock or a suspension. After two within 13 weeks it takes the caller's word that the user's first
    /// factor was changed since, for whoever guesses here has it.
    pub async fn unlock(
        &self,
        owner: &Owner,
        id: Id,
        first_factor_changed_at: Option<UnixMs>,
        origin: &Origin,
    ) -> Result<DeviceView, ServiceError> {
        let core = &*self.core;
        let _turn = core.turn(owner).await?;
        for _try in 0..TRIES {
            let now = core.clock.now()?;
            let (user, bound) = find_bound(core, owner, id).await?;
            not_lost(&bound)?;
            let next = match first_factor_changed_at {
                Some(at) if at > now => {
                    let why = "it lies ahead of this service's clock".into();
                    return Err(ServiceError::Invalid {
                        field: "first_factor_changed_at",
                        why,
                    });
                }
                Some(at) => bound.state.forgiven(at),
                None => bound.state.unlocked(now),
            };
            let next = next.ok_or(ServiceError::FirstFactorUnchanged)?;
            let suspended = |road: &Purpose| bound.state.suspended(*road);
            let lifted: Vec<_> = Purpose::ALL.into_iter().filter(suspended).map(Purpose::name).collect();
            let entry = Entry::new("device.unlock", "done", origin)
                .of_user()
                .device(id)
                .detail(json!({
                    "lifted": lifted,
                    "first_factor_changed_at": first_factor_changed_at.map(UnixMs::get),
                }));
            let change =
                Change::of(core.event_of(&user, &entry, now).await?).with([user.with_state(id, next.clone()).used()]);
            if core.commit(vec![change]).await? == [Outcome::Done] {
                let bound = Bound { state: next, ..bound };
                return Ok(DeviceView::of(&bound, now, &core.settings.policy));
            }
        }
        Err(ServiceError::Contended)
    }
}

/// This device of this user, and the row in which it stands.
async fn find_bound(core: &Core, owner: &Owner, id: Id) -> Result<(User, Bound), ServiceError> {
    let user = core.store.user(owner.clone()).await?;
    let found = user.and_then(|user| user.device(id).cloned().map(|bound| (user, bound)));
    found.ok_or(ServiceError::NotFound("bound device"))
}

/// Found is not offered: nobody wakes a device whose token was lost.
fn not_lost(bound: &Bound) -> Result<(), ServiceError> {
    if bound.state.parts().standing == Standing::Lost {
        let why = "it is not judged again: the user unbinds or replaces it by a recovery code";
        return Err(ServiceError::TokenState { stage: "lost", why });
    }
    Ok(())
}

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
struct Ending<'a> {
    core: &'a Core,
    owner: &'a Owner,
    factors: &'a Factors,
    now: UnixMs,
    /// The row as it becomes.
    next: User,
    writes: Vec<Write>,
    events: Vec<audit::Event>,
    /// A set of recovery codes that paid for it.
    spent: Option<(u64, store::RecoveryCodes)>,
    open: Vec<Enrollment>,
    /// Those that are among the devices.
    tokens: Vec<Token>,
}

impl<'a> Ending<'a> {
    async fn of(core: &'a Core, owner: &'a Owner, factors: &'a Factors, now: UnixMs) -> Result<Self, ServiceError> {
        let open = core.store.open_enrollments(owner.clone()).await?;
        let tokens = its_tokens(core, &factors.user.devices).await?;
        Ok(Self {
            core,
            owner,
            factors,
            now,
            next: factors.user.clone(),
            writes: Vec::new(),
            events: Vec::new(),
            spent: None,
            open,
            tokens,
        })
    }

    /// A device ends by the user's own factor.
    async fn end(&mut self, id: Id, spent: Spent, origin: &Origin) -> Result<(), ServiceError> {
        let because = spent.name();
        self.next = spent.user;
        self.spent = spent.recovery;
        self.tombstone(id, because, origin).await
    }

    async fn tombstone(&mut self, id: Id, because: &str, origin: &Origin) -> Result<(), ServiceError> {
        let bound = self.factors.user.device(id);
        let bound = bound.ok_or_else(|| ServiceError::Internal("a device ends that is not there".into()))?;
        let (next, tombstone) = end_device(self.next.clone(), bound, self.now);
        self.next = next;
        self.writes.push(tombstone);
        let tokens = self.tokens.iter().cloned();
        self.writes
            .extend(tokens.filter_map(|token| becomes_unbound(token, bound, self.now)));
        let entry = Entry::new("device.unbind", "done", origin)
            .of_user()
            .device(id)
            .because(because)
            .detail(json!({"serial_number": bound.device.serial_number}));
        self.events
            .push(self.core.event_of(&self.factors.user, &entry, self.now).await?);
        Ok(())
    }

    /// With the last device, protection, recovery codes and bindings under way end too.
    async fn change(mut self) -> Result<Change, ServiceError> {
        let store = &self.core.store;
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
            self.writes
                .extend(self.factors.become_protected(Protection::none(self.owner.clone())));
        } else if let Some((expected, next)) = recovery.filter(|(expected, next)| next.version > *expected) {
            self.writes.push(Write::put(Some(expected), &next));
        }
        self.writes.push(self.next.changed());
        let change = Change::of_all(self.events).map(|change| change.with(self.writes));
        change.ok_or_else(|| ServiceError::Internal("nothing ends".into()))
    }
}
