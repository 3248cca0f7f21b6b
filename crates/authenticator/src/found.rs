//! Which entry is meant, and what is said of one.

use serde_json::{Value, json};
use vault::{Entries, Entry, EntryId, Kind, Order};

use crate::Refusal;

/// The one entry that `words` mean: `#7` by its number, a whole name, or pieces that no other entry has.
pub(crate) fn one<'a>(entries: &'a Entries, words: &[String]) -> Result<&'a Entry, Refusal> {
    let query = words.join(" ");
    if let Some(id) = query.strip_prefix('#').and_then(|id| id.parse().ok()) {
        let entry = entries.get(EntryId::new(id));
        return entry.ok_or_else(|| Refusal::new(format!("no entry has the number #{id}")));
    }
    let found = entries.search(&query, Order::Name);
    let is_whole = |entry: &&Entry| {
        let names = [entry.issuer.as_str(), entry.account.as_str(), &entry.title()];
        names.iter().any(|name| name.to_lowercase() == query.to_lowercase())
    };
    let whole: Vec<&Entry> = found.iter().copied().filter(is_whole).collect();
    match (found.as_slice(), whole.as_slice()) {
        ([], _) => Err(Refusal::new(format!("no entry is called {query}"))
            .help("`countersign authenticator list` shows what there is")),
        ([entry], _) | (_, [entry]) => Ok(entry),
        _ => {
            let names: Vec<_> = found.iter().map(|entry| format!("  {}", numbered(entry))).collect();
            Err(Refusal::usage(format!(
                "{} entries are meant by {query}:\n{}",
                names.len(),
                names.join("\n")
            ))
            .help("say more of its name, or its number, such as '#7'"))
        }
    }
}

/// `#7 Example (alice)`.
pub(crate) fn numbered(entry: &Entry) -> String {
    format!("#{} {}", entry.id().get(), entry.title())
}

/// What is unusual about its codes, if anything.
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

/// All but the secret, for programs.
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
