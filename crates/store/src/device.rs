//! Devices, bound and unbound.

use otp::Parameters;
use serde::{Deserialize, Serialize};
use verify::{DeviceState, Kind, Moving, UnixMs};

use crate::{Id, Key, Noun, Owner, Pending, Sealed, Store, shape};

/// A bound device. What changes by use is apart: [`DeviceState`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// UUIDv7.
    pub id: Id,
    /// The owner.
    pub owner: Owner,
    /// App or token.
    pub kind: Kind,
    /// The serial number on the token's back.
    pub serial_number: Option<String>,
    /// The user's name for it.
    pub label: String,
    /// Algorithm, digits, period.
    pub parameters: Parameters,
    /// The secret.
    pub sealed: Sealed,
    /// When the binding was completed.
    pub bound_at: UnixMs,
}

/// A device and its state, as they stand in the row of their user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The device.
    pub device: Device,
    /// Its state, which changes by use.
    pub state: DeviceState,
}

/// The tombstone of a device: what is left when it was unbound, and its secret erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnboundDevice {
    /// As it was called.
    pub id: Id,
    /// The owner that it had.
    pub owner: Owner,
    /// App or token.
    #[serde(with = "shape::KindName")]
    pub kind: Kind,
    /// The serial number on the token's back.
    pub serial_number: Option<String>,
    /// The user's name for it.
    pub label: String,
    /// Algorithm, digits, period.
    #[serde(with = "shape::parameters")]
    pub parameters: Parameters,
    /// What its codes followed from.
    #[serde(
        default = "shape::by_time",
        with = "shape::MovingName",
        skip_serializing_if = "shape::is_by_time"
    )]
    pub moving: Moving,
    /// When the binding was completed.
    #[serde(rename = "bound_at_ms", with = "shape::ms")]
    pub bound_at: UnixMs,
    /// Its last accepted code.
    #[serde(rename = "last_success_at_ms", with = "shape::optional_ms")]
    pub last_success_at: Option<UnixMs>,
    /// Steps by which its clock was ahead (behind: negative), as measured and learned.
    pub total_offset_steps: i32,
    /// When it ended.
    #[serde(rename = "unbound_at_ms", with = "shape::ms")]
    pub unbound_at: UnixMs,
}

impl UnboundDevice {
    /// Of a device that ends now.
    pub fn of(bound: &Bound, unbound_at: UnixMs) -> Self {
        let Bound { device, state } = bound;
        Self {
            id: device.id,
            owner: device.owner.clone(),
            kind: device.kind,
            serial_number: device.serial_number.clone(),
            label: device.label.clone(),
            parameters: device.parameters,
            moving: state.parts().moving,
            bound_at: device.bound_at,
            last_success_at: state.parts().last_success_at,
            total_offset_steps: state.total_offset_steps(),
            unbound_at,
        }
    }

    fn key_of(owner: &Owner, id: Id) -> Key {
        Key::of_user(owner, Self::NAME, id.to_string())
    }
}

impl Noun for UnboundDevice {
    const NAME: &'static str = "unbound_device";

    fn key(&self) -> Key {
        Self::key_of(&self.owner, self.id)
    }

    fn version(&self) -> u64 {
        1
    }
}

/// Reading tombstones.
impl dyn Store + '_ {
    /// The tombstone of this device of this owner.
    pub fn unbound_device(&self, owner: Owner, id: Id) -> Pending<'_, Option<UnboundDevice>> {
        self.one(UnboundDevice::key_of(&owner, id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{NOW, golden, id, owner};

    #[test]
    fn unbound_device() {
        let device = UnboundDevice {
            id: id(5),
            owner: owner(),
            kind: Kind::Hardware,
            serial_number: Some("CS-000005".into()),
            label: "the token of the safe".into(),
            parameters: Parameters::DEFAULT,
            moving: Moving::Time,
            bound_at: NOW,
            last_success_at: Some(NOW.plus(1)),
            total_offset_steps: -2,
            unbound_at: NOW.plus(UnixMs::DAY),
        };
        golden("token", &device);
        let counter = UnboundDevice {
            moving: Moving::Counter,
            total_offset_steps: 0,
            ..device
        };
        golden("counter_token", &counter);
    }
}
