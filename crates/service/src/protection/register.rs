//! The register of a user's proven methods: what they are reached by, sealed, and what of it may answer a challenge.

use otp::Secret;
use store::{Owner, ProtectionMethod, ProvenMethod, ProvenMethods, Requirements, Sealed, Write};
use subtle::ConstantTimeEq;
use verify::UnixMs;
use zeroize::Zeroizing;

use crate::{Caller, Core, Input, Role, Service, ServiceError, protection::decision::lets_answer};

/// The longest identity, in bytes.
const IDENTITY_MAX_BYTES: usize = 128;

/// A method that was proven for a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodView {
    /// The operator's name of it.
    pub name: String,
    /// What the method reaches them by, as the caller named it.
    pub identity: String,
    /// When that was proven.
    pub verified_at: UnixMs,
    /// When it last answered a challenge.
    pub last_used_at: Option<UnixMs>,
}

/// What a user has to answer with, beside recovery codes.
pub(crate) struct OwnMethods {
    pub(crate) has_device: bool,
    /// The proven ones that may answer, in the operator's order.
    pub(crate) external: Vec<String>,
    /// Those of them that the account forbids as alternatives (P4).
    pub(crate) forbidden: Vec<String>,
}

impl OwnMethods {
    pub(crate) fn of(
        core: &Core,
        has_device: bool,
        register: Option<&ProvenMethods>,
        requirements: Option<&Requirements>,
    ) -> Self {
        let is_proven = |name: &str| register.is_some_and(|register| register.named(name).is_some());
        let all = core.settings.external_methods.iter().map(|method| &method.name);
        let may_answer = all.filter(|name| core.settings.may_answer(name) && is_proven(name));
        let external: Vec<String> = may_answer.cloned().collect();
        let is_forbidden = |name: &&String| requirements.is_some_and(|all| !all.alternatives.contains(name));
        Self {
            has_device,
            forbidden: external.iter().filter(is_forbidden).cloned().collect(),
            external,
        }
    }

    /// Whether there is anything to check the user with, be it for an identity grant alone.
    pub(crate) fn is_any(&self) -> bool {
        self.has_device || !self.external.is_empty()
    }

    /// Whether anything can answer where a setting asks for this method: it, or what may stand in for it.
    pub(crate) fn can_answer(&self, method: &ProtectionMethod) -> bool {
        let lets_answer = |name: &String| lets_answer(name, &self.forbidden, &[method]);
        self.has_device || self.external.iter().any(lets_answer)
    }
}

/// An identity within its bounds.
pub(crate) fn check_identity(identity: &str) -> Result<(), ServiceError> {
    if (1..=IDENTITY_MAX_BYTES).contains(&identity.len()) {
        return Ok(());
    }
    let why = format!("it is 1 to {IDENTITY_MAX_BYTES} bytes");
    let input = Input::Identity;
    Err(ServiceError::Invalid { input, why })
}

/// Every part with its length before it, so that no two records read the same.
pub(crate) fn bound_to(owner: &Owner, name: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    for part in ["proven_method", &owner.account, &owner.user, name] {
        bytes.extend((part.len() as u32).to_be_bytes());
        bytes.extend(part.as_bytes());
    }
    bytes
}

impl Core {
    /// Seals an identity for its place in this user's register.
    pub(crate) fn sealed_identity(&self, owner: &Owner, name: &str, identity: &str) -> Result<Sealed, ServiceError> {
        check_identity(identity)?;
        let secret = Secret::from_slice(identity.as_bytes());
        let secret = secret.map_err(|error| ServiceError::Internal(error.to_string()))?;
        Ok(self.sealer.seal(&bound_to(owner, name), &secret)?)
    }

    fn opened_identity(&self, owner: &Owner, method: &ProvenMethod) -> Result<Secret, ServiceError> {
        Ok(self.sealer.open(&bound_to(owner, &method.name), &method.identity)?)
    }

    /// Whether this is what was proven; the time tells nothing of it but its length.
    pub(crate) fn is_identity(
        &self,
        owner: &Owner,
        method: &ProvenMethod,
        identity: &str,
    ) -> Result<bool, ServiceError> {
        let kept = self.opened_identity(owner, method)?;
        Ok(kept.expose_secret().ct_eq(identity.as_bytes()).into())
    }

    /// As it is shown to whoever looks after the user.
    pub(crate) fn shown_method(&self, owner: &Owner, method: &ProvenMethod) -> Result<MethodView, ServiceError> {
        let identity = self.opened_identity(owner, method)?;
        let text = Zeroizing::new(identity.expose_secret().to_vec());
        let text = str::from_utf8(&text).map_err(|error| ServiceError::Internal(error.to_string()))?;
        Ok(MethodView {
            name: method.name.clone(),
            identity: text.to_owned(),
            verified_at: method.verified_at,
            last_used_at: method.last_used_at,
        })
    }

    /// The register of this user; an empty one where nothing was ever proven.
    pub(crate) async fn register(&self, owner: &Owner) -> Result<ProvenMethods, ServiceError> {
        let register = self.store.proven_methods(owner.clone()).await?;
        Ok(register.unwrap_or_else(|| ProvenMethods::none(owner.clone())))
    }
}

/// The write of a register that was read at the version that it has.
pub(crate) fn written(read: ProvenMethods) -> Write {
    let expected = (read.version > 0).then_some(read.version);
    let version = read.version + 1;
    Write::put(expected, &ProvenMethods { version, ..read })
}

impl Service {
    /// The methods that were proven for a user, in the order of names.
    pub async fn methods(&self, caller: &Caller, owner: &Owner) -> Result<Vec<MethodView>, ServiceError> {
        caller.may_for(&[Role::Enroll], owner)?;
        let core = &*self.core;
        let register = core.register(owner).await?;
        let shown = register.methods.iter().map(|method| core.shown_method(owner, method));
        shown.collect()
    }
}
