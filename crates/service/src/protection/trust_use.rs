//! A browser presents the token of its trust, which stands in for a check, or is found to be a copy.

use serde_json::json;
use store::{Change, Id, Owner, TrustedDevice, TrustedDevices, User, Write};
use verify::{Lock, UnixMs};

use crate::{
    Client, Core, ServiceError,
    attempt::Attempt,
    protection::{
        decision::{Decision, Ground},
        token::PendingChallenge,
        trust::{Presented, TrustToken, present},
        trusted_devices::TrustedNames,
    },
};

/// A trust that lives.
#[derive(Clone, Copy)]
pub(crate) struct LivingTrust {
    pub(crate) token: TrustToken,
    /// The lock of its own road (A2).
    pub(crate) lock: Option<Lock>,
}

impl Core {
    /// The trust that this token stands for, if it lives. A copy of a token ends its trust, which the trail says.
    pub(crate) async fn presented(
        &self,
        attempt: &Attempt<'_>,
        user: Option<&User>,
        text: Option<&str>,
    ) -> Result<Option<LivingTrust>, ServiceError> {
        let token = text.and_then(|text| TrustToken::read(text, &*self.sealer));
        let (Some(token), Some(user)) = (token, user) else {
            return Ok(None);
        };
        let mut attempts = self.attempts(attempt.origin);
        loop {
            let attempt = attempts.next()?;
            match self.judged(&user.owner, token, attempt.now).await? {
                None | Some((_, Presented::Dead)) => return Ok(None),
                Some((_, Presented::Living(device))) => {
                    let lock = device.budget.lock(attempt.now);
                    return Ok(Some(LivingTrust { token, lock }));
                }
                Some((trusts, Presented::Theft)) => {
                    let entry = attempt.entry("trusted_device.theft", "done").of_user();
                    let entry = entry.detail(json!({"trusted_device": token.device, "number": token.number}));
                    let event = attempt.event_of(user, &entry).await?;
                    let write = without(trusts, token.device);
                    if attempt.commit(Change::of(event).with([write]), ()).await?.is_some() {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Lets a trust stand in for the check of this challenge, by a commit in which it still lives. Gives the browser's next
    /// token; `None` where the trust ended meanwhile.
    pub(crate) async fn trust_used(
        &self,
        attempt: &Attempt<'_>,
        pending: &PendingChallenge,
        user: &User,
        token: TrustToken,
    ) -> Result<Option<String>, ServiceError> {
        let mut attempts = self.attempts(attempt.origin);
        loop {
            let attempt = attempts.next()?;
            let Some((trusts, Presented::Living(next))) = self.judged(&user.owner, token, attempt.now).await? else {
                return Ok(None);
            };
            let number = next.seen.saturating_add(1);
            let is_other = self.is_other_agent(user, &next, attempt.origin.client.as_ref()).await?;
            let mut detail = pending.detail();
            detail["audience"] = json!(pending.audience);
            detail["ground"] = json!(Ground::TrustedDevice.name());
            detail["trusted_device"] = json!(token.device);
            detail["other_agent"] = json!(is_other);
            let entry = attempt.entry("challenge.decide", Decision::Allow.name()).of_user();
            let entry = entry.because(Ground::TrustedDevice.name()).decision(pending.id);
            let event = attempt.event_of(user, &entry.detail(detail)).await?;
            let change = Change::of(event).with([with(trusts, *next)]);
            if attempt.commit(change, ()).await?.is_some() {
                let next = TrustToken { number, ..token };
                return Ok(Some(next.text(&*self.sealer)?));
            }
        }
    }

    /// The first token of the trust that this decision gave; `None` where it gave none.
    pub(crate) async fn first_trust_token(&self, owner: &Owner, decision: Id) -> Result<Option<String>, ServiceError> {
        let trusts = self.store.trusted_devices(owner).await?;
        if trusts.is_none_or(|trusts| trusts.device(decision).is_none()) {
            return Ok(None);
        }
        Ok(Some(TrustToken::first(decision).text(&*self.sealer)?))
    }

    async fn judged(
        &self,
        owner: &Owner,
        token: TrustToken,
        now: UnixMs,
    ) -> Result<Option<(TrustedDevices, Presented)>, ServiceError> {
        let trusts = self.store.trusted_devices(owner).await?;
        Ok(trusts.and_then(|trusts| {
            let judged = present(trusts.device(token.device)?, token.number, now);
            Some((trusts, judged))
        }))
    }

    /// Whether the browser calls itself something else than when it was trusted: browsers are renewed, so it is only told.
    async fn is_other_agent(
        &self,
        user: &User,
        device: &TrustedDevice,
        client: Option<&Client>,
    ) -> Result<bool, ServiceError> {
        let Some(agent) = client.and_then(|client| client.user_agent.as_ref()) else {
            return Ok(false);
        };
        let key = self.names_key(user).await?;
        let names = key.and_then(|key| TrustedNames::unsealed(&key, &*self.sealer, device.names.as_ref()?));
        let before = names.and_then(|names| names.client.user_agent);
        Ok(before.is_some_and(|before| before != *agent))
    }
}

fn with(trusts: TrustedDevices, device: TrustedDevice) -> Write {
    changed(trusts, |devices| {
        if let Some(old) = devices.iter_mut().find(|old| old.id == device.id) {
            *old = device;
        }
    })
}

/// The write by which one trust ends.
pub(crate) fn without(trusts: TrustedDevices, device: Id) -> Write {
    changed(trusts, |devices| devices.retain(|old| old.id != device))
}

fn changed(mut trusts: TrustedDevices, change: impl FnOnce(&mut Vec<TrustedDevice>)) -> Write {
    let expected = trusts.version;
    change(&mut trusts.devices);
    trusts.version += 1;
    Write::put(Some(expected), &trusts)
}
