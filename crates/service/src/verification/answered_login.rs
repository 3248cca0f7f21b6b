//! What an answered login leaves behind: its browser is trusted, its city becomes usual. In the commit of the answer.

use serde_json::json;
use store::{Owner, Protection, Store, StoreError, TrustedDevice, TrustedDevices, UsualCities, Write};

use crate::{
    Acceptance, Client, Core, ServiceError,
    protection::{
        purpose::ChallengePurpose,
        token::PendingChallenge,
        trust::{TRUST_MS, TRUSTED_MAX},
        trusted_devices::TrustedNames,
        usual_cities::seen,
    },
    trail::event::NewEvent,
    verification::{batch::Round, request::Request, user_batch::UserBatch},
};

/// A user's settings, trusted browsers and usual cities, as read for the answer of a login.
pub(super) struct LoginRecords {
    settings: Option<Protection>,
    pub(super) trusts: Kept<TrustedDevices>,
    cities: Kept<UsualCities>,
}

/// A record that a batch may change.
pub(super) struct Kept<N> {
    read_version: Option<u64>,
    pub(super) next: Option<N>,
    changed: bool,
}

impl<N: store::Noun> Kept<N> {
    fn of(read: Option<N>) -> Self {
        Self {
            read_version: read.as_ref().map(N::version),
            next: read,
            changed: false,
        }
    }

    fn write(&self) -> Option<Write> {
        let next = self.next.as_ref().filter(|_| self.changed)?;
        Some(Write::put(self.read_version, next))
    }
}

impl Kept<TrustedDevices> {
    /// Takes note that it is not as it was read any more.
    pub(super) fn changes(&mut self) {
        if let Some(next) = self.next.as_mut().filter(|_| !self.changed) {
            next.version += 1;
            self.changed = true;
        }
    }
}

impl LoginRecords {
    /// Of each owner. Somebody's that cannot be read make the login leave nothing behind: whoever is right is let in.
    async fn of(store: &dyn Store, owners: &[Owner]) -> Result<Vec<Option<Self>>, StoreError> {
        let read = async {
            let settings = store.protections_of(owners).await?;
            let trusts = store.trusted_devices_of(owners).await?;
            Ok((settings, trusts, store.usual_cities_of(owners).await?))
        };
        let (settings, trusts, cities) = match read.await {
            Ok(read) => read,
            Err(StoreError::Damaged(error)) => {
                tracing::error!(error, "a login's records cannot be read");
                return Ok(owners.iter().map(|_| None).collect());
            }
            Err(error) => return Err(error),
        };
        let all = settings.into_iter().zip(trusts).zip(cities);
        let records = all.map(|((settings, trusts), cities)| {
            Some(Self {
                settings,
                trusts: Kept::of(trusts),
                cities: Kept::of(cities),
            })
        });
        Ok(records.collect())
    }

    pub(super) fn writes(&self) -> impl Iterator<Item = Write> {
        self.trusts.write().into_iter().chain(self.cities.write())
    }

    fn settings(&self, owner: &Owner) -> Protection {
        let settings = self.settings.clone();
        settings.unwrap_or_else(|| Protection::none(owner.clone()))
    }
}

impl Request {
    /// The login that it answers, where that is of a trusted browser, or leaves something behind.
    pub(super) fn login(&self) -> Option<&PendingChallenge> {
        let challenge = self.challenge.as_deref()?;
        let is_login = challenge.purpose == ChallengePurpose::Login;
        let needs_records = self.trusts_device || challenge.city.is_some() || challenge.trusted_device.is_some();
        (is_login && needs_records).then_some(challenge)
    }
}

