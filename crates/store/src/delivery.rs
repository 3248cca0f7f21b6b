//! Deliveries: what became of notices that were sent to webhooks, or could not be.

use serde::{Deserialize, Serialize};
use verify::UnixMs;

use crate::{Id, Key, List, Lookup, Noun, Pending, Store, document, shape};

/// A notice to one webhook that was tried, or waits behind one that was: the rest of them is still in the trail alone.
///
/// It does not have what is sent: that is made of the event each time, so that what is erased is not sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The same at every try, so that the receiver knows a repeat.
    pub id: Id,
    /// Raised by every change.
    pub version: u64,
    /// To which webhook.
    pub webhook: Id,
    /// The event of the trail, as its reader names it: `chain.position.index`.
    pub event: String,
    /// The event's row, in the order of commitment: notices of one user keep this order.
    pub row: i64,
    /// The type of the notice.
    #[serde(rename = "type")]
    pub kind: String,
    /// The row of the user that it is about.
    pub person: Id,
    /// When it happened.
    #[serde(rename = "at_ms", with = "shape::ms")]
    pub at: UnixMs,
    /// What became of it.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// The first of these tries.
    #[serde(rename = "first_attempt_at_ms", with = "shape::optional_ms")]
    pub first_attempt_at: Option<UnixMs>,
    /// The last of them.
    #[serde(rename = "last_attempt_at_ms", with = "shape::optional_ms")]
    pub last_attempt_at: Option<UnixMs>,
    /// The next one; `None` where it waits for another, or for nothing.
    #[serde(rename = "next_attempt_at_ms", with = "shape::optional_ms")]
    pub next_attempt_at: Option<UnixMs>,
    /// The HTTP status of the last answer; `None` where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_status: Option<u16>,
    /// It is forgotten then.
    #[serde(rename = "expires_at_ms", with = "shape::ms")]
    pub expires_at: UnixMs,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is tried again, or waits behind another of its user.
    Pending,
    /// The receiver took it.
    Delivered,
    /// It was given up; somebody may replay it.
    Dead,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Dead];

    /// The name on the wire and in storage.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

const ALL_OF: &str = "webhook";
const IN_STATE: &str = "state";

impl Delivery {
    fn key_of(id: Id) -> Key {
        Key::global(Self::NAME, id.to_string())
    }
}

impl Noun for Delivery {
    const NAME: &'static str = "delivery";

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
        let (webhook, id) = (self.webhook.to_string(), self.id.to_string());
        vec![
            Lookup::listed(ALL_OF, &[&webhook, &id]),
            Lookup::listed(IN_STATE, &[&webhook, self.state.name(), &id]),
        ]
    }
}

/// Reading deliveries.
impl dyn Store + '_ {
    /// The delivery of this id.
    pub fn delivery(&self, id: Id) -> Pending<'_, Option<Delivery>> {
        self.one(Delivery::key_of(id))
    }

    /// Up to `limit` of a webhook's deliveries after this one, in this state or in any, in the order in which what they tell
    /// happened.
    pub fn deliveries(
        &self,
        webhook: Id,
        state: Option<DeliveryState>,
        after: Option<Id>,
        limit: u32,
    ) -> Pending<'_, Vec<Delivery>> {
        let webhook = webhook.to_string();
        let (name, prefix) = match state {
            Some(state) => (IN_STATE, document::value(&[&webhook, state.name()])),
            None => (ALL_OF, webhook),
        };
        let after = after.map_or_else(String::new, |id| id.to_string());
        self.list(List::Lookup { name, prefix, after }, limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{NOW, golden, id};

    #[test]
    fn golden_files() {
        let pending = Delivery {
            id: id(2),
            version: 1,
            webhook: id(1),
            event: "1.7.1".into(),
            row: 7,
            kind: "device.bound".into(),
            person: id(3),
            at: NOW,
            state: DeliveryState::Pending,
            attempts: 2,
            first_attempt_at: Some(NOW.plus(1_000)),
            last_attempt_at: Some(NOW.plus(6_000)),
            next_attempt_at: Some(NOW.plus(36_000)),
            last_status: Some(503),
            expires_at: NOW.plus(30 * UnixMs::DAY),
        };
        golden("pending", &pending);
        let dead = Delivery {
            version: 12,
            state: DeliveryState::Dead,
            attempts: 12,
            next_attempt_at: None,
            last_status: None,
            ..pending.clone()
        };
        golden("dead", &dead);
        let delivered = Delivery {
            version: 2,
            state: DeliveryState::Delivered,
            next_attempt_at: None,
            last_status: Some(204),
            ..pending
        };
        golden("delivered", &delivered);
    }
}
