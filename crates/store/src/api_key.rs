//! API keys and their roles.

use serde::{Deserialize, Serialize};
use verify::UnixMs;

use crate::{Id, Key, List, Noun, Owner, Pending, Store, shape};

/// A caller's key: its secret part is kept only as a SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// UUIDv7; the public part of the key.
    pub id: Id,
    /// 1, or 2 once revoked.
    pub version: u64,
    /// SHA-256 of the secret part (256 random bits, so nothing slower is needed).
    #[serde(rename = "secret_sha256", with = "shape::hex")]
    pub hash: [u8; 32],
    /// The calls that it may make.
    pub roles: Vec<Role>,
    /// The person or team that answers for it.
    pub owner: String,
    /// The accounts it is limited to; `None` for all.
    pub accounts: Option<Vec<String>>,
    /// The audiences of the grants that it may ask for; the default one where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<String>,
    /// The person it is bound to: a user with a device, whose code every approval by four eyes takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Owner>,
    /// The addresses that users may be sent back to from the hosted pages, each to the character.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub return_urls: Vec<String>,
    /// When it was made.
    #[serde(rename = "created_at_ms", with = "shape::ms")]
    pub created_at: UnixMs,
    /// Since when it is dead.
    #[serde(rename = "revoked_at_ms", with = "shape::optional_ms")]
    pub revoked_at: Option<UnixMs>,
}

/// A role of an API key: the calls that it may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Ask whether codes are right.
    Verify,
    /// Bind and unbind.
    Enroll,
    /// Help users.
    Support,
    /// Import and hand out tokens.
    Inventory,
    /// Closing and erasing users, and exports of seeds; no other role includes it.
    Admin,
    /// Read the trail.
    Audit,
}

impl Role {
    /// Every role, in the order people are told them.
    pub const ALL: [Self; 6] = [
        Self::Verify,
        Self::Enroll,
        Self::Support,
        Self::Inventory,
        Self::Admin,
        Self::Audit,
    ];

    /// The name in configuration and storage.
    pub fn name(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Enroll => "enroll",
            Self::Support => "support",
            Self::Inventory => "inventory",
            Self::Admin => "admin",
            Self::Audit => "audit",
        }
    }

    /// The role of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

impl ApiKey {
    fn key_of(id: Id) -> Key {
        Key::global(Self::NAME, id.to_string())
    }

    /// The next version of it, dead.
    #[must_use]
    pub fn revoked(self, at: UnixMs) -> Self {
        Self {
            version: self.version + 1,
            revoked_at: Some(at),
            ..self
        }
    }
}

impl Noun for ApiKey {
    const NAME: &'static str = "api_key";

    fn key(&self) -> Key {
        Self::key_of(self.id)
    }

    fn version(&self) -> u64 {
        self.version
    }
}

/// Reading API keys.
impl dyn Store + '_ {
    /// One key, dead or alive.
    pub fn api_key(&self, id: Id) -> Pending<'_, Option<ApiKey>> {
        self.one(ApiKey::key_of(id))
    }

    /// All keys, oldest first.
    pub fn api_keys(&self) -> Pending<'_, Vec<ApiKey>> {
        let after = String::new();
        self.list(List::Global { after }, u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{NOW, golden, id};

    #[test]
    fn golden_files() {
        let key = ApiKey {
            id: id(1),
            version: 1,
            hash: [7; 32],
            roles: Role::ALL.to_vec(),
            owner: "team console".into(),
            accounts: Some(vec!["acme".into()]),
            audiences: Vec::new(),
            person: None,
            return_urls: Vec::new(),
            created_at: NOW,
            revoked_at: None,
        };
        golden("revoked", &key.clone().revoked(NOW.plus(1)));
        golden("living", &ApiKey { accounts: None, ..key });
    }
}
