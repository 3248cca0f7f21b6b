//! How a [`User`] stands in a row: a format byte, then [postcard](https://postcard.jamesmunns.com/wire-format). What
//! changes by use and what changes by binding are apart, for the first is written at every verification.
//!
//! A user with one device takes about 40 bytes here, and 70 there.

use std::borrow::Cow;

use otp::{Algorithm, Digits, Parameters, Period, Step};
use serde::{Deserialize, Serialize};
use verify::{
    ATTEMPTS_MAX, DeviceParts, DeviceState, DeviceStatus, GuessMac, Kind, LIFTS, LongCount, Recent, SparseThrottle,
    Throttle, UnixMs, WEEKS,
};

use crate::{Bound, Device, Id, Owner, Sealed, StoreError, User};

const FORMAT: u8 = 1;

/// What of a user changes by use: the state of each device, by its id, and the memo.
pub type Used = (Vec<(Id, DeviceState)>, Vec<u8>);

/// What of this user changes by use.
pub fn encode_user(user: &User) -> Vec<u8> {
    encode(&UsedShape {
        devices: user.devices.iter().map(StateShape::of).collect(),
        memo: Cow::Borrowed(&user.memo),
    })
}

/// What [`encode_user`] wrote.
pub fn decode_user(bytes: &[u8]) -> Result<Used, StoreError> {
    let shape: UsedShape<'_> = decode(bytes)?;
    let states: Option<Vec<_>> = shape.devices.into_iter().map(StateShape::read).collect();
    Ok((states.ok_or_else(damaged)?, shape.memo.into_owned()))
}

/// The devices of this user, without their states and secrets.
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
    // Nothing of these shapes can fail to be written; what is empty cannot be read, and is refused before.
    postcard::to_extend(shape, vec![FORMAT]).unwrap_or_default()
}

fn decode<'b, S: Deserialize<'b>>(bytes: &'b [u8]) -> Result<S, StoreError> {
    let (&format, bytes) = bytes.split_first().ok_or_else(damaged)?;
    if format > FORMAT {
        return Err(StoreError::Damaged(
            "the row of a user was written by a newer version of this program".into(),
        ));
    }
    match postcard::take_from_bytes(bytes) {
        Ok((shape, [])) if format == FORMAT => Ok(shape),
        _ => Err(damaged()),
    }
}

#[derive(Serialize, Deserialize)]
struct UsedShape<'a> {
    devices: Vec<StateShape>,
    #[serde(borrow)]
    memo: Cow<'a, [u8]>,
}

#[derive(Serialize, Deserialize)]
struct StateShape {
    id: [u8; 16],
    standing: DeviceStatusShape,
    moving: MovingShape,
    last_success_at: Option<i64>,
    verification: Option<ThrottleShape>,
    unbinding: Option<ThrottleShape>,
    resync: Option<ThrottleShape>,
}

#[derive(Serialize, Deserialize)]
enum DeviceStatusShape {
    Bound,
    Lost,
}

/// What a code is computed of. A token that counts (RFC 4226) is to be the next one.
#[derive(Serialize, Deserialize)]
enum MovingShape {
    Time {
        last_step: Option<u64>,
        measured_offset_steps: i32,
        learned_drift_steps: i32,
        drift_learned_at: Option<i64>,
    },
}

#[derive(Serialize, Deserialize)]
struct ThrottleShape {
    /// The newest of the recent wrong codes, and by how many milliseconds each older one was before the one after it.
    newest: Option<i64>,
    gaps: Vec<u64>,
    lock_count: u32,
    since_success: u32,
    locked_until: Option<i64>,
    last_wrong: Option<u32>,
    long: Option<(u32, [u16; WEEKS])>,
    suspended_at: Option<i64>,
    lifted: [Option<u32>; LIFTS as usize],
}

#[derive(Serialize, Deserialize)]
struct DeviceShape<'a> {
    id: [u8; 16],
    hardware: bool,
    #[serde(borrow)]
    serial_number: Option<Cow<'a, str>>,
    #[serde(borrow)]
    label: Cow<'a, str>,
    algorithm: AlgorithmShape,
    digits: u8,
    period_s: u32,
    bound_at: i64,
}

#[derive(Serialize, Deserialize)]
enum AlgorithmShape {
    Sha1,
    Sha256,
    Sha512,
}

impl StateShape {
    fn of(bound: &Bound) -> Self {
        let parts = bound.state.parts();
        Self {
            id: bound.device.id.into_bytes(),
            standing: match parts.standing {
                DeviceStatus::Bound => DeviceStatusShape::Bound,
                DeviceStatus::Lost => DeviceStatusShape::Lost,
            },
            moving: MovingShape::Time {
                last_step: parts.last_step.map(Step::get),
                measured_offset_steps: parts.measured_offset_steps,
                learned_drift_steps: parts.learned_drift_steps,
                drift_learned_at: parts.drift_learned_at.map(UnixMs::get),
            },
            last_success_at: parts.last_success_at.map(UnixMs::get),
            verification: ThrottleShape::of(&parts.verification),
            unbinding: ThrottleShape::of(&parts.unbinding),
            resync: ThrottleShape::of(&parts.resync),
        }
    }

