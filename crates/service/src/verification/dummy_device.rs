//! The dummy device: judged where a user has none, so that nobody can tell by the time it takes.

use otp::{Parameters, Step};
use store::{Bound, Device, Owner, Sealed};
use verify::{Credential, DeviceParts, DeviceState, Kind};

use crate::{
    Core, Ports, ServiceError,
    core::new_id,
    sealing::{Record, credential_of},
};

/// A device of nobody under a secret of its own.
pub(crate) struct DummyDevice(Bound);

impl DummyDevice {
    /// A new one at each start.
    pub(crate) fn new(ports: &Ports) -> Result<Self, ServiceError> {
        let now = ports.clock.now();
        let mut device = Device {
            id: new_id(&*ports.entropy, now)?,
            owner: Owner::new("", ""),
            kind: Kind::Virtual,
            serial_number: None,
            label: String::new(),
            parameters: Parameters::DEFAULT,
            sealed: Sealed {
                key_id: 0,
                bytes: Vec::new(),
            },
            bound_at: now,
        };
        let secret = enroll::new_secret(|bytes| ports.entropy.fill(bytes))?;
        device.sealed = Record::of_device(&device).seal(&*ports.sealer, &secret)?;
        Ok(Self(Bound {
            device,
            state: DeviceState::restored(DeviceParts::bound(Step::new(0), 0, now)),
        }))
    }

    /// Its state: just bound, no code was ever judged.
    pub(crate) fn state(&self) -> &DeviceState {
        &self.0.state
    }

    /// Its secret, keyed and ready to judge.
    pub(crate) fn credential(&self, core: &Core) -> Result<Credential, ServiceError> {
        Ok(credential_of(&self.0.device, &*core.sealer)?)
    }
}
