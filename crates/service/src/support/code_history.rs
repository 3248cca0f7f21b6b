//! What the trail says of a user's codes, as whoever reads it may see it.

use serde::Deserialize;
use serde_json::Value;
use store::{Id, audit::EventId};
use verify::UnixMs;

use crate::trail::read::Record;

/// The newest events about a user's codes, the newest first. Causes are as they are shown: while a step that one may name
/// can still come it reads `wrong` (D5), so that nothing made of this tells more.
pub(super) struct CodeHistory {
    events: Vec<CodeEvent>,
}

/// One of them.
pub(super) struct CodeEvent {
    pub(super) at: UnixMs,
    /// The device that was asked for, where it was one.
    pub(super) device: Option<Id>,
    /// The client's address, or the actor's.
    pub(super) from: Option<String>,
    pub(super) said: Said,
}

/// What happened.
pub(super) enum Said {
    /// A code was accepted.
    Accepted,
    /// A code was refused: why, and so many steps from the expected one.
    Refused { cause: String, steps: Option<i64> },
    /// Support asked, and the step that was last accepted of each device was passed over.
    Passed(Value),
    /// A device ended.
    Unbound,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Payload {
    action: String,
    outcome: String,
    device: Option<Id>,
    cause: Option<String>,
    steps: Option<i64>,
    client: Value,
    actor: Value,
    detail: Value,
}

impl CodeHistory {
    pub(super) fn of(records: &[Record]) -> Self {
        Self {
            events: records.iter().filter_map(CodeEvent::of).collect(),
        }
    }

    pub(super) fn events(&self) -> impl Iterator<Item = &CodeEvent> {
        self.events.iter()
    }

    /// When a device last ended.
    pub(super) fn unbound_at(&self) -> Option<UnixMs> {
        let ended = |event: &&CodeEvent| matches!(event.said, Said::Unbound);
        self.events().find(ended).map(|event| event.at)
    }
}

impl CodeEvent {
    fn of(record: &Record) -> Option<Self> {
        let payload: Payload = serde_json::from_str(record.event.as_deref()?).ok()?;
        let said = said(&payload)?;
        let address = |of: &Value| of.get("ip").and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            at: record.at,
            device: payload.device,
            from: address(&payload.client).or_else(|| address(&payload.actor)),
            said,
        })
    }

    /// Whether it is about this device, or may be.
    pub(super) fn may_be_of(&self, device: Id) -> bool {
        self.device.is_none_or(|own| own == device)
    }
}

fn said(payload: &Payload) -> Option<Said> {
    let by_code = ["enrollment.confirm", "device.resync"].contains(&&*payload.action);
    match (&*payload.action, &*payload.outcome) {
        (super::diagnose::ACTION, _) => Some(Said::Passed(payload.detail.get("passed")?.clone())),
        ("device.unbind", "done") => Some(Said::Unbound),
        (_, "accepted" | "recognised") => Some(Said::Accepted),
        (_, "done") if by_code || payload.cause.as_deref() == Some("totp") => Some(Said::Accepted),
        (_, "refused") => Some(Said::Refused {
            cause: payload.cause.clone()?,
            steps: payload.steps,
        }),
        _ => None,
    }
}

/// Events that are looked at: those of weeks, of most.
pub(super) const NEWEST: u32 = 200;
/// From the newest on.
pub(super) const FROM_THE_NEWEST: Option<EventId> = None;
