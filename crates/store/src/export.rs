//! Exports of token seeds, which one person requests and another approves.

use serde::{Deserialize, Serialize};
use verify::UnixMs;

use crate::{Fingerprint, Id, Key, Noun, Pending, Person, Store, shape};

/// A request to export token seeds: one person asks, another approves, the first gets the encrypted file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// UUIDv7.
    pub id: Id,
    /// Raised by every change.
    pub version: u64,
    /// The serial numbers of the tokens, each once.
    pub serial_numbers: Vec<String>,
    /// People's name for the key that the file will be encrypted with.
    pub recipient: String,
    /// That key, to be known again: the key itself is not kept.
    pub recipient_key: Fingerprint,
    /// The person who asked for it.
    pub requested_by: Person,
    /// When.
    #[serde(rename = "requested_at_ms", with = "shape::ms")]
    pub requested_at: UnixMs,
    /// When it ends by itself.
    #[serde(rename = "expires_at_ms", with = "shape::ms")]
    pub expires_at: UnixMs,
    /// Its state.
    pub state: ExportState,
}

impl Export {
    /// The next version of it, in another state.
    #[must_use]
    pub fn become_state(self, state: ExportState) -> Self {
        Self {
            version: self.version + 1,
            state,
            ..self
        }
    }
}

/// `requested -> approved -> handed out`, or withdrawn from either of the first two; expiry is a matter of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportState {
    /// Waiting for another's approval.
    Requested,
    /// The file may be fetched, once.
    Approved {
        /// By whom.
        by: Person,
    },
    /// The file was fetched.
    HandedOut {
        /// Who had approved.
        approved_by: Person,
    },
    /// Somebody thought better of it.
    Withdrawn,
}

impl ExportState {
    /// Another person approves.
    pub fn approved(self, by: Person) -> Option<Self> {
        matches!(self, Self::Requested).then_some(Self::Approved { by })
    }

    /// The file is fetched, once.
    pub fn handed_out(self) -> Option<Self> {
        match self {
            Self::Approved { by } => Some(Self::HandedOut { approved_by: by }),
            Self::Requested | Self::HandedOut { .. } | Self::Withdrawn => None,
        }
    }

    /// Somebody thinks better of it, before anything has left.
    pub fn withdrawn(self) -> Option<Self> {
        matches!(self, Self::Requested | Self::Approved { .. }).then_some(Self::Withdrawn)
    }

    /// The name on the wire and in storage.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved { .. } => "approved",
            Self::HandedOut { .. } => "handed_out",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The person who has approved.
    pub fn approver(&self) -> Option<&Person> {
        match self {
            Self::Approved { by: person } | Self::HandedOut { approved_by: person } => Some(person),
            Self::Requested | Self::Withdrawn => None,
        }
    }
}

impl Export {
    fn key_of(id: Id) -> Key {
        Key::global(Self::NAME, id.to_string())
    }
}

impl Noun for Export {
    const NAME: &'static str = "export";

    fn key(&self) -> Key {
        Self::key_of(self.id)
    }

    fn version(&self) -> u64 {
        self.version
    }
}

/// Reading exports.
impl dyn Store + '_ {
    /// One export.
    pub fn export(&self, id: Id) -> Pending<'_, Option<Export>> {
        self.one(Export::key_of(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{NOW, golden, id};

    #[test]
    fn golden_files() {
        let person = |number: u128| Person {
            api_key: id(number),
            key_owner: "team desk".into(),
            actor: format!("desk-{number}"),
            user: None,
        };
        let export = |state| Export {
            id: id(5),
            version: 2,
            serial_numbers: vec!["CS-000001".into(), "CS-000002".into()],
            recipient: "Acme".into(),
            recipient_key: Fingerprint {
                mac: [3; 32],
                key_id: 1,
            },
            requested_by: person(6),
            requested_at: NOW,
            expires_at: NOW.plus(UnixMs::DAY),
            state,
        };
        golden("requested", &export(ExportState::Requested));
        golden("approved", &export(ExportState::Approved { by: person(7) }));
        golden("handed_out", &export(ExportState::HandedOut { approved_by: person(7) }));
        golden("withdrawn", &export(ExportState::Withdrawn));
    }
}
