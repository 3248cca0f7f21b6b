//! Page links: single-use addresses that let one browser in to the hosted pages, for one user.

use serde::{Deserialize, Serialize};
use verify::UnixMs;

use crate::{Id, IdentityProof, Key, List, Lookup, Noun, Owner, Pending, Store, document, shape};

/// A page link that was not opened yet: its token is kept only as a SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageLink {
    /// UUIDv7; the public part of the token.
    pub id: Id,
    /// 1: it is made, and it is deleted when it is opened.
    pub version: u64,
    /// SHA-256 of the secret part (256 random bits).
    #[serde(rename = "secret_sha256", with = "shape::hex")]
    pub hash: [u8; 32],
    /// The visit that it opens.
    pub visit: PageVisit,
    /// When it was made.
    #[serde(rename = "created_at_ms", with = "shape::ms")]
    pub created_at: UnixMs,
    /// When it ends by itself.
    #[serde(rename = "expires_at_ms", with = "shape::ms")]
    pub expires_at: UnixMs,
}

/// A visit to the hosted pages: who comes, for what, and where they go back to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageVisit {
    /// The user whom it is about.
    pub owner: Owner,
    /// The API key that asked for it; the visit ends with it.
    pub api_key: Id,
    /// The address to go back to, as in the key's list.
    pub return_url: String,
    /// The caller's own words, given back with the user.
    pub state: String,
    /// What the user came for.
    pub purpose: VisitPurpose,
}

/// What a user comes to the hosted pages for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VisitPurpose {
    /// To change their settings.
    Settings {
        /// The page that the link is for, which says what else may be visited.
        page: String,
        /// The check of identity that the caller made before.
        identity_proof: Option<IdentityProof>,
        /// The session that they are in, among those that the page lists.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<Id>,
    },
    /// To answer a challenge.
    Prompt {
        /// The challenge, sealed, as its caller has it.
        challenge: String,
        /// SHA-256 of the verifier by which the answer is fetched (RFC 7636, S256).
        #[serde(rename = "code_challenge_sha256", with = "shape::hex")]
        code_challenge: [u8; 32],
    },
}

/// What links and page sessions of a user are listed under.
pub(crate) const OWNER: &str = "owner";

impl PageVisit {
    /// The entry of a record of this visit among its user's.
    pub(crate) fn lookup(&self, id: Id) -> Lookup {
        let Owner { account, user } = &self.owner;
        Lookup::listed(OWNER, &[account, user, &id.to_string()])
    }
}

impl PageLink {
    fn key_of(id: Id) -> Key {
        Key::global(Self::NAME, id.to_string())
    }
}

impl Noun for PageLink {
    const NAME: &'static str = "page_link";

    fn key(&self) -> Key {
        Self::key_of(self.id)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn expires_at(&self) -> Option<UnixMs> {
        Some(self.expires_at)
    }

    fn lookups(&self) -> Vec<Lookup> {
        vec![self.visit.lookup(self.id)]
    }
}

/// Reading page links.
impl dyn Store + '_ {
    /// One link that was not opened.
    pub fn page_link(&self, id: Id) -> Pending<'_, Option<PageLink>> {
        self.one(PageLink::key_of(id))
    }

    /// Up to `limit` of this user's after this one, oldest first.
    pub fn page_links_of(&self, owner: &Owner, after: Option<Id>, limit: u32) -> Pending<'_, Vec<PageLink>> {
        let list = List::Lookup {
            name: OWNER,
            prefix: document::value(&[&owner.account, &owner.user]),
            after: after.map_or_else(String::new, |id| id.to_string()),
        };
        self.list(list, limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{NOW, golden, id, owner};

    #[test]
    fn golden_files() {
        let link = |purpose| PageLink {
            id: id(1),
            version: 1,
            hash: [7; 32],
            visit: PageVisit {
                owner: owner(),
                api_key: id(2),
                return_url: "https://console.example/back".into(),
                state: "7f3a".into(),
                purpose,
            },
            created_at: NOW,
            expires_at: NOW.plus(2 * UnixMs::MINUTE),
        };
        golden(
            "settings",
            &link(VisitPurpose::Settings {
                page: "bind".into(),
                identity_proof: Some(IdentityProof {
                    method: "password".into(),
                    at: NOW.plus(-1),
                    by: "console".into(),
                }),
                session: None,
            }),
        );
        golden(
            "sessions",
            &link(VisitPurpose::Settings {
                page: "sessions".into(),
                identity_proof: None,
                session: Some(id(3)),
            }),
        );
        golden(
            "prompt",
            &link(VisitPurpose::Prompt {
                challenge: "AQAA".into(),
                code_challenge: [9; 32],
            }),
        );
    }
}
