//! Events of the trail, as far as notices are made of them.

use serde::Deserialize;
use serde_json::Value;
use store::Id;

use crate::access::caller::Client;

/// An event, as far as a notice may say it. Fields of it that are not here, and details that nobody asks for by name, go to
/// nobody: neither causes of refusals nor what a code was.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Said {
    pub(crate) action: String,
    pub(crate) outcome: String,
    pub(crate) person: Option<Id>,
    pub(crate) device: Option<Id>,
    pub(crate) cause: Option<String>,
    pub(crate) count: Option<u64>,
    /// The names, where they were opened.
    pub(crate) account: Option<String>,
    pub(crate) user: Option<String>,
    actor: Value,
    pub(crate) client: Option<Client>,
    detail: Value,
}

impl Said {
    /// What an event says; nothing, where it is none of ours.
    pub(crate) fn of(payload: &str) -> Self {
        serde_json::from_str(payload).unwrap_or_default()
    }

    /// A detail that is there.
    pub(crate) fn detail(&self, name: &str) -> Option<&Value> {
        self.detail.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.detail(name) == Some(&Value::Bool(true))
    }

    /// A detail that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        Some(self.detail(name)?.as_str()?.to_owned())
    }

    /// A detail that is an id.
    pub(crate) fn id(&self, name: &str) -> Option<Id> {
        Id::try_parse(self.detail(name)?.as_str()?).ok()
    }

    /// A detail that is a number.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.detail(name)?.as_i64()
    }

    /// Whether a binding switched a protection on.
    pub(crate) fn protects(&self) -> bool {
        ["login_protection", "operation_protection"]
            .iter()
            .any(|name| self.scope(name))
    }

    /// Whether a binding switched this protection on.
    pub(crate) fn scope(&self, protection: &str) -> bool {
        self.detail("scope").and_then(|scope| scope.get(protection)) == Some(&Value::Bool(true))
    }

    /// What whoever acted is: the user, an administrator, support.
    pub(crate) fn actor_kind(&self) -> Option<String> {
        Some(self.actor.get("kind")?.as_str()?.to_owned())
    }
}

/// Whether an event may be a notice. Most of the trail is checks of codes of which nobody is told, and is not read for it.
pub(crate) fn is_told_of(payload: &str) -> bool {
    const CHECK: &str = r#"{"action":"verify","#;
    let told = ["recovery_code", "suspended", "locked_until_ms"];
    !payload.starts_with(CHECK) || told.iter().any(|word| payload.contains(word))
}
