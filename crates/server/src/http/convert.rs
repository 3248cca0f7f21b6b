//! From the wire to the use cases and back, where families share it; no decision is made here.

use api::Timestamp;
use service::{ActorKind, Algorithm, Approver, Factor, IdentityProof, Method, Moving, Owner, ProofOfIdentity, UnixMs};
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

pub(crate) fn otp_type(moving: Moving) -> api::OtpType {
    match moving {
        Moving::Time => api::OtpType::Totp,
        Moving::Counter => api::OtpType::Hotp,
    }
}

pub(crate) fn identity_proof(proof: &api::IdentityProof) -> ProofOfIdentity {
    match proof {
        api::IdentityProof::Word(api::IdentityWord { method, at, by }) => ProofOfIdentity::Word(IdentityProof {
            method: method.as_str().to_owned(),
            at: UnixMs::new(at.unix_ms()),
            by: by.as_str().to_owned(),
        }),
        api::IdentityProof::Grant(presented) => ProofOfIdentity::Grant(grant_text(presented)),
    }
}

pub(crate) fn factor(factor: api::Factor) -> Factor {
    match factor {
        api::Factor::Code(given) => code_factor(given.code, given.method),
        api::Factor::Grant(presented) => Factor::Grant(grant_text(&presented)),
    }
}

pub(crate) fn approver(approver: api::Approver) -> Approver {
    Approver {
        owner: Owner::new(approver.account.as_str(), approver.user.as_str()),
        factor: code_factor(approver.code, approver.method),
    }
}

fn grant_text(presented: &api::PresentedGrant) -> Zeroizing<String> {
    Zeroizing::new(presented.grant.as_str().to_owned())
}

pub(crate) fn code_factor(code: api::CodeText, method: api::FactorMethod) -> Factor {
    let method = match method {
        api::FactorMethod::Totp => Method::Totp,
        api::FactorMethod::RecoveryCode => Method::RecoveryCode,
    };
    Factor::Code {
        code: code.into_inner(),
        method,
    }
}

pub(crate) fn protection_method(method: &service::ProtectionMethod) -> api::ProtectionMethod {
    match method {
        service::ProtectionMethod::None => api::ProtectionMethod::None,
        service::ProtectionMethod::Mfa => api::ProtectionMethod::Mfa,
        // What is kept was checked where it came in.
        service::ProtectionMethod::External(name) => {
            api::Text::new(&**name).map_or(api::ProtectionMethod::None, api::ProtectionMethod::External)
        }
    }
}

pub(crate) fn wanted_method(method: &api::ProtectionMethod) -> service::ProtectionMethod {
    service::ProtectionMethod::named(method.name())
}

pub(crate) fn typed(code: api::CodeText) -> Zeroizing<String> {
    code.into_inner()
}

pub(crate) fn time(at: UnixMs) -> Timestamp {
    Timestamp::from_unix_ms(at.get())
}

pub(crate) fn algorithm(algorithm: Algorithm) -> api::HintAlgorithm {
    match algorithm {
        Algorithm::Sha1 => api::HintAlgorithm::Sha1,
        Algorithm::Sha256 => api::HintAlgorithm::Sha256,
        Algorithm::Sha512 => api::HintAlgorithm::Sha512,
    }
}
