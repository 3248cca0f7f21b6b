//! Devices of a user: read, unbound, measured, unlocked.

mod get;
mod resync;
mod unbind;
mod unlock;

use service::{DeviceStatus, DeviceView, Kind, Purpose};
use utoipa_axum::router::OpenApiRouter;

use crate::http::{
    app::App,
    convert::{otp_type, time},
    document::endpoints,
};

pub(super) fn endpoints() -> OpenApiRouter<App> {
    endpoints![
        get::get_device,
        unbind::unbind_device,
        resync::resync_device,
        unlock::unlock_device,
    ]
}

pub(super) fn device(view: DeviceView) -> api::Device {
    api::Device {
        id: view.id,
        kind: match view.kind {
            Kind::Virtual => api::DeviceKind::Virtual,
            Kind::Hardware => api::DeviceKind::Hardware,
        },
        otp_type: otp_type(view.moving),
        label: view.label,
        serial_number: view.serial_number,
        state: match view.status {
            _ if view.unbound_at.is_some() => api::DeviceState::Unbound,
            DeviceStatus::Bound if view.suspended.contains(&Purpose::Verification) => api::DeviceState::Suspended,
            DeviceStatus::Bound => api::DeviceState::Bound,
            DeviceStatus::Lost => api::DeviceState::Lost,
        },
        suspended: view.suspended.into_iter().map(road).collect(),
        bound_at: time(view.bound_at),
        unbound_at: view.unbound_at.map(time),
        last_success_at: view.last_success_at.map(time),
        locked_until: view.locked_until.map(time),
        refused_until: view.refused_until.map(time),
        drift_steps: view.drift_steps,
    }
}

fn road(purpose: Purpose) -> api::Road {
    match purpose {
        Purpose::Verification => api::Road::Verification,
        Purpose::Unbinding => api::Road::Unbinding,
        Purpose::Resync => api::Road::Resync,
        Purpose::Identity => api::Road::Identity,
    }
}

#[cfg(test)]
mod tests {
    use service::{Id, UnixMs};

    use super::*;

    #[test]
    fn a_tombstone_is_unbound_whatever_it_was_and_only_verification_suspends() {
        let state = |status, suspended: &[Purpose], unbound_at: Option<i64>| {
            let view = DeviceView {
                id: Id::nil(),
                kind: Kind::Virtual,
                moving: service::Moving::Time,
                label: "alice".into(),
                serial_number: None,
                status,
                suspended: suspended.to_vec(),
                bound_at: UnixMs::new(0),
                unbound_at: unbound_at.map(UnixMs::new),
                last_success_at: None,
                locked_until: None,
                refused_until: None,
                drift_steps: 0,
            };
            device(view).state
        };
        assert_eq!(state(DeviceStatus::Bound, &[], None), api::DeviceState::Bound);
        let suspended = [Purpose::Resync, Purpose::Verification];
        assert_eq!(
            state(DeviceStatus::Bound, &suspended, None),
            api::DeviceState::Suspended
        );
        let others = [Purpose::Resync, Purpose::Unbinding];
        assert_eq!(state(DeviceStatus::Bound, &others, None), api::DeviceState::Bound);
        assert_eq!(state(DeviceStatus::Lost, &suspended, None), api::DeviceState::Lost);
        assert_eq!(
            state(DeviceStatus::Lost, &suspended, Some(1)),
            api::DeviceState::Unbound
        );
    }
}
