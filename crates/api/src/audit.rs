//! The audit trail on the wire: records, pages, signed heads.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{Name, Timestamp, Words};

/// Which part of the trail: the records to which all of it applies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// About this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(example = "acme")]
    pub account: Option<Name>,
    /// About this user of `account`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(example = "alice")]
    pub user: Option<Name>,
    /// About this device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Uuid>,
    /// About the token of this serial number; what became of it as somebody's device is that device's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(example = "CS-000042")]
    pub serial_number: Option<Name>,
    /// Of this action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(example = "verify")]
    pub action: Option<Name>,
    /// Decided then or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Decided then or before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// From which end: `asc` when absent.
    #[serde(default, skip_serializing_if = "is_default")]
    #[param(value_type = Option<AuditOrder>, inline)]
    pub order: AuditOrder,
    /// How many records at most: 1 to 1,000; 100 when absent.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    pub limit: PageSize,
    /// `next_cursor` of the page before; from the end that `order` names when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(example = "3.42.1")]
    pub cursor: Option<String>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The order of records: that of their commits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditOrder {
    /// The oldest first.
    #[default]
    Asc,
    /// The newest first.
    Desc,
}

/// Which part of a user's history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// For whom: `user` when absent.
    #[serde(default, skip_serializing_if = "is_default")]
    #[param(value_type = Option<HistoryView>, inline)]
    pub view: HistoryView,
    /// How many records at most: 1 to 1,000; 100 when absent.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    pub limit: PageSize,
    /// `next_cursor` of the page before; the newest records when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(example = "3.42.1")]
    pub cursor: Option<String>,
}

/// Who is to read a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HistoryView {
    /// The user: what happened, and no cause of a refusal.
    #[default]
    User,
    /// Support: with causes. It takes the role support.
    Support,
}

/// How much of a list one answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize(u32);

impl PageSize {
    /// As much as there can be.
    pub const MAX: Self = Self(1_000);

    /// 1 to 1,000, and nothing else.
    pub fn new(size: u32) -> Option<Self> {
        (1..=Self::MAX.0).contains(&size).then_some(Self(size))
    }

    /// 1 to 1,000.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self(100)
    }
}

impl Serialize for PageSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PageSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = PageSize;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number from 1 to 1000")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<PageSize, E> {
                let size = text.parse().ok().and_then(PageSize::new);
                size.ok_or_else(|| E::custom("is not a number from 1 to 1000"))
            }
        }

        // In a query everything is text.
        deserializer.deserialize_str(Visitor)
    }
}

/// A part of the trail.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditPage {
    /// The records; of a filter that looks through the trail perhaps none, though more follow.
    pub items: Vec<AuditRecord>,
    /// Where the next page begins; absent at the end, as far as the trail has come. Whoever goes on from there later gives the
    /// `id` of the last record: records come in the order in which they were committed, in which ids of several chains may
    /// alternate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "3.42.1")]
    pub next_cursor: Option<String>,
}

/// A record of the trail. Each chain of them is fixed by its hashes, and the chains by signed heads.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditRecord {
    /// `chain.position.index`: the row it stands in, and which of the row's events it is, from 1. A row holds what one commit
    /// decided.
    #[schema(example = "3.42.1")]
    pub id: String,
    /// The row's chain: one for each writer and start.
    #[schema(example = 3)]
    pub chain: i64,
    /// The row's place in the chain, from 1.
    #[schema(example = 42)]
    pub position: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// What happened; without the names of a person who was erased. Absent only where all of it was erased, which no call of
    /// this version does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<AuditEvent>)]
    pub event: Option<Box<RawValue>>,
    /// True while the event's cause is shown as `wrong`, whatever it is: a step that the cause may name, or that its code
    /// is of, could still be accepted. Ask again after the event's `masked_s`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub masked: bool,
    /// What the event's `cause` means; of an event without one that was `locked`, what that means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Words>,
    /// SHA-256 of salt and event, in hex, where the event was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commitment: Option<String>,
    /// The event byte for byte as it was committed, where it is not `event`: a user's name, addresses and agents are sealed in
    /// it. Absent while the event is masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub committed: Option<String>,
    /// The salt of the commitment, in hex, which is SHA-256 of salt and event as committed; absent while the event is masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "8f0a7c112f6b9d4b7c1e4f60019a9ef4")]
    pub salt: Option<String>,
    /// SHA-256 of the chain up to its row, in hex.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub hash: String,
}

/// What happened. More fields may come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditEvent {
    /// What was done.
    #[schema(example = "verify")]
    pub action: String,
    /// What became of it.
    #[schema(example = "refused")]
    pub outcome: String,
    /// The user concerned, by a number that stays when the person is erased; account, user, actor and client are gone then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<Uuid>,
    /// The account concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "acme")]
    pub account: Option<String>,
    /// The user concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "alice")]
    pub user: Option<String>,
    /// The device concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<Uuid>,
    /// The id that the answer of an accepted check names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_id: Option<Uuid>,
    /// Why, which the caller of a check was not told. The description of the call lists them all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "used")]
    pub cause: Option<String>,
    /// How far off, in time steps, where that is the cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<i64>,
    /// For how many seconds after it a refusal's cause is shown as `wrong`, with nothing about steps: until no step that it
    /// may name can be accepted any more. Says nothing about which cause it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masked_s: Option<u64>,
    /// How many times, where one record stands for several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The id of the caller's API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<Uuid>,
    /// On whose behalf the caller acted, as it said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub actor: Option<serde_json::Value>,
    /// What the user came with, as the caller said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub client: Option<serde_json::Value>,
    /// The `X-Request-Id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// More, by action.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub detail: Option<serde_json::Value>,
}

/// The end of the chain that the service writes at the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditHeads {
    /// One, for the service that was asked writes one chain. Chains of earlier starts and of commands beside the service
    /// are not in it: `audit.heads` in the data directory, and the copy of `--heads-file`, have those too.
    pub items: Vec<AuditHead>,
}

/// The end of a chain with a signature under it: kept elsewhere, it shows a tail that was cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditHead {
    /// The chain.
    #[schema(example = 3)]
    pub chain: i64,
    /// How many rows it has.
    #[schema(example = 42)]
    pub position: u64,
    /// The hash of the last one, in hex.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub hash: String,
    /// Ed25519 under chain, position and hash, in hex.
    pub signature: String,
}
