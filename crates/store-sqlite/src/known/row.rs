//! The row of a known user, in as few bytes as it needs.

use store::{Id, Owner, Revision, Sealed, User, codec};

use crate::tail::Kept;

/// An owner's row, or that they have none: account and user, each behind its length; then, of a row, its id, its devices and
/// their secrets behind their length, its revision, and what changes by use.
pub(super) struct Row<'a>(pub(super) &'a [u8]);

/// That this owner has no row.
pub(super) fn absent(owner: &Owner) -> Vec<u8> {
    let mut row = Writing(Vec::with_capacity(64));
    row.part(owner.account.as_bytes());
    row.part(owner.user.as_bytes());
    row.0
}

/// The row of this user, devices and all.
pub(super) fn present(user: &User, kept: &Kept) -> Vec<u8> {
    let devices = codec::encode_devices(user);
    let mut bound = Writing(Vec::with_capacity(192));
    bound.part(&devices);
    for one in &user.devices {
        bound.number(one.device.sealed.key_id.into());
        bound.part(&one.device.sealed.bytes);
    }
    let mut row = Writing(absent(&user.owner));
    row.0.reserve(256);
    row.0.extend(user.id.as_bytes());
    row.part(&bound.0);
    row.kept(kept, &devices);
    row.0
}

impl<'a> Row<'a> {
    /// Account and user.
    pub(super) fn names(&self) -> Option<(&'a [u8], &'a [u8])> {
        let (account, rest) = Reading(self.0).part()?;
        let (user, _) = rest.part()?;
        Some((account, user))
    }

    /// Behind the names: id, devices with secrets, and what changes by use; `Some(None)` where the owner has no row.
    fn rest(&self) -> Option<Option<(Id, &'a [u8], Reading<'a>)>> {
        let (_account, rest) = Reading(self.0).part()?;
        let (_user, rest) = rest.part()?;
        if rest.0.is_empty() {
            return Some(None);
        }
        let (id, rest) = rest.0.split_first_chunk()?;
        let (bound, used) = Reading(rest).part()?;
        Some(Some((Id::from_bytes(*id), bound, used)))
    }

    /// Its revision, where it has this id.
    pub(super) fn revision(&self, id: Id) -> Option<Revision> {
        let (of, _, used) = self.rest()??;
        let (revision, _) = used.revision()?;
        (of == id).then_some(revision)
    }

    /// It with what changes by use; `None` where it is another user's.
    pub(super) fn used(&self, id: Id, kept: &Kept) -> Option<Vec<u8>> {
        let (of, bound, used) = self.rest()??;
        if of != id {
            return None;
        }
        let (devices, _) = Reading(bound).part()?;
        let mut row = Writing(Vec::with_capacity(self.0.len() + 64));
        row.0.extend(&self.0[..self.0.len() - used.0.len()]);
        row.kept(kept, devices);
        Some(row.0)
    }

    /// The row, of which the owner is known.
    pub(super) fn read(&self, owner: &Owner) -> Option<Option<User>> {
        let Some((id, bound, used)) = self.rest()? else {
            return Some(None);
        };
        let (encoded, rest) = Reading(bound).part()?;
        let devices = codec::decode_devices(encoded, owner, rest.secrets()?).ok()?;
        let (revision, state) = used.revision()?;
        let (states, memo) = state.state(encoded)?;
        Some(Some(User {
            owner: owner.clone(),
            id,
            names_key: None,
            revision: Some(revision),
            devices: codec::joined(devices, states)?,
            memo,
        }))
    }
}

struct Writing(Vec<u8>);

impl Writing {
    /// Seven bits a byte, the lowest first; the last byte is below 128.
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn part(&mut self, part: &[u8]) {
        self.number(part.len() as u64);
        self.0.extend(part);
    }

    /// Revision and state; the id of the first device is left out of the state, for it stands among the devices.
    fn kept(&mut self, kept: &Kept, devices: &[u8]) {
        self.number(kept.revision.generation.into());
        self.number(kept.revision.chain.cast_unsigned());
        self.number(kept.revision.position);
        let id = codec::FIRST_DEVICE;
        let is_left_out = devices.len() >= id.end && kept.state.get(id.clone()) == devices.get(id.clone());
        self.0.push(is_left_out.into());
        match is_left_out {
            true => {
                self.0.extend(&kept.state[..id.start]);
                self.0.extend(&kept.state[id.end..]);
            }
            false => self.0.extend(&kept.state),
        }
    }
}

/// The bytes of a row as far as they are not read yet.
struct Reading<'a>(&'a [u8]);

impl<'a> Reading<'a> {
    fn number(self) -> Option<(u64, Self)> {
        let mut number = 0;
        for (index, byte) in self.0.iter().enumerate() {
            number |= u64::from(byte & 0x7f).checked_shl(7 * index as u32)?;
            if *byte < 0x80 {
                return Some((number, Self(&self.0[index + 1..])));
            }
        }
        None
    }

    fn part(self) -> Option<(&'a [u8], Self)> {
        let (length, rest) = self.number()?;
        let (part, rest) = rest.0.split_at_checked(usize::try_from(length).ok()?)?;
        Some((part, Self(rest)))
    }

    fn revision(self) -> Option<(Revision, Self)> {
        let (generation, rest) = self.number()?;
        let (chain, rest) = rest.number()?;
        let (position, rest) = rest.number()?;
        let revision = Revision {
            generation: u32::try_from(generation).ok()?,
            chain: chain.cast_signed(),
            position,
        };
        Some((revision, rest))
    }

    fn state(self, devices: &[u8]) -> Option<codec::Used> {
        let (&is_left_out, state) = self.0.split_first()?;
        if is_left_out == 0 {
            return codec::decode_user(state).ok();
        }
        let id = codec::FIRST_DEVICE;
        let (before, after) = state.split_at_checked(id.start)?;
        codec::decode_user(&[before, devices.get(id)?, after].concat()).ok()
    }

    fn secrets(mut self) -> Option<Vec<Sealed>> {
        let mut secrets = Vec::with_capacity(1);
        while !self.0.is_empty() {
            let (key_id, rest) = self.number()?;
            let (bytes, rest) = rest.part()?;
            secrets.push(Sealed {
                key_id: u32::try_from(key_id).ok()?,
                bytes: bytes.to_vec(),
            });
            self = rest;
        }
        Some(secrets)
    }
}
