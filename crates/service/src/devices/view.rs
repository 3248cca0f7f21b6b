//! A user's devices and protection, as they are shown.

use store::{Bound, ClosingState, Id, Owner, Protection, UnboundDevice};
use verify::{DeviceStatus, Kind, Lock, Moving, Policy, Purpose, UnixMs};

use crate::{Caller, Role, Service, ServiceError, upkeep::vouch::refused_until};

/// A device as a console shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceView {
    /// UUIDv7.
    pub id: Id,
    /// App or token.
    pub kind: Kind,
    /// The serial number on a token's back.
    pub serial_number: Option<String>,
    /// What its codes follow from: the time, or its counter.
    pub moving: Moving,
    /// The user's name for it.
    pub label: String,
    /// Bound or lost; what it last was, where it is unbound.
    pub status: DeviceStatus,
    /// The roads on which nothing is judged until somebody acts.
    pub suspended: Vec<Purpose>,
    /// When it was bound.
    pub bound_at: UnixMs,
    /// When it was unbound.
    pub unbound_at: Option<UnixMs>,
    /// Its last accepted code.
    pub last_success_at: Option<UnixMs>,
    /// Nothing is verified before.
    pub locked_until: Option<UnixMs>,
    /// Each of its codes is refused before, for its last one is of a time to come: the service's clock was ahead.
    pub refused_until: Option<UnixMs>,
    /// The offset of its clock, in steps: measured and learned.
    pub drift_steps: i32,
}

impl DeviceView {
    pub(crate) fn of(bound: &Bound, now: UnixMs, policy: &Policy) -> Self {
        let Bound { device, state } = bound;
        let locked_until = state.lock(Purpose::Verification, now).and_then(Lock::until);
        Self {
            id: device.id,
            kind: device.kind,
            serial_number: device.serial_number.clone(),
            moving: state.parts().moving,
            label: device.label.clone(),
            status: state.parts().status,
            suspended: Purpose::ALL.into_iter().filter(|road| state.suspended(*road)).collect(),
            bound_at: device.bound_at,
            unbound_at: None,
            last_success_at: state.parts().last_success_at,
            locked_until,
            refused_until: refused_until(bound, now, policy),
            drift_steps: state.total_offset_steps(),
        }
    }

    fn of_unbound(device: &UnboundDevice) -> Self {
        Self {
            id: device.id,
            kind: device.kind,
            serial_number: device.serial_number.clone(),
            moving: device.moving,
            label: device.label.clone(),
            status: DeviceStatus::Bound,
            suspended: Vec::new(),
            bound_at: device.bound_at,
            unbound_at: Some(device.unbound_at),
            last_success_at: device.last_success_at,
            locked_until: None,
            refused_until: None,
            drift_steps: device.total_offset_steps,
        }
    }
}

/// A user's factors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserView {
    /// The bound ones, oldest first.
    pub devices: Vec<DeviceView>,
    /// A further one may be bound beside them.
    pub may_have_another: bool,
    /// When the first of them is verified again, if all are locked.
    pub locked_until: Option<UnixMs>,
    /// Recovery codes that can still be spent.
    pub recovery_codes_left: usize,
    /// Where a factor is asked for.
    pub protection: Protection,
    /// They are closing, until then (P9).
    pub closing_ends_at: Option<UnixMs>,
}

impl Service {
    /// A user's factors; empty for a user we never heard of, for we keep no directory.
    pub async fn user(&self, caller: &Caller, owner: &Owner) -> Result<UserView, ServiceError> {
        caller.may_for(&[Role::Enroll, Role::Support], owner)?;
        let core = &*self.core;
        let now = core.clock.now()?;
        let bound = core.store.bound(owner.clone()).await?;
        let devices: Vec<_> = bound
            .iter()
            .map(|bound| DeviceView::of(bound, now, &core.settings.policy))
            .collect();
        let locks: Option<Vec<UnixMs>> = devices.iter().map(|device| device.locked_until).collect();
        let recovery = core.store.recovery_codes(owner.clone()).await?;
        let protection = core.store.protection(owner.clone()).await?;
        let closing = core.store.closing(owner).await?;
        let closing = closing.filter(|closing| closing.state == ClosingState::Closing);
        Ok(UserView {
            may_have_another: devices.len() < core.settings.devices_max,
            locked_until: locks.and_then(|locks| locks.into_iter().min()),
            recovery_codes_left: recovery.map_or(0, |set| set.left()),
            protection: protection.unwrap_or_else(|| Protection::none(owner.clone())),
            devices,
            closing_ends_at: closing.map(|closing| closing.ends_at),
        })
    }

    /// One device of a user, tombstone or not.
    pub async fn device(&self, caller: &Caller, owner: &Owner, id: Id) -> Result<DeviceView, ServiceError> {
        caller.may_for(&[Role::Enroll, Role::Support], owner)?;
        let core = &*self.core;
        let now = core.clock.now()?;
        if let Some(bound) = core.store.device(owner.clone(), id).await? {
            return Ok(DeviceView::of(&bound, now, &core.settings.policy));
        }
        let tombstone = core.store.unbound_device(owner.clone(), id).await?;
        let tombstone = tombstone.ok_or(ServiceError::NotFound("device"))?;
        Ok(DeviceView::of_unbound(&tombstone))
    }
}
