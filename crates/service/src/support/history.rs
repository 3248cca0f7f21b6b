//! The history of a user: for support with causes, for the user without them (D5).

use serde_json::{Map, Value};
use store::{Owner, Role, audit::EventId};

use crate::{Caller, Service, ServiceError, trail::Record};

/// Who is to read a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HistoryView {
    /// The user: what happened, without causes of refusals.
    #[default]
    User,
    /// Support: all of it, as far as anybody may know it yet.
    Support,
}

impl Service {
    /// What happened to a user, newest first: up to `limit` records before this one.
    pub async fn user_history(
        &self,
        caller: &Caller,
        owner: &Owner,
        view: HistoryView,
        before: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<Record>, ServiceError> {
        match view {
            HistoryView::User => caller.may_for(&[Role::Enroll, Role::Support], owner)?,
            HistoryView::Support => caller.may_for(&[Role::Support], owner)?,
        }
        let records = self.about(owner, before, limit).await?;
        Ok(match view {
            HistoryView::User => records.into_iter().map(for_the_user).collect(),
            HistoryView::Support => records,
        })
    }
}

/// Fields of an event that its user may see. Whatever else comes into events, they do not have it before it stands here.
const FIELDS: [&str; 11] = [
    "action",
    "outcome",
    "person",
    "account",
    "user",
    "device",
    "decision_id",
    "actor",
    "client",
    "request",
    "detail",
];
/// Parts of `detail` that say what became of what, and nothing of why.
const DETAILS: [&str; 9] = [
    "serial_number",
    "replaces",
    "before",
    "after",
    "was",
    "is",
    "session",
    "purpose",
    "operation",
];

/// Without causes, and without the salt, by which they could be found by trying. That it is masked would say that the code
/// was wrong or came too early.
fn for_the_user(record: Record) -> Record {
    let event = record.event.as_deref().and_then(shown_to_the_user);
    Record {
        event,
        committed: None,
        salt: None,
        masked: false,
        ..record
    }
}

fn shown_to_the_user(event: &str) -> Option<String> {
    let mut event: Map<String, Value> = serde_json::from_str(event).ok()?;
    event.retain(|name, _| FIELDS.contains(&&**name));
    if let Some(detail) = event.get_mut("detail").and_then(Value::as_object_mut) {
        detail.retain(|name, _| DETAILS.contains(&&**name));
    }
    if event.get("outcome").is_some_and(|outcome| outcome == "refused") {
        event.remove("detail");
    }
    // Who of support or which program it was is no matter of theirs.
    if let Some(actor) = event.get_mut("actor").and_then(Value::as_object_mut)
        && !actor.get("kind").is_some_and(|kind| kind == "user" || kind == "admin")
    {
        actor.retain(|name, _| name == "kind");
    }
    serde_json::to_string(&event).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn d5_a_user_sees_no_cause_and_nothing_that_tells_it() {
        let event = json!({
            "action": "verify", "outcome": "refused", "person": "1", "account": "acme", "user": "alice", "device": "2",
            "cause": "too_late", "steps": -3, "masked_s": 600, "count": 2, "api_key": "3",
            "actor": {"id": "zhang", "kind": "support", "ip": "192.0.2.1"}, "client": {"ip": "192.0.2.2"},
            "detail": {"suspended": "verification", "hint": "clock"},
        });
        let shown: Value = serde_json::from_str(&shown_to_the_user(&event.to_string()).unwrap()).unwrap();
        assert_eq!(
            shown,
            json!({
                "action": "verify", "outcome": "refused", "person": "1", "account": "acme", "user": "alice", "device": "2",
                "actor": {"kind": "support"}, "client": {"ip": "192.0.2.2"},
            })
        );
        let event = json!({
            "action": "device.unbind", "outcome": "done", "cause": "totp", "actor": {"id": "alice", "kind": "user"},
            "detail": {"serial_number": "CS-1", "approver": "9"},
        });
        let shown: Value = serde_json::from_str(&shown_to_the_user(&event.to_string()).unwrap()).unwrap();
        assert_eq!(
            shown,
            json!({
                "action": "device.unbind", "outcome": "done", "actor": {"id": "alice", "kind": "user"},
                "detail": {"serial_number": "CS-1"},
            })
        );
    }
}