    fn read(self) -> Option<(Id, DeviceState)> {
        let MovingShape::Time {
            last_step,
            measured_offset_steps,
            learned_drift_steps,
            drift_learned_at,
        } = self.moving;
        let state = DeviceState::restored(DeviceParts {
            standing: match self.standing {
                DeviceStatusShape::Bound => DeviceStatus::Bound,
                DeviceStatusShape::Lost => DeviceStatus::Lost,
            },
            last_step: last_step.map(Step::new),
            measured_offset_steps,
            learned_drift_steps,
            drift_learned_at: drift_learned_at.map(UnixMs::new),
            last_success_at: self.last_success_at.map(UnixMs::new),
            verification: ThrottleShape::read(self.verification)?,
            unbinding: ThrottleShape::read(self.unbinding)?,
            resync: ThrottleShape::read(self.resync)?,
        });
        Some((Id::from_bytes(self.id), state))
    }
}

impl ThrottleShape {
    /// `None` for one that counts nothing, as most do.
    fn of(budget: &SparseThrottle) -> Option<Self> {
        if *budget == SparseThrottle::default() {
            return None;
        }
        let times: Vec<UnixMs> = budget.recent.times().collect();
        let gaps = times.windows(2).map(|pair| pair[0].since(pair[1]));
        let LongCount { week, counts } = budget.long;
        Some(Self {
            newest: times.first().map(|time| time.get()),
            gaps: gaps.map(|gap| u64::try_from(gap).unwrap_or(0)).collect(),
            lock_count: budget.lock_count,
            since_success: budget.since_success,
            locked_until: budget.locked_until.map(UnixMs::get),
            last_wrong: budget.last_wrong.map(|GuessMac(mac)| mac),
            long: (budget.long != LongCount::default()).then_some((week, counts)),
            suspended_at: budget.suspended_at.map(UnixMs::get),
            lifted: budget.lifted,
        })
    }

    fn read(shape: Option<Self>) -> Option<SparseThrottle> {
        let Some(shape) = shape else {
            return Some(SparseThrottle::default());
        };
        let mut times: Vec<UnixMs> = shape.newest.map(UnixMs::new).into_iter().collect();
        if shape.gaps.len() + times.len() > ATTEMPTS_MAX || (times.is_empty() && !shape.gaps.is_empty()) {
            return None;
        }
        for gap in shape.gaps {
            let earlier = times.last()?.plus(-i64::try_from(gap).ok()?);
            times.push(earlier);
        }
        let long = shape.long.map(|(week, counts)| LongCount { week, counts });
        let budget = Throttle {
            recent: Recent::of(times),
            lock_count: shape.lock_count,
            since_success: shape.since_success,
            locked_until: shape.locked_until.map(UnixMs::new),
            last_wrong: shape.last_wrong.map(GuessMac),
            long: long.unwrap_or_default(),
            suspended_at: shape.suspended_at.map(UnixMs::new),
            lifted: shape.lifted,
        };
        Some(budget.into())
    }
}

impl<'a> DeviceShape<'a> {
    fn of(bound: &'a Bound) -> Self {
        let device = &bound.device;
        Self {
            id: device.id.into_bytes(),
            hardware: device.kind == Kind::Hardware,
            serial_number: device.serial_number.as_deref().map(Cow::Borrowed),
            label: Cow::Borrowed(&device.label),
            algorithm: match device.parameters.algorithm {
                Algorithm::Sha1 => AlgorithmShape::Sha1,
                Algorithm::Sha256 => AlgorithmShape::Sha256,
                Algorithm::Sha512 => AlgorithmShape::Sha512,
            },
            digits: device.parameters.digits.get(),
            period_s: device.parameters.period.get_s(),
            bound_at: device.bound_at.get(),
        }
    }

    fn read(self, owner: &Owner, sealed: Sealed) -> Option<Device> {
        Some(Device {
            id: Id::from_bytes(self.id),
            owner: owner.clone(),
            kind: if self.hardware { Kind::Hardware } else { Kind::Virtual },
            serial_number: self.serial_number.map(Cow::into_owned),
            label: self.label.into_owned(),
            parameters: Parameters {
                algorithm: match self.algorithm {
                    AlgorithmShape::Sha1 => Algorithm::Sha1,
                    AlgorithmShape::Sha256 => Algorithm::Sha256,
                    AlgorithmShape::Sha512 => Algorithm::Sha512,
                },
                digits: Digits::new(self.digits)?,
                period: Period::new_s(self.period_s)?,
            },
            sealed,
            bound_at: UnixMs::new(self.bound_at),
        })
    }
}
