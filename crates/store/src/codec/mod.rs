//! The encoding of a [`User`] in a row: a format byte, then [postcard](https://postcard.jamesmunns.com/wire-format). What
//! changes by use and what changes by binding are apart, for the first is written at every verification.
//!
//! A user with one device takes about 40 bytes here, and 70 there.

mod shape;

use std::{borrow::Cow, ops::Range};

use serde::{Deserialize, Serialize};
use verify::DeviceState;

use crate::{Bound, Device, Id, Owner, Sealed, StoreError, User};
use shape::{DeviceShape, FirstStateShape, StateShape, UsedShape};

/// The first format, in which a state had no count of wrong codes at checks of identity; still read.
const FIRST: u8 = 1;
const FORMAT: u8 = 2;

/// Where the id of the first device stands, both in what [`encode_user`] and what [`encode_devices`] wrote: behind the format
/// and the number of devices.
pub const FIRST_DEVICE: Range<usize> = 2..18;

/// The part of a user that changes by use: the state of each device, by its id, and the memo.
pub type Used = (Vec<(Id, DeviceState)>, Vec<u8>);

/// Encodes the part of this user that changes by use.
pub fn encode_user(user: &User) -> Vec<u8> {
    encode(&UsedShape {
        devices: user.devices.iter().map(StateShape::of).collect(),
        memo: Cow::Borrowed(&user.memo),
    })
}

/// Decodes the bytes of [`encode_user`].
pub fn decode_user(bytes: &[u8]) -> Result<Used, StoreError> {
    let UsedShape { devices, memo } = match bytes.first() {
        Some(&FIRST) => {
            let UsedShape { devices, memo } = decode::<UsedShape<'_, FirstStateShape>>(bytes)?;
            let devices = devices.into_iter().map(StateShape::from).collect();
            UsedShape { devices, memo }
        }
        _ => decode(bytes)?,
    };
    let states: Option<Vec<_>> = devices.into_iter().map(StateShape::read).collect();
    Ok((states.ok_or_else(damaged)?, memo.into_owned()))
}

/// Encodes the devices of this user, without their states and secrets.
pub fn encode_devices(user: &User) -> Vec<u8> {
    encode(&user.devices.iter().map(DeviceShape::of).collect::<Vec<_>>())
}

/// The devices of [`encode_devices`], each with the secret of its place.
pub fn decode_devices(bytes: &[u8], owner: &Owner, secrets: Vec<Sealed>) -> Result<Vec<Device>, StoreError> {
    let shapes: Vec<DeviceShape<'_>> = decode(bytes)?;
    if shapes.len() != secrets.len() {
        return Err(damaged());
    }
    let devices = shapes.into_iter().zip(secrets);
    let devices: Option<Vec<_>> = devices.map(|(shape, sealed)| shape.read(owner, sealed)).collect();
    devices.ok_or_else(damaged)
}

/// These devices with the state of each; `None` where they are not the same devices.
pub fn joined(devices: Vec<Device>, states: Vec<(Id, DeviceState)>) -> Option<Vec<Bound>> {
    let same = devices
        .iter()
        .map(|device| device.id)
        .eq(states.iter().map(|(id, _)| *id));
    same.then(|| {
        let both = devices.into_iter().zip(states);
        both.map(|(device, (_, state))| Bound { device, state }).collect()
    })
}

/// Several users as one part of a row of the trail: the id of each, a length, and what [`encode_user`] wrote, which is
/// nothing for one who was erased; nothing at all for none.
pub fn join_users<S: AsRef<[u8]>>(users: &[(Id, S)]) -> Vec<u8> {
    let length = users.iter().map(|(_, user)| 20 + user.as_ref().len()).sum();
    let mut out = Vec::with_capacity(length);
    for (id, user) in users {
        let user = user.as_ref();
        out.extend(id.as_bytes());
        out.extend((user.len() as u32).to_le_bytes());
        out.extend(user);
    }
    out
}

/// The users of [`join_users`].
pub fn split_users(mut bytes: &[u8]) -> Result<Vec<(Id, &[u8])>, StoreError> {
    let mut users = Vec::new();
    while !bytes.is_empty() {
        let (id, rest) = bytes.split_first_chunk().ok_or_else(damaged)?;
        let (length, rest) = rest.split_first_chunk().ok_or_else(damaged)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (user, rest) = rest.split_at_checked(length).ok_or_else(damaged)?;
        users.push((Id::from_bytes(*id), user));
        bytes = rest;
    }
    Ok(users)
}

fn damaged() -> StoreError {
    StoreError::Damaged("the row of a user cannot be read".into())
}

fn encode(shape: &impl Serialize) -> Vec<u8> {
    // Room for a user with one device.
    let mut bytes = Vec::with_capacity(96);
    bytes.push(FORMAT);
    // Nothing of these shapes can fail to be written; what is empty cannot be read, and is refused before.
    postcard::to_extend(shape, bytes).unwrap_or_default()
}

fn decode<'b, S: Deserialize<'b>>(bytes: &'b [u8]) -> Result<S, StoreError> {
    let (&format, bytes) = bytes.split_first().ok_or_else(damaged)?;
    if format > FORMAT {
        return Err(StoreError::Damaged(
            "the row of a user was written by a newer version of this program".into(),
        ));
    }
    match postcard::take_from_bytes(bytes) {
        Ok((shape, [])) if format >= FIRST => Ok(shape),
        _ => Err(damaged()),
    }
}
