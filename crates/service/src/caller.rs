use std::{fmt::Write as _, sync::Arc};

use serde::Serialize;
use sha2::{Digest, Sha256};
use store::{ApiKey, Id, Owner, Person, Role};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::ServiceError;

/// Who calls: a key that was presented, found and right.
#[derive(Debug)]
pub struct Caller {
    key: ApiKey,
}

impl Caller {
    /// The key's id, as the trail names it.
    pub fn key_id(&self) -> Id {
        self.key.id
    }

    /// Whether the key has this role and is not limited to other accounts.
    pub fn may(&self, role: Role, owner: &Owner) -> Result<(), ServiceError> {
        self.has(&[role])?;
        self.reaches(owner)
    }

    /// Whether the key has one of these roles.
    pub fn has(&self, roles: &[Role]) -> Result<(), ServiceError> {
        if roles.iter().any(|role| self.key.roles.contains(role)) {
            return Ok(());
        }
        let names: Vec<_> = roles.iter().map(|role| role.name()).collect();
        Err(ServiceError::Forbidden(format!(
            "this key lacks the role {}",
            names.join(" or ")
        )))
    }

    /// Whether the key is limited to other accounts.
    pub fn reaches(&self, owner: &Owner) -> Result<(), ServiceError> {
        match &self.key.accounts {
            Some(accounts) if !accounts.iter().any(|account| **account == *owner.account) => {
                Err(ServiceError::Forbidden("this key is limited to other accounts".into()))
            }
            _ => Ok(()),
        }
    }

    /// Whether the key is limited to some accounts at all.
    pub fn limited(&self) -> bool {
        self.key.accounts.is_some()
    }

    /// The person who acts with this key, as two of them are told apart.
    pub(crate) fn person(&self, origin: &Origin) -> Result<Person, ServiceError> {
        let why = || "who acts has to be named".to_owned();
        let actor = origin.actor.as_ref().ok_or_else(|| ServiceError::Invalid {
            field: "actor",
            why: why(),
        })?;
        Ok(Person {
            api_key: self.key.id,
            key_owner: self.key.owner.clone(),
            actor: actor.id.clone(),
        })
    }

    /// The caller of a key, if the secret part is its own and it lives.
    pub(crate) fn proven(key: &ApiKey, secret: &PresentedKey<'_>) -> Option<Arc<Self>> {
        let right: bool = key.hash.ct_eq(&secret.hash()).into();
        (right && key.revoked_at.is_none()).then(|| Arc::new(Self { key: key.clone() }))
    }
}

/// `cs_<32 hex digits of id>_<64 hex digits of secret>`, as it came in.
pub(crate) struct PresentedKey<'a> {
    pub(crate) id: Id,
    secret: &'a str,
}

const PREFIX: &str = "cs_";

impl<'a> PresentedKey<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (id.len() == 32 && secret.len() == 64 && hex(id) && hex(secret)).then_some(())?;
        Some(Self {
            id: Id::try_parse(id).ok()?,
            secret,
        })
    }

    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.secret).into()
    }
}

/// A new key: the text for its bearer, and the hash for us.
pub(crate) fn compose_key(id: Id, secret: &[u8; 32]) -> (Zeroizing<String>, [u8; 32]) {
    // Room for all of it at once, so that no copy is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 32 + 1 + 64));
    text.push_str(PREFIX);
    let _infallible = write!(text, "{}", id.simple());
    text.push('_');
    for byte in secret {
        let _infallible = write!(text, "{byte:02x}");
    }
    let hash = Sha256::digest(&text[text.len() - 64..]).into();
    (text, hash)
}

/// On whose behalf the caller acts, as it says; for the trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Actor {
    /// The caller's own name for them.
    pub id: String,
    /// What they are.
    pub kind: ActorKind,
    /// Where they came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}

/// What an actor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// The user themself.
    User,
    /// An administrator of the account.
    Admin,
    /// The cloud's support.
    Support,
    /// A program.
    Service,
}

/// What the user came with, as the caller says; for the trail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Client {
    /// Address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// Browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// Where a request came from; every audit event carries it.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The key.
    pub api_key: Option<Id>,
    /// The person behind it.
    pub actor: Option<Actor>,
    /// The user's side, at verification.
    pub client: Option<Client>,
    /// `X-Request-Id`.
    pub request: Option<Arc<str>>,
}
