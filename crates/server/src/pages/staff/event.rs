//! An event of the trail as staff read it: in words, with its cause as far as anybody may know it yet (D5).

use serde::Deserialize;
use service::{Owner, Record, UnixMs};

use super::users;
use crate::{
    http::explained,
    pages::words::{Lang, is_said},
};

/// One event in words.
pub(crate) struct StaffEvent {
    /// By chain, row and place.
    pub(crate) number: String,
    pub(crate) at: UnixMs,
    pub(crate) what: String,
    pub(crate) outcome: String,
    pub(crate) cause: Option<String>,
    /// The cause stands for another one, perhaps.
    pub(crate) is_masked: bool,
    /// The user, the account or the token that it is about.
    pub(crate) about: String,
    /// The page of that user.
    pub(crate) user_path: Option<String>,
    pub(crate) actor: Option<String>,
    /// The event itself.
    pub(crate) raw: Option<String>,
    /// By how many steps a device's clock was off, where the event tells it.
    pub(crate) drift: Option<Drift>,
}

/// By how much a device's clock was off.
pub(crate) struct Drift {
    pub(crate) device: String,
    pub(crate) steps: i64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    action: String,
    outcome: String,
    cause: Option<String>,
    steps: Option<i64>,
    count: Option<u64>,
    person: Option<String>,
    account: Option<String>,
    user: Option<String>,
    device: Option<String>,
    actor: Option<SaidActor>,
    detail: SaidDetail,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SaidActor {
    id: String,
}

/// Each may be something else in an event of another kind.
#[derive(Default, Deserialize)]
#[serde(default)]
struct SaidDetail {
    account: serde_json::Value,
    serial_number: serde_json::Value,
    owner: serde_json::Value,
    offset_steps: serde_json::Value,
}

impl StaffEvent {
    /// The words of a record.
    pub(crate) fn of(lang: Lang, record: &Record) -> Self {
        let event = record.event.as_deref();
        let said: Said = event
            .and_then(|event| serde_json::from_str(event).ok())
            .unwrap_or_default();
        let (about, owner) = said.about(lang);
        Self {
            number: record.id.to_string(),
            at: record.at,
            what: match event {
                Some(_) => action_named(lang, &said.action),
                None => lang.say("staff_trail.erased", &[]),
            },
            outcome: said.outcome_in_words(lang),
            cause: said.cause_in_words(lang, event.unwrap_or_default()),
            is_masked: record.masked,
            about,
            user_path: owner.as_ref().map(users::path_of),
            drift: said.drift(),
            actor: said.actor.map(|actor| actor.id),
            raw: record.event.clone(),
        }
    }
}

impl Said {
    fn about(&self, lang: Lang) -> (String, Option<Owner>) {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let detail = &self.detail;
        let others = [&detail.serial_number, &detail.account, &detail.owner].map(text);
        let other = others.into_iter().find(|other| !other.is_empty());
        match (&self.account, &self.user, &self.person) {
            (Some(account), Some(user), _) => {
                let named = [("user", &**user), ("account", &**account)];
                // As the trail names them.
                let owner = Owner::new(&**account, &**user);
                (lang.say("common.for_whom", &named), Some(owner))
            }
            (_, _, Some(_)) => (lang.say("staff_trail.erased_user", &[]), None),
            _ => (other.unwrap_or_default(), None),
        }
    }

    fn outcome_in_words(&self, lang: Lang) -> String {
        if self.outcome.is_empty() {
            return String::new();
        }
        let words = in_words(lang, &[format!("history.outcome_is_{}", self.outcome)]);
        let words = words.unwrap_or_else(|| self.outcome.clone());
        match self.count {
            Some(count) => format!("{words} ({})", counted(lang, "staff_trail.times", count)),
            None => words,
        }
    }

    /// The meaning of the cause; the name of an external method, and of what a newer version wrote.
    fn cause_in_words(&self, lang: Lang, event: &str) -> Option<String> {
        let meaning = explained(event).map(|cause| match lang {
            Lang::En => cause.en.to_owned(),
            Lang::Zh => cause.zh.to_owned(),
        });
        let words = meaning.or_else(|| self.cause.clone())?;
        Some(match self.steps {
            Some(steps) => format!("{words} ({})", counted(lang, "staff_trail.steps", format!("{steps:+}"))),
            None => words,
        })
    }

    fn drift(&self) -> Option<Drift> {
        let is_of_the_clock = matches!(self.cause.as_deref(), Some("too_early" | "too_late"));
        let steps = match self.detail.offset_steps.as_i64() {
            Some(steps) => steps,
            None => self.steps.filter(|_| is_of_the_clock)?,
        };
        let device = self.device.clone()?;
        Some(Drift { device, steps })
    }
}

fn counted(lang: Lang, key: &str, count: impl ToString) -> String {
    lang.say(key, &[("count", &count.to_string())])
}

/// An action in words; its own name, where a newer version wrote it.
pub(crate) fn action_named(lang: Lang, action: &str) -> String {
    let name = action.replace('.', "_");
    let keys = ["staff_trail", "history"].map(|family| format!("{family}.action_is_{name}"));
    in_words(lang, &keys).unwrap_or_else(|| action.to_owned())
}

fn in_words(lang: Lang, keys: &[String]) -> Option<String> {
    let key = keys.iter().find(|key| is_said(key))?;
    Some(lang.say(key, &[]))
}
