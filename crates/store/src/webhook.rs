//! Webhooks: where notices of what happened to users are sent.

use serde::{Deserialize, Serialize};
use verify::UnixMs;

use crate::{Id, Key, List, Noun, Pending, Sealed, Store, TrailReader, shape};

/// An address that is told of some kinds of events, and the secrets that its deliveries are signed with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// UUIDv7.
    pub id: Id,
    /// Raised by every change.
    pub version: u64,
    /// Where deliveries are posted.
    pub url: String,
    /// The types of notices that it is told.
    pub events: Vec<String>,
    /// The accounts whose users it is told of; `None` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Vec<String>>,
    /// A key that is limited to accounts made it: it is posted to no network of the operator's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_outside: bool,
    /// The newest first; the one before it stays for the overlap of a rotation.
    pub secrets: Vec<WebhookSecret>,
    /// When it was made.
    #[serde(rename = "created_at_ms", with = "shape::ms")]
    pub created_at: UnixMs,
}

/// A secret that deliveries are signed with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSecret {
    /// Its number among all that the webhook ever had, from 1.
    pub number: u32,
    /// Sealed.
    pub sealed: Sealed,
    /// It signs until then; `None` for the newest.
    #[serde(rename = "until_ms", with = "shape::optional_ms")]
    pub until: Option<UnixMs>,
}

impl Webhook {
    fn key_of(id: Id) -> Key {
        Key::global(Self::NAME, id.to_string())
    }

    /// The name of its [`TrailReader`].
    pub fn reader(id: Id) -> String {
        format!("webhook {id}")
    }
}

impl Noun for Webhook {
    const NAME: &'static str = "webhook";

    fn key(&self) -> Key {
        Self::key_of(self.id)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn secrets(&self) -> Vec<&Sealed> {
        self.secrets.iter().map(|secret| &secret.sealed).collect()
    }

    fn secrets_mut(&mut self) -> Vec<&mut Sealed> {
        self.secrets.iter_mut().map(|secret| &mut secret.sealed).collect()
    }
}

/// Reading webhooks.
impl dyn Store + '_ {
    /// The webhook of this id.
    pub fn webhook(&self, id: Id) -> Pending<'_, Option<Webhook>> {
        self.one(Webhook::key_of(id))
    }

    /// Up to `limit` webhooks, oldest first.
    pub fn webhooks(&self, limit: u32) -> Pending<'_, Vec<Webhook>> {
        let after = String::new();
        self.list(List::Global { after }, limit)
    }

    /// How far a webhook has read the trail; `None` for one that ended.
    pub fn webhook_reader(&self, id: Id) -> Pending<'_, Option<TrailReader>> {
        self.one(TrailReader::key_of(&Webhook::reader(id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{NOW, golden, id, sealed};

    #[test]
    fn golden_files() {
        let secret = |number, until| WebhookSecret {
            number,
            sealed: sealed(7),
            until,
        };
        let all = Webhook {
            id: id(1),
            version: 1,
            url: "https://console.example.org/mfa".into(),
            events: vec!["device.bound".into()],
            accounts: None,
            is_outside: false,
            secrets: vec![secret(1, None)],
            created_at: NOW,
        };
        golden("all", &all);
        let rotated = Webhook {
            version: 2,
            accounts: Some(vec!["acme".into()]),
            secrets: vec![secret(2, None), secret(1, Some(NOW.plus(UnixMs::DAY)))],
            ..all
        };
        golden("rotated", &rotated);
    }
}
