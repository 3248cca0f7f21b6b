//! What happened to a user, in words. Of the causes of a refusal only one is told: that the code had been used, which helps
//! nobody who guesses at codes to come (D5).

use serde::Deserialize;
use service::{Client, Record, UnixMs};

use crate::pages::{
    agent,
    words::{Lang, is_said},
};

/// One event, as its user reads it.
pub(crate) struct Happened {
    pub(crate) at: UnixMs,
    pub(crate) what: String,
    pub(crate) outcome: String,
    /// Who did it, where that was not the user.
    pub(crate) by: Option<String>,
    /// The browser, where one is known.
    pub(crate) browser: Option<String>,
    pub(crate) address: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    action: String,
    outcome: String,
    cause: Option<String>,
    actor: Option<SaidActor>,
    client: Option<SaidClient>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SaidActor {
    kind: String,
    ip: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SaidClient {
    ip: Option<String>,
    user_agent: Option<String>,
}

impl Happened {
    /// The words of a record. What was erased, or has no words yet, is said to be something.
    pub(crate) fn of(lang: Lang, record: &Record) -> Self {
        let said: Option<Said> = record
            .event
            .as_deref()
            .and_then(|event| serde_json::from_str(event).ok());
        let said = said.unwrap_or_default();
        let action = said.action.replace('.', "_");
        let actor = said.actor.unwrap_or_default();
        let client = said.client.map(|client| Client {
            ip: client.ip,
            user_agent: client.user_agent,
        });
        let has_browser = client.as_ref().is_some_and(|client| client.user_agent.is_some());
        let address = agent::address(client.as_ref());
        Self {
            at: record.at,
            what: known(lang, &format!("history.action_is_{action}"), "history.something"),
            outcome: match said.cause.as_deref() {
                Some("used") => lang.say("history.used", &[]),
                _ => known(
                    lang,
                    &format!("history.outcome_is_{}", said.outcome),
                    "history.some_outcome",
                ),
            },
            by: by(lang, &actor.kind),
            browser: has_browser.then(|| agent::browser(lang, client.as_ref())),
            address: match address.is_empty() {
                true => actor.ip.unwrap_or_default(),
                false => address,
            },
        }
    }
}

fn known(lang: Lang, key: &str, or: &'static str) -> String {
    lang.say(if is_said(key) { key } else { or }, &[])
}

fn by(lang: Lang, kind: &str) -> Option<String> {
    let key = match kind {
        "admin" => "history.by_admin",
        "support" => "history.by_support",
        _ => return None,
    };
    Some(lang.say(key, &[]))
}

#[cfg(test)]
#[cfg_attr(test, allow(clippy::disallowed_methods, reason = "a test reads its own sources"))]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use service::{Decision, NoticeKind};

    use super::*;

    /// Actions that are about no user, and the name of a file.
    const OTHERS: &[&str] = &[
        "batch.change",
        "batch.create",
        "batch.open_to",
        "clock.accept",
        "clock.believe",
        "clock.mark",
        "delivery.expire",
        "enrollment.expire",
        "export.approve",
        "export.hand_out",
        "export.request",
        "export.withdraw",
        "grant_key.add",
        "idempotency.expire",
        "key.create",
        "key.revoke",
        "keyring.end_witness",
        "keyring.reseal",
        "keyring.witness",
        "operation.set",
        "operations.tsv",
        "page_link.expire",
        "page_session.expire",
        "page_session.sign_in",
        "passcode.expire",
        "requirements.change",
        "session.expire",
        "session.touch",
        "storage.probe",
        "token.assign",
        "token.import",
        "token.lose",
        "token.retire",
        "token.return",
        "token.unassign",
        "trusted_device.expire",
        "unbind_request.expire",
        "usual_cities.expire",
        "webhook.create",
        "webhook.delete",
        "webhook.give_up",
        "webhook.replay",
        "webhook.rotate",
        "user_names.rename",
        "user_names.set",
    ];

    /// The sources of the service, without their tests.
    fn sources() -> Vec<String> {
        let mut left = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../service/src")];
        let mut texts = Vec::new();
        while let Some(path) = left.pop() {
            if path.is_dir() {
                let entries = fs::read_dir(path).expect("a directory");
                left.extend(entries.map(|entry| entry.expect("an entry").path()));
            } else {
                let text = fs::read_to_string(path).expect("a source");
                let own = text.split("#[cfg(test)]").next().unwrap_or_default();
                texts.push(own.to_owned());
            }
        }
        texts
    }

    fn is_word(text: &str) -> bool {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    }

    fn actions() -> BTreeSet<String> {
        let mut found = BTreeSet::from(["verify".to_owned()]);
        for text in sources() {
            let literals = text.split('"').skip(1).step_by(2);
            let dotted = literals.filter(|literal| literal.contains('.') && literal.split('.').all(is_word));
            found.extend(dotted.map(str::to_owned));
        }
        found
    }

    #[test]
    fn every_action_of_a_users_event_has_words() {
        let actions = actions();
        assert!(actions.len() > 60, "the sources were not found: {actions:?}");
        let is_said = |action: &str| is_said(&format!("history.action_is_{}", action.replace('.', "_")));
        let others: BTreeSet<&str> = OTHERS.iter().copied().collect();
        // A notice is named after what happened, and is no event by itself.
        let notices: BTreeSet<&str> = NoticeKind::ALL.iter().map(|kind| kind.name()).collect();
        let is_other = |action: &str| others.contains(action) || notices.contains(action);
        let unsaid = actions.iter().filter(|action| !is_other(action) && !is_said(action));
        let unsaid: Vec<_> = unsaid.collect();
        assert!(unsaid.is_empty(), "a user's history has no words for {unsaid:?}");
        let gone: Vec<_> = others.iter().filter(|other| !actions.contains(**other)).collect();
        assert!(gone.is_empty(), "no source says {gone:?} any more");
        let both: Vec<_> = others.iter().filter(|other| is_said(other)).collect();
        assert!(both.is_empty(), "there are words for what is said of no user: {both:?}");
    }

    #[test]
    fn every_action_has_words_for_staff_and_stands_among_the_kinds() {
        use crate::pages::staff::{action_named, every_kind};
        let notices: BTreeSet<&str> = NoticeKind::ALL.iter().map(|kind| kind.name()).collect();
        let kinds: BTreeSet<String> = every_kind().map(str::to_owned).collect();
        let is_event = |action: &String| !notices.contains(&**action) || is_said(&said_of(action));
        let actions: BTreeSet<String> = actions().into_iter().filter(is_event).collect();
        let actions: BTreeSet<String> = actions.into_iter().filter(|name| name != "operations.tsv").collect();
        assert_eq!(kinds, actions);
        for kind in every_kind() {
            let (en, zh) = (action_named(Lang::En, kind), action_named(Lang::Zh, kind));
            assert!(en != kind && zh != kind, "there are no words for {kind}");
            let speaks_to_the_user = en.to_lowercase().contains("you") || zh.contains('您');
            assert!(!speaks_to_the_user, "staff are no users: {en} {zh}");
        }
    }

    fn said_of(action: &str) -> String {
        format!("history.action_is_{}", action.replace('.', "_"))
    }

    #[test]
    fn every_outcome_has_words() {
        let mut outcomes: BTreeSet<String> = [Decision::Allow, Decision::Challenge, Decision::Deny]
            .map(|decision| decision.name().to_owned())
            .into();
        // Counted, not written one by one.
        outcomes.extend(["locked", "repeated"].map(str::to_owned));
        for text in sources() {
            for line in text.lines() {
                let makes_one = ["entry(", "NewEvent::new(", "event_of(\"", ".event(\""]
                    .iter()
                    .any(|call| line.contains(call));
                // What follows a blank or a bracket and is one word: the action, if it is there, has a dot.
                let literals = line
                    .split('"')
                    .skip(1)
                    .step_by(2)
                    .filter(|literal| makes_one && is_word(literal));
                let first = literals.filter(|literal| *literal != "verify").take(1);
                outcomes.extend(first.map(str::to_owned));
            }
        }
        assert!(outcomes.contains("accepted") && outcomes.contains("refused") && outcomes.contains("done"));
        let unsaid = outcomes
            .iter()
            .filter(|outcome| !is_said(&format!("history.outcome_is_{outcome}")));
        let unsaid: Vec<_> = unsaid.collect();
        assert!(unsaid.is_empty(), "a user's history has no words for {unsaid:?}");
    }

    #[test]
    fn d5_what_has_no_words_is_said_to_be_something() {
        for lang in [Lang::En, Lang::Zh] {
            let neutral = known(lang, &format!("history.action_is_{}", "grant_all"), "history.something");
            assert_eq!(neutral, lang.say("history.something", &[]));
        }
    }
}
