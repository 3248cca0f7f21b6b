//! The shapes of a user's row: what postcard writes, field by field.

use std::borrow::Cow;

use otp::{Algorithm, Digits, Parameters, Period, Step};
use serde::{Deserialize, Serialize};
use verify::{
    ATTEMPTS_MAX, DeviceParts, DeviceState, DeviceStatus, GuessMac, Kind, LIFTS, LongCount, Moving, Recent,
    SparseThrottle, Throttle, UnixMs, WEEKS,
};

use crate::{Bound, Device, Id, Owner, Sealed};

#[derive(Serialize, Deserialize)]
pub(super) struct UsedShape<'a, S = StateShape> {
    pub(super) devices: Vec<S>,
    #[serde(borrow)]
    pub(super) memo: Cow<'a, [u8]>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StateShape {
    first: FirstStateShape,
    identity: Option<ThrottleShape>,
}

/// A state as the first format had it.
#[derive(Serialize, Deserialize)]
pub(super) struct FirstStateShape {
    id: [u8; 16],
    status: DeviceStatusShape,
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

/// The moving factor of a device: the time, or a counter (RFC 4226).
#[derive(Serialize, Deserialize)]
enum MovingShape {
    Time {
        last_step: Option<u64>,
        measured_offset_steps: i32,
        learned_drift_steps: i32,
        drift_learned_at: Option<i64>,
    },
    Counter {
        last: Option<u64>,
    },
}

impl MovingShape {
    fn of(parts: &DeviceParts) -> Self {
        match parts.moving {
            Moving::Time => Self::Time {
                last_step: parts.last_step.map(Step::get),
                measured_offset_steps: parts.measured_offset_steps,
                learned_drift_steps: parts.learned_drift_steps,
                drift_learned_at: parts.drift_learned_at.map(UnixMs::get),
            },
            Moving::Counter => Self::Counter {
                last: parts.last_step.map(Step::get),
            },
        }
    }
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
pub(super) struct DeviceShape<'a> {
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
    pub(super) fn of(bound: &Bound) -> Self {
        let parts = bound.state.parts();
        let first = FirstStateShape {
            id: bound.device.id.into_bytes(),
            status: match parts.status {
                DeviceStatus::Bound => DeviceStatusShape::Bound,
                DeviceStatus::Lost => DeviceStatusShape::Lost,
            },
            moving: MovingShape::of(parts),
            last_success_at: parts.last_success_at.map(UnixMs::get),
            verification: ThrottleShape::of(&parts.verification),
            unbinding: ThrottleShape::of(&parts.unbinding),
            resync: ThrottleShape::of(&parts.resync),
        };
        Self {
            first,
            identity: ThrottleShape::of(&parts.identity),
        }
    }

    pub(super) fn read(self) -> Option<(Id, DeviceState)> {
        let Self { first, identity } = self;
        let (moving, last_step, measured_offset_steps, learned_drift_steps, drift_learned_at) = match first.moving {
            MovingShape::Time {
                last_step,
                measured_offset_steps,
                learned_drift_steps,
                drift_learned_at,
            } => (
                Moving::Time,
                last_step,
                measured_offset_steps,
                learned_drift_steps,
                drift_learned_at,
            ),
            MovingShape::Counter { last } => (Moving::Counter, last, 0, 0, None),
        };
        let state = DeviceState::restored(DeviceParts {
            status: match first.status {
                DeviceStatusShape::Bound => DeviceStatus::Bound,
                DeviceStatusShape::Lost => DeviceStatus::Lost,
            },
            moving,
            last_step: last_step.map(Step::new),
            measured_offset_steps,
            learned_drift_steps,
            drift_learned_at: drift_learned_at.map(UnixMs::new),
            last_success_at: first.last_success_at.map(UnixMs::new),
            verification: ThrottleShape::read(first.verification)?,
            unbinding: ThrottleShape::read(first.unbinding)?,
            resync: ThrottleShape::read(first.resync)?,
            identity: ThrottleShape::read(identity)?,
        });
        Some((Id::from_bytes(first.id), state))
    }
}

impl From<FirstStateShape> for StateShape {
    fn from(first: FirstStateShape) -> Self {
        Self { first, identity: None }
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
    pub(super) fn of(bound: &'a Bound) -> Self {
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

    pub(super) fn read(self, owner: &Owner, sealed: Sealed) -> Option<Device> {
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
