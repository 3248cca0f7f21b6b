use otp::Parameters;
use verify::{DeviceState, Kind, UnixMs};

use crate::{Id, Owner, Pending, Sealed};

/// A bound device, or the tombstone of one. What changes by use is apart: [`DeviceState`].
#[derive(Clone)]
pub struct Device {
    /// UUIDv7.
    pub id: Id,
    /// Whose.
    pub owner: Owner,
    /// App or token.
    pub kind: Kind,
    /// What stands on the token's back.
    pub serial_number: Option<String>,
    /// What the user calls it.
    pub label: String,
    /// Algorithm, digits, period.
    pub parameters: Parameters,
    /// The secret; `None` once unbound, for good.
    pub sealed: Option<Sealed>,
    /// When the binding was completed.
    pub bound_at: UnixMs,
    /// When it became a tombstone.
    pub unbound_at: Option<UnixMs>,
}

/// A device and its state, as read together.
#[derive(Clone)]
pub struct Bound {
    /// The cold record.
    pub device: Device,
    /// The hot one, at least as new as the moment the read began.
    pub state: DeviceState,
}

/// Reading devices.
pub trait Devices: Send + Sync {
    /// The bound devices of each owner, in the order asked, oldest first; tombstones are left out.
    ///
    /// The hot read: an owner without a device costs what an owner with one costs.
    fn bound(&self, owners: Vec<Owner>) -> Pending<'_, Vec<Vec<Bound>>>;

    /// Up to `limit` bound devices of all owners after this one, in the order of account, user and id.
    fn devices(&self, after: Option<(Owner, Id)>, limit: u32) -> Pending<'_, Vec<Bound>>;

    /// One device of this owner, tombstone or not.
    fn device(&self, owner: Owner, id: Id) -> Pending<'_, Option<Bound>>;
}
