//! The browsers that a user trusts: listed, and ended, one or all of them.

use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Change, Id, Owner, Role, SealedNames, TrustedDevices, User, Write};
use verify::UnixMs;

use crate::{
    Caller, Client, Core, Service, ServiceError, ports::Sealer, protection::trust_use::without, trail::names::NamesKey,
};

/// A browser that a user trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedDeviceView {
    /// The trust.
    pub id: Id,
    /// Address and agent when it was trusted, as its caller said.
    pub client: Client,
    /// The city of that address, where it is known.
    pub city: Option<String>,
    /// When the user was checked in it.
    pub since: UnixMs,
    /// When the trust ends.
    pub until: UnixMs,
    /// When it last stood in for a check.
    pub last_used_at: Option<UnixMs>,
}

/// Who a trusted browser is.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct TrustedNames {
    #[serde(flatten)]
    pub(crate) client: Client,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) city: Option<String>,
}

impl TrustedNames {
    pub(crate) fn sealed(
        &self,
        key: &NamesKey,
        sealer: &dyn Sealer,
        salt: [u8; 16],
    ) -> Result<SealedNames, ServiceError> {
        let text = key.seal_text(sealer, &salt, self)?;
        Ok(SealedNames { salt, text })
    }

    pub(crate) fn unsealed(key: &NamesKey, sealer: &dyn Sealer, sealed: &SealedNames) -> Option<Self> {
        serde_json::from_str(&key.unseal(sealer, &sealed.salt, &sealed.text)?).ok()
    }
}

impl Service {
    /// The browsers that a user trusts now, the oldest first.
    pub async fn trusted_devices(
        &self,
        caller: &Caller,
        owner: &Owner,
    ) -> Result<Vec<TrustedDeviceView>, ServiceError> {
        caller.may_for(&[Role::Enroll], owner)?;
        let core = &*self.core;
        let now = core.clock.now()?;
        let trusts = core.store.trusted_devices(owner).await?;
        let (Some(trusts), Some(user)) = (trusts, core.store.user(owner.clone()).await?) else {
            return Ok(Vec::new());
        };
        let key = core.names_key(&user).await?;
        let living = trusts.devices.into_iter().filter(|device| now < device.until);
        let view = living.map(|device| {
            let names = key.as_ref().zip(device.names.as_ref());
            let names = names.and_then(|(key, names)| TrustedNames::unsealed(key, &*core.sealer, names));
            let TrustedNames { client, city } = names.unwrap_or_default();
            TrustedDeviceView {
                id: device.id,
                client,
                city,
                since: device.since,
                until: device.until,
                last_used_at: device.last_used_at,
            }
        });
        Ok(view.collect())
    }

    /// Ends the trust in one browser, or in all of a user: they are asked again at the next login.
    pub async fn end_trust(&self, caller: &Caller, owner: &Owner, only: Option<Id>) -> Result<(), ServiceError> {
        caller.may_for(&[Role::Enroll], owner)?;
        let core = &*self.core;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let trusts = core.store.trusted_devices(owner).await?;
            let user = core.store.user(owner.clone()).await?;
            let (Some(trusts), Some(user)) = (trusts, user) else {
                return nothing_ends(only);
            };
            if only.is_some_and(|id| trusts.device(id).is_none()) {
                return nothing_ends(only);
            }
            let count = only.map_or(trusts.devices.len(), |_| 1);
            let entry = attempt.entry("trusted_device.end", "done").of_user();
            let entry = entry.count(count as u64).detail(json!({"trusted_device": only}));
            let event = attempt.event_of(&user, &entry).await?;
            let write = match only {
                Some(id) => without(trusts, id),
                None => all_end(owner, Some(&trusts)),
            };
            if let Some(done) = attempt.commit(Change::of(event).with([write]), ()).await? {
                return Ok(done);
            }
        }
    }
}

fn nothing_ends(only: Option<Id>) -> Result<(), ServiceError> {
    match only {
        Some(_) => Err(ServiceError::NotFound("trusted device")),
        None => Ok(()),
    }
}

/// The write by which every trust of a user ends, or none begins meanwhile where there is none.
fn all_end(owner: &Owner, trusts: Option<&TrustedDevices>) -> Write {
    let key = TrustedDevices::key_of(owner);
    match trusts {
        Some(trusts) => Write::Delete {
            expected: trusts.version,
            key,
        },
        None => Write::Require { expected: None, key },
    }
}

impl Core {
    /// The write by which every trust of a user ends, in the commit of what ends them: unbinding, replacing, signing out
    /// everywhere. A trust that is used, or given, at the same time misses, or is ended with the rest.
    pub(crate) async fn end_trusted_devices(&self, user: &User) -> Result<Write, ServiceError> {
        let trusts = self.store.trusted_devices(&user.owner).await?;
        Ok(all_end(&user.owner, trusts.as_ref()))
    }
}
