//! The hot row of a user: what every verification reads, judges and writes.

use std::collections::HashSet;

use verify::DeviceState;

use crate::{Bound, Device, Id, Owner, Pending, Sealed, Store, Write, change::is_empty};

/// When a [`User`] was last written: the generation of the database, a chain of its trail, and a place in that.
///
/// It is no counter, so that no revision of another history of the same database is taken for one of this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Revision {
    /// 1; to be raised where a database is restored from a copy, which no command does yet.
    pub generation: u32,
    /// The chain whose row made it.
    pub chain: i64,
    /// That row's place in the chain.
    pub position: u64,
}

/// A user of whom the trail says something: their bound devices with the states of these, as one row.
///
/// It is read and written as a whole, so whoever changes a user's factors, and whoever judges a code of theirs, meet here:
/// of two that read the same revision one is [missed](crate::Outcome::Missed).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The owner.
    pub owner: Owner,
    /// UUIDv7, by which the trail means this row; another one when a user comes back after theirs was erased.
    pub id: Id,
    /// The key under which the trail has their addresses and agents. It goes with the row, and they with it, wherever they
    /// stand: crypto-shredding. Only a new row has it here, and only there it is written; of any other [`Users::named`] tells it.
    pub names_key: Option<Sealed>,
    /// As it was read; `None` for a row that is not there yet.
    pub revision: Option<Revision>,
    /// Oldest first.
    pub devices: Vec<Bound>,
    /// The service's memory of this user's last requests; opaque to engines, and often empty.
    pub memo: Vec<u8>,
}

impl User {
    /// The row of somebody who has none yet.
    pub fn new(owner: Owner, id: Id, names_key: Sealed) -> Self {
        Self {
            owner,
            id,
            names_key: Some(names_key),
            revision: None,
            devices: Vec::new(),
            memo: Vec::new(),
        }
    }

    /// The bound device of this id.
    pub fn device(&self, id: Id) -> Option<&Bound> {
        self.devices.iter().find(|bound| bound.device.id == id)
    }

    /// With one more device.
    #[must_use]
    pub fn with_device(mut self, device: Device, state: DeviceState) -> Self {
        self.devices.push(Bound { device, state });
        self.devices.sort_by_key(|bound| bound.device.id);
        self
    }

    /// Without this device.
    #[must_use]
    pub fn without_device(mut self, id: Id) -> Self {
        self.devices.retain(|bound| bound.device.id != id);
        self
    }

    /// With another state of this device.
    #[must_use]
    pub fn with_state(mut self, id: Id, state: DeviceState) -> Self {
        if let Some(bound) = self.devices.iter_mut().find(|bound| bound.device.id == id) {
            bound.state = state;
        }
        self
    }

    /// The write by which only states and memo change, or nothing does: the hot one. It holds while the row is as it was
    /// read.
    pub fn used(self) -> Write {
        let (next, devices) = (Box::new(self), false);
        Write::User { next, devices }
    }

    /// The write by which devices come or go, too.
    pub fn changed(self) -> Write {
        let (next, devices) = (Box::new(self), true);
        Write::User { next, devices }
    }

    /// The write by which the row gets this user's name: the devices have it already, and secrets that are sealed for it. It
    /// holds while the row is as it was read, and nobody has the name.
    pub fn renamed(self, from: Owner) -> Write {
        let next = Box::new(self);
        Write::RenameUser { from, next }
    }

    /// The write by which the row ends, with every document of this user; all secrets of theirs are erased. It holds while
    /// the row is as it was read.
    pub fn erased(self) -> Write {
        Write::EraseUser(Box::new(self))
    }

    /// The secrets of its devices.
    pub fn secrets(&self) -> Vec<Sealed> {
        self.devices.iter().map(|bound| bound.device.sealed.clone()).collect()
    }

    /// The reason why it cannot be the next row, whatever the engine.
    pub(crate) fn fault(&self, devices: bool) -> Option<&'static str> {
        let mut seen = HashSet::new();
        let mut is_new = |bound: &Bound| self.devices.len() == 1 || seen.insert(bound.device.id);
        let name_is_text = |name: &str| !name.contains(char::is_control);
        match () {
            () if self.revision.is_none() && !devices => Some("a user without a row is to be used"),
            () if !self.devices.iter().all(&mut is_new) => Some("a device is there twice"),
            () if self.revision.is_none() && self.names_key.as_ref().is_none_or(is_empty) => {
                Some("a new user has no key for their names")
            }
            () if self.devices.iter().any(|bound| is_empty(&bound.device.sealed)) => {
                Some("a device without a secret is to be bound")
            }
            () if self.devices.iter().any(|bound| bound.device.owner != self.owner) => {
                Some("a device is another user's")
            }
            () if !(name_is_text(&self.owner.account) && name_is_text(&self.owner.user)) => {
                Some("a key has control characters")
            }
            () => None,
        }
    }
}

/// A user by name, whom the trail names by the id of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Account and name.
    pub owner: Owner,
    /// [`User::names_key`].
    pub names_key: Sealed,
}

/// Reading users.
pub trait Users: Send + Sync {
    /// The row of each owner, in the order asked; at least as new as the moment the read began.
    ///
    /// The hot read: an owner without a row costs what an owner with one costs.
    fn users(&self, owners: Vec<Owner>) -> Pending<'_, Vec<Option<User>>>;

    /// The owner of each id's row, in the order asked; `None` for one that was erased.
    fn named(&self, users: Vec<Id>) -> Pending<'_, Vec<Option<Named>>>;

    /// Up to `limit` rows after this owner, in the order of account and user.
    fn users_after(&self, after: Option<Owner>, limit: u32) -> Pending<'_, Vec<User>>;
}

/// Reading users and their devices.
impl dyn Store + '_ {
    /// The row of this owner.
    pub fn user(&self, owner: Owner) -> Pending<'_, Option<User>> {
        let asked = self.users(vec![owner]);
        Box::pin(async move { Ok(asked.await?.pop().flatten()) })
    }

    /// The bound devices of this owner, oldest first.
    pub fn bound(&self, owner: Owner) -> Pending<'_, Vec<Bound>> {
        let asked = self.user(owner);
        Box::pin(async move { Ok(asked.await?.map(|user| user.devices).unwrap_or_default()) })
    }

    /// This bound device of this owner.
    pub fn device(&self, owner: Owner, id: Id) -> Pending<'_, Option<Bound>> {
        let asked = self.bound(owner);
        Box::pin(async move { Ok(asked.await?.into_iter().find(|bound| bound.device.id == id)) })
    }
}
