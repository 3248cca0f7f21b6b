//! Sessions: logins that go on, each until it is ended, idle for too long, or too old.

use serde::{Deserialize, Serialize};
use verify::UnixMs;

use crate::{Key, List, Lookup, Noun, Owner, Pending, Store, document, shape};

/// A session of a user, from its login to its end, which erases it.
///
/// When it was last seen stands apart ([`SessionTouches`](crate::SessionTouches)): a check writes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whose.
    pub owner: Owner,
    /// UUIDv7, minted by the service.
    pub id: crate::Id,
    /// Raised by every change.
    pub version: u64,
    /// The login.
    #[serde(rename = "created_at_ms", with = "shape::ms")]
    pub created_at: UnixMs,
    /// It ends then at the latest.
    #[serde(rename = "expires_at_ms", with = "shape::ms")]
    pub expires_at: UnixMs,
    /// It ends when it was not seen for so long.
    pub idle_minutes: u16,
    /// Where it came from, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<SealedClient>,
}

/// The address and agent of a session's login, sealed under the key of its user's names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedClient {
    /// Random, and another one in each.
    #[serde(with = "shape::hex")]
    pub salt: [u8; 16],
    /// Base64.
    pub sealed: String,
}

const OWNER: &str = "owner";

impl Session {
    /// The key of the session of this id.
    pub fn key_of(owner: &Owner, id: crate::Id) -> Key {
        Key::of_user(owner, Self::NAME, id.to_string())
    }
}

impl Noun for Session {
    const NAME: &'static str = "session";

    fn key(&self) -> Key {
        Self::key_of(&self.owner, self.id)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn expires_at(&self) -> Option<UnixMs> {
        Some(self.expires_at)
    }

    fn lookups(&self) -> Vec<Lookup> {
        let Owner { account, user } = &self.owner;
        vec![Lookup::listed(OWNER, &[account, user, &self.id.to_string()])]
    }
}

/// Reading sessions.
impl dyn Store + '_ {
    /// The session of this id.
    pub fn session(&self, owner: &Owner, id: crate::Id) -> Pending<'_, Option<Session>> {
        self.one(Session::key_of(owner, id))
    }

    /// Up to `limit` of this owner's after this id, oldest first.
    pub fn sessions_of(&self, owner: &Owner, after: Option<crate::Id>, limit: u32) -> Pending<'_, Vec<Session>> {
        let list = List::Lookup {
            name: OWNER,
            prefix: document::value(&[&owner.account, &owner.user]),
            after: after.map_or_else(String::new, |id| id.to_string()),
        };
        self.list(list, limit)
    }

    /// Up to `limit` of all users' after this one, as they are kept: one that cannot be read is in no other's way.
    pub fn session_documents(&self, after: Option<&Key>, limit: u32) -> Pending<'_, Vec<crate::Document>> {
        let after = after.map_or_else(String::new, |Key { account, user, id, .. }| {
            document::value(&[account, user, id])
        });
        let list = List::Lookup {
            name: OWNER,
            prefix: String::new(),
            after,
        };
        self.documents_in(Session::NAME, list, limit)
    }

    /// Up to `limit` whose whole time is over.
    pub fn expired_sessions(&self, now: UnixMs, limit: u32) -> Pending<'_, Vec<Session>> {
        self.list(List::Expired(now), limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{NOW, golden, id, owner};

    #[test]
    fn golden_files() {
        golden(
            "any",
            &Session {
                owner: owner(),
                id: id(1),
                version: 1,
                created_at: NOW,
                expires_at: NOW.plus(48 * UnixMs::HOUR),
                idle_minutes: 120,
                client: Some(SealedClient {
                    salt: [7; 16],
                    sealed: "c2VhbGVk".into(),
                }),
            },
        );
    }
}
