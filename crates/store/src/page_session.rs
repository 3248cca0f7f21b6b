//! Page sessions: browsers that were let in to the hosted pages, each for one user or one of staff.

use serde::{Deserialize, Serialize};
use verify::UnixMs;

use crate::{Id, Key, List, Lookup, Noun, Owner, PageVisit, Pending, Store, document, page_link::OWNER, shape};

/// A browser's session on the hosted pages: its cookie's secret is kept only as a SHA-256. When it was last seen is in the
/// cookie, so that a look at a page writes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageSession {
    /// UUIDv7; the public part of the cookie.
    pub id: Id,
    /// Raised by every change.
    pub version: u64,
    /// SHA-256 of the secret part (256 random bits).
    #[serde(rename = "secret_sha256", with = "shape::hex")]
    pub hash: [u8; 32],
    /// Who it is of.
    pub holder: PageHolder,
    /// When it began.
    #[serde(rename = "created_at_ms", with = "shape::ms")]
    pub created_at: UnixMs,
    /// When it ends by itself, whatever is done in it.
    #[serde(rename = "expires_at_ms", with = "shape::ms")]
    pub expires_at: UnixMs,
}

/// The holder of a page session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageHolder {
    /// A user, who came by a page link.
    User(PageVisit),
    /// A user who has answered their challenge: the answer waits for its caller.
    Answered {
        /// The visit, which is over.
        visit: PageVisit,
        /// What the challenge's caller fetches.
        answer: PromptAnswer,
    },
    /// One of staff, who signed in with an API key of their own.
    Staff {
        /// The key.
        api_key: Id,
        /// Their name.
        actor: String,
    },
}

/// A right answer that was given on the prompt page, until its caller has fetched it: nothing secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptAnswer {
    /// SHA-256 of the one-time code that the browser takes back.
    #[serde(rename = "code_sha256", with = "shape::hex")]
    pub code: [u8; 32],
    /// The decision that the grant is made of.
    pub decision: Id,
    /// How the user was checked.
    pub method: String,
    /// Wrong codes between the success before and this one.
    pub wrong_since_last_success: Option<u32>,
    /// The browser is trusted from this decision on.
    pub trusts_device: bool,
}

const CODE: &str = "code";

impl PageSession {
    /// The key of the session of this id.
    pub fn key_of(id: Id) -> Key {
        Key::global(Self::NAME, id.to_string())
    }

    /// The next version of it, in which its challenge is answered; it lives until `expires_at` to be fetched.
    #[must_use]
    pub fn answered(self, answer: PromptAnswer, expires_at: UnixMs) -> Self {
        let holder = match self.holder {
            PageHolder::User(visit) | PageHolder::Answered { visit, .. } => PageHolder::Answered { visit, answer },
            staff @ PageHolder::Staff { .. } => staff,
        };
        Self {
            version: self.version + 1,
            holder,
            expires_at,
            ..self
        }
    }
}

impl Noun for PageSession {
    const NAME: &'static str = "page_session";

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
        match &self.holder {
            PageHolder::User(visit) => vec![visit.lookup(self.id)],
            PageHolder::Answered { visit, answer } => vec![
                visit.lookup(self.id),
                Lookup::unique(CODE, &[&data_encoding::HEXLOWER.encode(&answer.code)]),
            ],
            PageHolder::Staff { .. } => Vec::new(),
        }
    }
}

/// Reading page sessions.
impl dyn Store + '_ {
    /// One session.
    pub fn page_session(&self, id: Id) -> Pending<'_, Option<PageSession>> {
        self.one(PageSession::key_of(id))
    }

    /// Up to `limit` of this user's after this one, oldest first.
    pub fn page_sessions_of(&self, owner: &Owner, after: Option<Id>, limit: u32) -> Pending<'_, Vec<PageSession>> {
        let list = List::Lookup {
            name: OWNER,
            prefix: document::value(&[&owner.account, &owner.user]),
            after: after.map_or_else(String::new, |id| id.to_string()),
        };
        self.list(list, limit)
    }

    /// The session whose answer waits under the one-time code of this SHA-256.
    pub fn answered_page_session(&self, code: &[u8; 32]) -> Pending<'_, Option<PageSession>> {
        let list = List::Lookup {
            name: CODE,
            prefix: document::value(&[&data_encoding::HEXLOWER.encode(code)]),
            after: String::new(),
        };
        let asked = self.list(list, 1);
        Box::pin(async move { Ok(asked.await?.pop()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        VisitPurpose,
        golden::{NOW, golden, id, owner},
    };

    #[test]
    fn golden_files() {
        let session = |holder| PageSession {
            id: id(1),
            version: 1,
            hash: [7; 32],
            holder,
            created_at: NOW,
            expires_at: NOW.plus(UnixMs::HOUR),
        };
        let visit = PageVisit {
            owner: owner(),
            api_key: id(2),
            return_url: "https://login.example/back".into(),
            state: "7f3a".into(),
            purpose: VisitPurpose::Prompt {
                challenge: "AQAA".into(),
                code_challenge: [9; 32],
            },
        };
        let answer = PromptAnswer {
            code: [8; 32],
            decision: id(3),
            method: "totp".into(),
            wrong_since_last_success: Some(1),
            trusts_device: true,
        };
        let user = session(PageHolder::User(visit));
        golden("answered", &user.clone().answered(answer, NOW.plus(UnixMs::MINUTE)));
        golden("user", &user);
        let staff = PageHolder::Staff {
            api_key: id(4),
            actor: "desk-7".into(),
        };
        golden("staff", &session(staff));
    }
}
