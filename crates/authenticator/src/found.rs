//! Which entry is meant, and what is said of one.

use serde_json::{Value, json};
use vault::{Entries, Entry, EntryId, Kind, Order};

use crate::{Refusal, prompt::Prompt};

/// Entries that are named before the rest is counted.
pub(crate) const MOST_NAMED: usize = 20;

/// The entry that somebody's words mean.
pub(crate) struct Meant<'a> {
    pub(crate) entry: &'a Entry,
    /// By its number or a whole name, and not by pieces, which a new entry or a slip of the finger makes mean another one.
    is_certain: bool,
}

impl<'a> Meant<'a> {
    /// The one entry, for what cannot be taken back and is done without a question.
    pub(crate) fn certain(self) -> Result<&'a Entry, Refusal> {
        if self.is_certain {
            return Ok(self.entry);
        }
        let said = numbered(self.entry);
        let what = format!("{said} is named by pieces only, which is not enough here: nothing was done");
        Err(Refusal::usage(what).help(self.in_full()))
    }

    /// The one entry, where a person may be asked.
    pub(crate) fn certain_or_asked(self, prompt: Prompt, question: &str) -> Result<&'a Entry, Refusal> {
        let question = format!("{question} {}?", numbered(self.entry));
        match self.is_certain || prompt.confirm(&question, &self.in_full())? {
            true => Ok(self.entry),
            false => Err(Refusal::new("nothing was done")),
        }
    }

    fn in_full(&self) -> String {
        format!("say its whole name, or its number: '#{}'", self.entry.id().get())
    }
}

/// The one entry that `words` mean: `#7` by its number, or by its names. Notes and groups are for `list` to search, because
/// what is remembered of one entry may name another.
pub(crate) fn meant<'a>(entries: &'a Entries, words: &[String]) -> Result<Meant<'a>, Refusal> {
    let query = words.join(" ");
    if let Some(id) = query.strip_prefix('#').and_then(|id| id.parse().ok()) {
        let entry = entries.get(EntryId::new(id));
        return entry
            .map(|entry| Meant {
                entry,
                is_certain: true,
            })
            .ok_or_else(|| Refusal::new(format!("no entry has the number #{id}")));
    }
    let asked = query.trim().to_lowercase();
    let nearest = entries
        .iter()
        .filter_map(|entry| Some((nearness(entry, &asked)?, entry)));
    let nearest: Vec<_> = nearest.collect();
    let best = nearest.iter().map(|(nearness, _)| *nearness).min();
    let found: Vec<&Entry> = nearest
        .into_iter()
        .filter(|(nearness, _)| Some(*nearness) == best)
        .map(|(_, entry)| entry)
        .collect();
    match found.as_slice() {
        [] => Err(none_is(entries, &query)),
        [entry] => Ok(Meant {
            entry,
            is_certain: best != Some(Nearness::Pieces),
        }),
        _ => Err(Refusal::usage(format!(
            "{} entries are meant by {query}:\n{}",
            found.len(),
            lines(&found)
        ))
        .help("say more of its name, or its number, such as '#7'")),
    }
}

/// The one entry that pieces of a name find.
pub(crate) fn one<'a>(entries: &'a Entries, words: &[String]) -> Result<&'a Entry, Refusal> {
    meant(entries, words).map(|meant| meant.entry)
}

/// Grades of a match between words and an entry, best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    /// All of its name, as it is printed or as the two names in a row.
    Whole,
    /// All of its issuer or of its account.
    OneName,
    /// Pieces of them.
    Pieces,
}

fn nearness(entry: &Entry, asked: &str) -> Option<Nearness> {
    let names = [&entry.issuer, &entry.account].map(|name| name.as_str().to_lowercase());
    let is_whole = [entry.title(), numbered(entry)]
        .iter()
        .any(|title| title.to_lowercase() == asked)
        || names.join(" ") == asked;
    let has = |piece: &str| names.iter().any(|name| name.contains(piece));
    if asked.is_empty() {
        None
    } else if is_whole {
        Some(Nearness::Whole)
    } else if names.iter().any(|name| name == asked) {
        Some(Nearness::OneName)
    } else {
        asked.split_whitespace().all(has).then_some(Nearness::Pieces)
    }
}

fn none_is(entries: &Entries, query: &str) -> Refusal {
    let elsewhere = entries.search(query, Order::Name);
    let what = format!("no entry is called {query}");
    match elsewhere.is_empty() || query.trim().is_empty() {
        true => Refusal::new(what).help("`countersign authenticator list` shows what there is"),
        false => Refusal::new(format!("{what}; a note or a group says it of\n{}", lines(&elsewhere)))
            .help("if you mean that one, say its name or its number"),
    }
}

fn lines(entries: &[&Entry]) -> String {
    let mut lines: Vec<_> = entries
        .iter()
        .take(MOST_NAMED)
        .map(|entry| format!("  {}", numbered(entry)))
        .collect();
    let more = entries.len() - lines.len();
    if more > 0 {
        lines.push(format!("  and {more} more"));
    }
    lines.join("\n")
}

/// `#7 Example (alice)`.
pub(crate) fn numbered(entry: &Entry) -> String {
    format!("#{} {}", entry.id().get(), entry.title()).trim_end().to_owned()
}

/// `1 entry`, `2 entries`.
pub(crate) fn counted(entries: usize) -> String {
    match entries {
        1 => "1 entry".to_owned(),
        many => format!("{many} entries"),
    }
}

/// The unusual parameters of an entry's codes, if any.
pub(crate) fn unusual(entry: &Entry) -> String {
    let credential = entry.credential();
    let mut words = Vec::new();
    match credential.kind() {
        Kind::Totp { period_s } if credential.kind() != Kind::TOTP_30_S => words.push(format!("{period_s} s")),
        Kind::Totp { .. } => {}
        Kind::Hotp { counter } => words.push(format!("by use, next {counter}")),
        Kind::Steam => return "Steam".into(),
    }
    if credential.digits().get() != 6 {
        words.push(format!("{} digits", credential.digits()));
    }
    if credential.algorithm() != otp::Algorithm::Sha1 {
        words.push(credential.algorithm().name().into());
    }
    words.join(", ")
}

/// An entry as JSON, without its secret.
pub(crate) fn described(entry: &Entry) -> Value {
    let credential = entry.credential();
    let names: Vec<&str> = entry.groups.iter().map(vault::Name::as_str).collect();
    let counter = match credential.kind() {
        Kind::Hotp { counter } => Some(counter),
        Kind::Totp { .. } | Kind::Steam => None,
    };
    json!({
        "id": entry.id().get(),
        "issuer": entry.issuer.as_str(),
        "account": entry.account.as_str(),
        "note": entry.note.as_str(),
        "groups": names,
        "favourite": entry.favourite,
        "kind": kind_name(credential.kind()),
        "algorithm": credential.algorithm().name(),
        "digits": credential.digits().get(),
        "period_s": credential.kind().period_s(),
        "counter": counter,
        "uses": entry.uses(),
        "last_used_s": entry.last_used_s(),
    })
}

pub(crate) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Totp { .. } => "totp",
        Kind::Hotp { .. } => "hotp",
        Kind::Steam => "steam",
    }
}
