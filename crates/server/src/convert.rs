//! From the wire to the use cases and back; no decision is made here.

use api::{ProtectionMethod, Timestamp};
use service::{ActorKind, DeviceView, Factor, IdentityProof, Kind, Method, Protection, Standing, UnixMs, UserView};
use zeroize::Zeroizing;

pub(crate) fn actor(actor: api::Actor) -> service::Actor {
    service::Actor {
        id: actor.id.as_str().to_owned(),
        kind: match actor.kind {
            api::ActorKind::User => ActorKind::User,
            api::ActorKind::Admin => ActorKind::Admin,
            api::ActorKind::Support => ActorKind::Support,
            api::ActorKind::Service => ActorKind::Service,
        },
        ip: actor.ip.map(|ip| ip.to_string()),
    }
}

pub(crate) fn client(client: api::Client) -> service::Client {
    service::Client {
        ip: client.ip.map(|ip| ip.to_string()),
        user_agent: client.user_agent.map(|agent| agent.as_str().to_owned()),
    }
}

pub(crate) fn identity_proof(proof: &api::IdentityProof) -> IdentityProof {
    IdentityProof {
        method: proof.method.as_str().to_owned(),
        at: UnixMs::new(proof.at.unix_ms()),
        by: proof.by.as_str().to_owned(),
    }
}

pub(crate) fn factor(code: api::CodeText, method: api::FactorMethod) -> Factor {
    let method = match method {
        api::FactorMethod::Totp => Method::Totp,
        api::FactorMethod::RecoveryCode => Method::RecoveryCode,
    };
    Factor {
        code: code.into_inner(),
        method,
    }
}

pub(crate) fn typed(code: api::CodeText) -> Zeroizing<String> {
    code.into_inner()
}

pub(crate) fn time(at: UnixMs) -> Timestamp {
    Timestamp::from_unix_ms(at.get())
}

pub(crate) fn device(view: DeviceView) -> api::Device {
    api::Device {
        id: view.id,
        kind: match view.kind {
            Kind::Virtual => api::DeviceKind::Virtual,
            Kind::Hardware => api::DeviceKind::Hardware,
        },
        label: view.label,
        serial_number: view.serial_number,
        state: match view.standing {
            Standing::Bound => api::DeviceState::Bound,
            Standing::Suspended => api::DeviceState::Suspended,
            Standing::Unbound => api::DeviceState::Unbound,
        },
        bound_at: time(view.bound_at),
        unbound_at: view.unbound_at.map(time),
        last_success_at: view.last_success_at.map(time),
        locked_until: view.locked_until.map(time),
        drift_steps: view.drift_steps,
    }
}

pub(crate) fn user(view: UserView) -> api::User {
    api::User {
        devices: view.devices.into_iter().map(device).collect(),
        locked_until: view.locked_until.map(time),
        recovery_codes_left: u32::try_from(view.recovery_codes_left).unwrap_or(u32::MAX),
        protection: protection(&view.protection),
    }
}

pub(crate) fn protection(protection: &Protection) -> api::Protection {
    let method = |mfa| {
        if mfa {
            ProtectionMethod::Mfa
        } else {
            ProtectionMethod::None
        }
    };
    api::Protection {
        login_protection: method(protection.login_protection),
        operation_protection: method(protection.operation_protection),
    }
}
