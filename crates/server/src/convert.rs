//! From the wire to the use cases and back; no decision is made here.

use api::{ProtectionMethod, Timestamp};
use service::{
    ActorKind, Algorithm, Batch, DeviceStatus, DeviceView, Export, ExportState, Factor, IdentityProof, Kind, Method,
    OpenTo, Owner, Protection, Purpose, TokenStatus, TokenView, UnixMs, UserView,
};
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
    }
}

pub(crate) fn algorithm(algorithm: Algorithm) -> api::HintAlgorithm {
    match algorithm {
        Algorithm::Sha1 => api::HintAlgorithm::Sha1,
        Algorithm::Sha256 => api::HintAlgorithm::Sha256,
        Algorithm::Sha512 => api::HintAlgorithm::Sha512,
    }
}

pub(crate) fn token(view: TokenView) -> api::Token {
    let owner = view.owner.as_ref();
    api::Token {
        state: match view.stage {
            TokenStatus::Imported => api::TokenState::Imported,
            TokenStatus::Assigned => api::TokenState::Assigned,
            TokenStatus::Bound => api::TokenState::Bound,
            TokenStatus::Lost => api::TokenState::Lost,
            TokenStatus::Returned => api::TokenState::Returned,
            TokenStatus::Retired => api::TokenState::Retired,
        },
        account: owner.map(|owner| owner.account.as_ref().to_owned()),
        user: owner.map(|owner| owner.user.as_ref().to_owned()),
        serial_number: view.serial_number,
        batch: view.batch,
        manufacturer: view.manufacturer,
        model: view.model,
        label: view.label,
        algorithm: algorithm(view.parameters.algorithm),
        digits: view.parameters.digits.get(),
        period_s: view.parameters.period.get_s(),
        device_id: view.device,
        drift_steps: view.drift_steps,
        last_success_at: view.last_success_at.map(time),
        starts_at: view.starts_at.map(time),
        expires_at: view.expires_at.map(time),
        imported_at: time(view.imported_at),
        changed_at: time(view.changed_at),
        exported_at: view.exported_at.map(time),
    }
}

pub(crate) fn export(export: Export) -> api::Export {
    api::Export {
        id: export.id,
        state: match export.state {
            ExportState::Requested => api::ExportState::Requested,
            ExportState::Approved { .. } => api::ExportState::Approved,
            ExportState::HandedOut { .. } => api::ExportState::HandedOut,
            ExportState::Withdrawn => api::ExportState::Withdrawn,
        },
        approved_by: export.state.approver().map(|person| person.actor.clone()),
        serial_numbers: export.serial_numbers,
        recipient: export.recipient,
        requested_by: export.requested_by.actor,
        requested_at: time(export.requested_at),
        expires_at: time(export.expires_at),
    }
}

pub(crate) fn stage(state: api::TokenState) -> TokenStatus {
    match state {
        api::TokenState::Imported => TokenStatus::Imported,
        api::TokenState::Assigned => TokenStatus::Assigned,
        api::TokenState::Bound => TokenStatus::Bound,
        api::TokenState::Lost => TokenStatus::Lost,
        api::TokenState::Returned => TokenStatus::Returned,
        api::TokenState::Retired => TokenStatus::Retired,
    }
}

pub(crate) fn batch(batch: Batch) -> api::Batch {
    let (kind, accounts, users) = match batch.open_to {
        OpenTo::Nobody => (api::OpenToKind::Nobody, None, None),
        OpenTo::Accounts(accounts) => (api::OpenToKind::Accounts, Some(accounts), None),
        OpenTo::Users(users) => {
            let user = |owner: &Owner| api::BetaUser {
                account: owner.account.as_ref().to_owned(),
                user: owner.user.as_ref().to_owned(),
            };
            (api::OpenToKind::Users, None, Some(users.iter().map(user).collect()))
        }
        OpenTo::Everybody => (api::OpenToKind::Everybody, None, None),
    };
    api::Batch {
        name: batch.name,
        open_to: api::OpenTo { kind, accounts, users },
        note: batch.note,
        created_at: time(batch.created_at),
    }
}

pub(crate) fn open_to(open_to: api::OpenTo) -> OpenTo {
    let api::OpenTo { kind, accounts, users } = open_to;
    match kind {
        api::OpenToKind::Nobody => OpenTo::Nobody,
        api::OpenToKind::Accounts => OpenTo::Accounts(accounts.unwrap_or_default()),
        api::OpenToKind::Users => {
            let users = users.unwrap_or_default().into_iter();
            OpenTo::Users(users.map(|user| Owner::new(user.account, user.user)).collect())
        }
        api::OpenToKind::Everybody => OpenTo::Everybody,
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
