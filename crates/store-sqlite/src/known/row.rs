//! The row of a known user, in as few bytes as it is written with.

use store::{Id, Owner, Revision, Sealed, User, codec};

use crate::tail::Kept;

/// An owner's row, or that they have none.
pub(super) struct Row {
    /// Account and user, each behind its length; then, of a row, its id, its devices behind their length, and their secrets.
    bytes: Box<[u8]>,
    /// What changes by use; `None` where there is no row.
    kept: Option<Kept>,
}

impl Row {
    /// As it was read.
    pub(super) fn of(owner: &Owner, user: Option<&User>) -> Self {
        let kept = user.and_then(|user| {
            let revision = user.revision?;
            let state = codec::encode_user(user).into();
            Some(Kept { revision, state })
        });
        let user = user.filter(|_| kept.is_some());
        Self {
            bytes: written(owner, user),
            kept,
        }
    }

    /// As it was written, devices and all.
    pub(super) fn written(next: &User, kept: Option<Kept>) -> Self {
        Self {
            bytes: written(&next.owner, Some(next)),
            kept,
        }
    }

    /// Takes what changes by use; false where it is of another row.
    pub(super) fn used(&mut self, next: &User, kept: Option<Kept>) -> bool {
        let is_same = self.revision(&next.owner, next.id).is_some();
        if is_same {
            self.kept = kept;
        }
        is_same
    }

    /// Its revision, where it is this owner's and has this id.
    pub(super) fn revision(&self, owner: &Owner, id: Id) -> Option<Revision> {
        let kept = self.kept.as_ref()?;
        let (of, _) = Reading(&self.bytes).of(owner)?.id()?;
        (of == id).then_some(kept.revision)
    }

    /// The row, where it is this owner's.
    pub(super) fn read(&self, owner: &Owner) -> Option<Option<User>> {
        let rest = Reading(&self.bytes).of(owner)?;
        let Some(kept) = &self.kept else {
            return Some(None);
        };
        let (id, rest) = rest.id()?;
        let (devices, rest) = rest.part()?;
        let devices = codec::decode_devices(devices, owner, rest.secrets()?).ok()?;
        let (states, memo) = codec::decode_user(&kept.state).ok()?;
        Some(Some(User {
            owner: owner.clone(),
            id,
            names_key: None,
            revision: Some(kept.revision),
            devices: codec::joined(devices, states)?,
            memo,
        }))
    }
}

fn written(owner: &Owner, user: Option<&User>) -> Box<[u8]> {
    let mut bytes = Vec::with_capacity(320);
    let mut push = |part: &[u8]| {
        bytes.extend((part.len() as u32).to_le_bytes());
        bytes.extend(part);
    };
    push(owner.account.as_bytes());
    push(owner.user.as_bytes());
    if let Some(user) = user {
        push(user.id.as_bytes());
        push(&codec::encode_devices(user));
        for bound in &user.devices {
            push(&bound.device.sealed.key_id.to_le_bytes());
            push(&bound.device.sealed.bytes);
        }
    }
    bytes.into()
}

/// The bytes of a row as far as they are not read yet.
struct Reading<'a>(&'a [u8]);

impl<'a> Reading<'a> {
    fn part(self) -> Option<(&'a [u8], Self)> {
        let (length, rest) = self.0.split_first_chunk()?;
        let (part, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        Some((part, Self(rest)))
    }

    /// What stands behind the names, if they are this owner's: two owners may have one hash.
    fn of(self, owner: &Owner) -> Option<Self> {
        let (account, rest) = self.part()?;
        let (user, rest) = rest.part()?;
        (account == owner.account.as_bytes() && user == owner.user.as_bytes()).then_some(rest)
    }

    fn id(self) -> Option<(Id, Self)> {
        let (id, rest) = self.part()?;
        Some((Id::from_bytes(id.try_into().ok()?), rest))
    }

    fn secrets(mut self) -> Option<Vec<Sealed>> {
        let mut secrets = Vec::with_capacity(1);
        while !self.0.is_empty() {
            let (key_id, rest) = self.part()?;
            let (bytes, rest) = rest.part()?;
            secrets.push(Sealed {
                key_id: u32::from_le_bytes(key_id.try_into().ok()?),
                bytes: bytes.to_vec(),
            });
            self = rest;
        }
        Some(secrets)
    }
}