/// Reads the records of those who answer such a login, and gives the number of these.
pub(super) async fn load_login_records(
    core: &Core,
    requests: &[Request],
    open: &[usize],
    slot_of: &[usize],
    users: &mut [Result<UserBatch<'_>, ServiceError>],
) -> Result<usize, ServiceError> {
    let asked = open.iter().zip(slot_of);
    let asked = asked.filter(|(place, slot)| requests[**place].login().is_some() && users[**slot].is_ok());
    let mut slots: Vec<usize> = asked.map(|(_, slot)| *slot).collect();
    let count = slots.len();
    slots.sort_unstable();
    slots.dedup();
    if slots.is_empty() {
        return Ok(0);
    }
    let owner = |slot: &usize| users[*slot].as_ref().ok().map(|batch| batch.owner.clone());
    let owners: Vec<Owner> = slots.iter().filter_map(owner).collect();
    let records = LoginRecords::of(&*core.store, &owners).await?;
    for (slot, records) in slots.into_iter().zip(records) {
        if let Ok(batch) = &mut users[slot] {
            batch.login_records = records;
        }
    }
    Ok(count)
}

impl UserBatch<'_> {
    /// The login was answered by this decision.
    pub(super) fn login_answered(
        &mut self,
        round: &mut Round<'_>,
        request: &Request,
        accepted: &Acceptance,
    ) -> Result<(), ServiceError> {
        let Some(challenge) = request.login() else {
            return Ok(());
        };
        self.city_seen(round, challenge)?;
        if request.trusts_device {
            self.trust(round, request, challenge, accepted)?;
        }
        Ok(())
    }

    fn city_seen(&mut self, round: &Round<'_>, challenge: &PendingChallenge) -> Result<(), ServiceError> {
        let (Some(records), Some(city)) = (&mut self.login_records, &challenge.city) else {
            return Ok(());
        };
        if !records.settings(self.owner).suspicious_login_protection.is_on() {
            return Ok(());
        }
        let cities = &mut records.cities;
        let none = || UsualCities::none(self.owner.clone(), round.now);
        let usual = cities.next.get_or_insert_with(none);
        if seen(&*round.core.sealer, usual, city, round.now)? && !cities.changed {
            usual.version += 1;
            cities.changed = true;
        }
        Ok(())
    }

    fn trust(
        &mut self,
        round: &mut Round<'_>,
        request: &Request,
        challenge: &PendingChallenge,
        accepted: &Acceptance,
    ) -> Result<(), ServiceError> {
        let (owner, now) = (self.owner, round.now);
        let is_allowed = |records: &&mut LoginRecords| records.settings(owner).allow_trusted_devices;
        let Some(records) = self.login_records.as_mut().filter(is_allowed) else {
            return Ok(());
        };
        let names = TrustedNames {
            client: challenge.client().unwrap_or_default(),
            city: challenge.city.clone(),
        };
        let sealed = match &self.names_key {
            Some(key) if names.client != Client::default() => {
                Some(names.sealed(key, &*round.core.sealer, round.salt()?)?)
            }
            _ => None,
        };
        let trusts = &mut records.trusts;
        let next = trusts
            .next
            .get_or_insert_with(|| TrustedDevices::none(owner.clone(), now));
        // The same browser has one trust, whose wrong codes stay its own; and what is over makes room.
        let before = challenge.trusted_device.and_then(|id| next.device(id));
        let budget = before.map(|before| before.budget).unwrap_or_default();
        next.devices
            .retain(|device| now < device.until && Some(device.id) != challenge.trusted_device);
        next.devices.push(TrustedDevice {
            id: accepted.decision_id,
            since: now,
            until: now.plus(TRUST_MS),
            last_used_at: None,
            seen: 0,
            seen_lately: Vec::new(),
            names: sealed,
            budget,
        });
        let beyond = next.devices.len().saturating_sub(TRUSTED_MAX);
        next.devices.drain(..beyond);
        trusts.changes();
        let entry = NewEvent::new("trusted_device.add", "done", &request.origin).of_user();
        let detail = json!({"trusted_device": accepted.decision_id, "until": now.plus(TRUST_MS).get()});
        let entry = entry.decision(accepted.decision_id).detail(detail);
        self.tell(round, &entry)
    }
}
