//! Unbind requests, by which support ends a device that its user cannot end themself (U2).

use serde::{Deserialize, Serialize};
use verify::UnixMs;

use crate::{Fingerprint, Id, Key, List, Lookup, Noun, Owner, Pending, Person, Sealed, Store, document, shape};

/// A request of support to end a user's devices: with evidence, under four eyes, after a cool-down, and finished by the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnbindRequest {
    /// UUIDv7.
    pub id: Id,
    /// The user.
    pub owner: Owner,
    /// Raised by every change.
    pub version: u64,
    /// The device that is to end; all of them when absent.
    pub device: Option<Id>,
    /// What it ends in.
    pub outcome: UnbindOutcome,
    /// What the user said of it themself, where it began on a page of theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<Application>,
    /// What support was shown for it; nothing while it is [applied](UnbindState::Applied).
    pub evidence: Vec<Evidence>,
    /// Why, in support's words; empty while it is applied.
    pub reason: String,
    /// The person of support who opened it; nobody while it is applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<Person>,
    /// When; while it is applied, when the user did.
    #[serde(rename = "requested_at_ms", with = "shape::ms")]
    pub requested_at: UnixMs,
    /// Its state.
    pub state: UnbindState,
    /// When the next thing happens to it by itself.
    #[serde(rename = "due_at_ms", with = "shape::ms")]
    pub due_at: UnixMs,
}

/// What an unbind request ends in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnbindOutcome {
    /// The devices end, and what they protected is not protected any more.
    Unbind,
    /// What they protected is protected by this method, with a newly proven identity.
    SwitchTo {
        /// The operator's name of it.
        method: String,
        /// What it reaches the user by.
        identity: Sealed,
    },
}

/// A piece of evidence: an opaque reference to what lies elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Its kind.
    pub kind: String,
    /// The caller's own name of it.
    pub reference: String,
    /// Who found it right, beside the person who opened the request: the provider who signed a statement, or the service
    /// itself, which judged a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_by: Option<String>,
    /// SHA-256 of a provider's statement, in hexadecimal: it counts for one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
}

/// What a user said of a lost device on a page of theirs: nobody has looked at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// What they refer to.
    pub evidence: Vec<Evidence>,
    /// Why, in their words.
    pub reason: String,
    /// When they said so.
    #[serde(rename = "applied_at_ms", with = "shape::ms")]
    pub applied_at: UnixMs,
}

/// `applied -> requested -> approved -> in_force -> completed`; rejected or withdrawn from any before the last; each of them expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnbindState {
    /// The user applied for it: waiting for support, who vouches for it.
    Applied,
    /// Waiting for another's approval.
    Requested,
    /// Cooling down: the user is told, and may object.
    Approved(Approval),
    /// The user may finish it, by the token that they were given.
    InForce(Approval),
    /// It was done.
    Completed,
    /// Another person found that it should not be done.
    Rejected,
    /// Whoever opened it thought better of it, or a right code of the device came in.
    Withdrawn,
    /// Nobody approved, or nobody finished it, in time.
    Expired,
}

/// An approval of an unbind request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// By whom.
    pub by: Person,
    /// When the cool-down is over.
    #[serde(rename = "in_force_at_ms", with = "shape::ms")]
    pub in_force_at: UnixMs,
    /// The user's token, to be known again.
    pub applicant_token: Fingerprint,
}

impl UnbindState {
    /// The name on the wire and in storage.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Requested => "requested",
            Self::Approved(_) => "approved",
            Self::InForce(_) => "in_force",
            Self::Completed => "completed",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
        }
    }

    /// The approval, as long as something can become of it.
    pub fn approval(&self) -> Option<&Approval> {
        match self {
            Self::Approved(approval) | Self::InForce(approval) => Some(approval),
            Self::Applied | Self::Requested | Self::Completed | Self::Rejected | Self::Withdrawn | Self::Expired => {
                None
            }
        }
    }

    /// Whether something can still become of it.
    pub fn is_open(&self) -> bool {
        matches!(
            self,
            Self::Applied | Self::Requested | Self::Approved(_) | Self::InForce(_)
        )
    }
}

const OPEN: &str = "open";
const ID: &str = "id";
const STATE: &str = "state";
const STATEMENT: &str = "statement";

impl UnbindRequest {
    /// The next version of it, in another state.
    #[must_use]
    pub fn become_state(self, state: UnbindState) -> Self {
        Self {
            version: self.version + 1,
            state,
            ..self
        }
    }

    /// Whether it ended before anybody of support had vouched for it.
    pub fn was_never_vouched_for(&self) -> bool {
        self.requested_by.is_none() && !self.state.is_open()
    }

    fn key_of(owner: &Owner, id: Id) -> Key {
        Key::of_user(owner, Self::NAME, id.to_string())
    }
}

impl Noun for UnbindRequest {
    const NAME: &'static str = "unbind_request";

