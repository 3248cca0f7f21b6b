use verify::UnixMs;

use crate::{Id, Pending};

/// A caller's key: its secret part is kept only as a SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// UUIDv7; the public part of the key.
    pub id: Id,
    /// SHA-256 of the secret part (256 random bits, so nothing slower is needed).
    pub hash: [u8; 32],
    /// What it may do.
    pub roles: Vec<Role>,
    /// Who answers for it.
    pub owner: String,
    /// The accounts it is limited to; `None` for all.
    pub accounts: Option<Vec<String>>,
    /// When it was made.
    pub created_at: UnixMs,
    /// Since when it is dead.
    pub revoked_at: Option<UnixMs>,
}

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Ask whether codes are right.
    Verify,
    /// Bind and unbind.
    Enroll,
    /// Help users.
    Support,
    /// Import and hand out tokens.
    Inventory,
    /// Everything about settings; no other role comes with it.
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

/// Reading API keys.
pub trait ApiKeys: Send + Sync {
    /// One key, dead or alive.
    fn api_key(&self, id: Id) -> Pending<'_, Option<ApiKey>>;

    /// All keys, oldest first.
    fn api_keys(&self) -> Pending<'_, Vec<ApiKey>>;

    /// A number that is another one after any key was made or revoked, by whatever process. Cheap enough
    /// for every request, so that a cache of keys can be trusted.
    fn api_key_generation(&self) -> Result<u64, crate::StoreError>;
}
