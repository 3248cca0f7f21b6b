//! What an answered login leaves behind: its browser is trusted, its city becomes usual. In the commit of the answer.

use serde_json::json;
use store::{Id, Owner, Protection, Store, StoreError, TrustedDevice, TrustedDevices, UsualCities, Write};
use verify::UnixMs;

use crate::{
    Acceptance, Client, Core, ServiceError,
    access::caller::Origin,
    protection::{
        purpose::ChallengePurpose,
        token::PendingChallenge,
        trust::{TRUST_MS, TRUSTED_MAX},
        trusted_devices::TrustedNames,
        usual_cities::seen,
    },
    trail::{event::NewEvent, names::NamesKey},
    verification::{batch::Round, request::Request, user_batch::UserBatch},
};

/// A user's settings, trusted browsers and usual cities, as read for the answer of a login.
pub(crate) struct LoginRecords {
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

    pub(crate) fn writes(&self) -> impl Iterator<Item = Write> {
        self.trusts.write().into_iter().chain(self.cities.write())
    }

    fn settings(&self, owner: &Owner) -> Protection {
        let settings = self.settings.clone();
        settings.unwrap_or_else(|| Protection::none(owner.clone()))
    }

    /// Of one owner, who answers this challenge; `None` where the answer leaves nothing behind.
    pub(crate) async fn of_one(
        core: &Core,
        challenge: &PendingChallenge,
        trusts_device: bool,
    ) -> Result<Option<Self>, ServiceError> {
        if !leaves_something(challenge, trusts_device) {
            return Ok(None);
        }
        let read = Self::of(&*core.store, &[challenge.owner()]).await?;
        Ok(read.into_iter().flatten().next())
    }

    /// The login's city becomes usual.
    pub(crate) fn city_seen(
        &mut self,
        core: &Core,
        challenge: &PendingChallenge,
        now: UnixMs,
    ) -> Result<(), ServiceError> {
        let Some(city) = &challenge.city else {
            return Ok(());
        };
        let owner = challenge.owner();
        if !self.settings(&owner).suspicious_login_protection.is_on() {
            return Ok(());
        }
        let cities = &mut self.cities;
        let usual = cities.next.get_or_insert_with(|| UsualCities::none(owner, now));
        if seen(&*core.sealer, usual, city, now)? && !cities.changed {
            usual.version += 1;
            cities.changed = true;
        }
        Ok(())
    }

    /// The login's browser is trusted from now on; `false` where the settings do not permit it.
    pub(crate) fn trust(
        &mut self,
        core: &Core,
        challenge: &PendingChallenge,
        place: Place<'_>,
    ) -> Result<bool, ServiceError> {
        let owner = challenge.owner();
        if !self.settings(&owner).allow_trusted_devices {
            return Ok(false);
        }
        let names = TrustedNames {
            client: challenge.client().unwrap_or_default(),
            city: challenge.city.clone(),
        };
        let sealed = match place.names_key {
            Some(key) if names.client != Client::default() => Some(names.sealed(key, &*core.sealer, place.salt)?),
            _ => None,
        };
        let now = place.now;
        let next = self.trusts.next.get_or_insert_with(|| TrustedDevices::none(owner, now));
        // The same browser has one trust, whose wrong codes stay its own; and what is over makes room.
        let before = challenge.trusted_device.and_then(|id| next.device(id));
        let budget = before.map(|before| before.budget).unwrap_or_default();
        next.devices
            .retain(|device| now < device.until && Some(device.id) != challenge.trusted_device);
        next.devices.push(TrustedDevice {
            id: place.decision,
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
        self.trusts.changes();
        Ok(true)
    }
}

/// Where a trust begins: by which decision, and what its names are sealed with.
pub(crate) struct Place<'k> {
    pub(crate) names_key: Option<&'k NamesKey>,
    pub(crate) salt: [u8; 16],
    pub(crate) decision: Id,
    pub(crate) now: UnixMs,
}

/// The event of a browser that is trusted by this decision.
pub(crate) fn trusted(origin: &Origin, decision: Id, now: UnixMs) -> NewEvent<'_> {
    let entry = NewEvent::new("trusted_device.add", "done", origin).of_user();
    let detail = json!({"trusted_device": decision, "until": now.plus(TRUST_MS).get()});
    entry.decision(decision).detail(detail)
}

fn leaves_something(challenge: &PendingChallenge, trusts_device: bool) -> bool {
    let is_login = challenge.purpose == ChallengePurpose::Login;
    is_login && (trusts_device || challenge.city.is_some() || challenge.trusted_device.is_some())
}

impl Request {
    /// The login that it answers, where that is of a trusted browser, or leaves something behind.
    pub(super) fn login(&self) -> Option<&PendingChallenge> {
        let challenge = self.challenge.as_deref()?;
        leaves_something(challenge, self.trusts_device).then_some(challenge)
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
            batch.login_records = records.map(Box::new);
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
        let Some(mut records) = self.login_records.take() else {
            return Ok(());
        };
        records.city_seen(round.core, challenge, round.now)?;
        let mut is_trusted = false;
        if request.trusts_device {
            let place = Place {
                names_key: self.names_key.as_deref(),
                salt: round.salt()?,
                decision: accepted.decision_id,
                now: round.now,
            };
            is_trusted = records.trust(round.core, challenge, place)?;
        }
        self.login_records = Some(records);
        if !is_trusted {
            return Ok(());
        }
        self.tell(round, &trusted(&request.origin, accepted.decision_id, round.now))
    }
}