    fn key(&self) -> Key {
        Self::key_of(&self.owner, self.id)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn expires_at(&self) -> Option<UnixMs> {
        (self.state.is_open() || self.was_never_vouched_for()).then_some(self.due_at)
    }

    fn lookups(&self) -> Vec<Lookup> {
        let Owner { account, user } = &self.owner;
        let id = self.id.to_string();
        let open = self.state.is_open().then(|| Lookup::unique(OPEN, &[account, user]));
        let found = [
            Lookup::unique(ID, &[&id]),
            Lookup::listed(STATE, &[self.state.name(), &id]),
        ];
        let statements = self.evidence.iter().filter_map(|piece| piece.statement.as_deref());
        let statements = statements.map(|statement| Lookup::unique(STATEMENT, &[statement]));
        found.into_iter().chain(open).chain(statements).collect()
    }

    fn secrets(&self) -> Vec<&Sealed> {
        match &self.outcome {
            UnbindOutcome::SwitchTo { identity, .. } => vec![identity],
            UnbindOutcome::Unbind => Vec::new(),
        }
    }

    fn secrets_mut(&mut self) -> Vec<&mut Sealed> {
        match &mut self.outcome {
            UnbindOutcome::SwitchTo { identity, .. } => vec![identity],
            UnbindOutcome::Unbind => Vec::new(),
        }
    }
}

/// Reading unbind requests.
impl dyn Store + '_ {
    /// The request of this id, whosever it is.
    pub fn unbind_request(&self, id: Id) -> Pending<'_, Option<UnbindRequest>> {
        self.only(ID, document::value(&[&id.to_string()]))
    }

    /// The request that this statement was brought for.
    pub fn unbind_request_of_statement(&self, sha256: &str) -> Pending<'_, Option<UnbindRequest>> {
        self.only(STATEMENT, document::value(&[sha256]))
    }

    /// The one of this user that is [open](UnbindState::is_open).
    pub fn open_unbind_request(&self, owner: &Owner) -> Pending<'_, Option<UnbindRequest>> {
        self.only(OPEN, document::value(&[&owner.account, &owner.user]))
    }

    /// Up to `limit` in this state after this id, oldest first.
    pub fn unbind_requests(&self, state: &str, after: Option<Id>, limit: u32) -> Pending<'_, Vec<UnbindRequest>> {
        let list = List::Lookup {
            name: STATE,
            prefix: document::value(&[state]),
            after: after.map_or_else(String::new, |id| id.to_string()),
        };
        self.list(list, limit)
    }

    /// Up to `limit` to which something happens by itself now, the longest overdue first.
    pub fn due_unbind_requests(&self, now: UnixMs, limit: u32) -> Pending<'_, Vec<UnbindRequest>> {
        self.list(List::Expired(now), limit)
    }

    fn only(&self, name: &'static str, prefix: String) -> Pending<'_, Option<UnbindRequest>> {
        let after = String::new();
        let asked = self.list(List::Lookup { name, prefix, after }, 1);
        Box::pin(async move { Ok(asked.await?.pop()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{NOW, golden, id, owner, sealed};

    #[test]
    fn golden_files() {
        let person = |number: u128| Person {
            api_key: id(number),
            key_owner: "team desk".into(),
            actor: format!("desk-{number}"),
            user: Some(Owner::new("staff", format!("desk-{number}"))),
        };
        let request = |outcome, state| UnbindRequest {
            id: id(5),
            owner: owner(),
            version: 3,
            device: Some(id(4)),
            outcome,
            evidence: vec![
                Evidence {
                    kind: "id_number".into(),
                    reference: "case-4711/1".into(),
                    checked_by: None,
                    statement: None,
                },
                Evidence {
                    kind: "face".into(),
                    reference: "case-4711/2".into(),
                    checked_by: Some("faces".into()),
                    statement: None,
                },
            ],
            application: None,
            reason: "lost their phone".into(),
            requested_by: Some(person(6)),
            requested_at: NOW,
            state,
            due_at: NOW.plus(UnixMs::DAY),
        };
        let approval = || Approval {
            by: person(7),
            in_force_at: NOW.plus(UnixMs::DAY),
            applicant_token: Fingerprint {
                mac: [9; 32],
                key_id: 1,
            },
        };
        golden("requested", &request(UnbindOutcome::Unbind, UnbindState::Requested));
        let switch = || UnbindOutcome::SwitchTo {
            method: "sms".into(),
            identity: sealed(3),
        };
        let states = [
            UnbindState::Approved(approval()),
            UnbindState::InForce(approval()),
            UnbindState::Completed,
            UnbindState::Rejected,
            UnbindState::Withdrawn,
            UnbindState::Expired,
        ];
        for state in states {
            golden(state.name(), &request(switch(), state.clone()));
        }
        let application = Application {
            evidence: vec![Evidence {
                kind: "phone".into(),
                reference: "ticket-12".into(),
                checked_by: None,
                statement: None,
            }],
            reason: "my phone fell into the sea".into(),
            applied_at: NOW,
        };
        let applied = UnbindRequest {
            application: Some(application),
            device: None,
            evidence: Vec::new(),
            reason: String::new(),
            requested_by: None,
            ..request(UnbindOutcome::Unbind, UnbindState::Applied)
        };
        golden("applied", &applied);
        golden("vouched_for", &applied_and_vouched_for(applied, person(6)));
    }

    fn applied_and_vouched_for(applied: UnbindRequest, by: Person) -> UnbindRequest {
        UnbindRequest {
            evidence: vec![Evidence {
                kind: "id_number".into(),
                reference: "case-4711/1".into(),
                checked_by: None,
                statement: None,
            }],
            reason: "seen at the counter".into(),
            requested_by: Some(by),
            ..applied.become_state(UnbindState::Requested)
        }
    }
}
