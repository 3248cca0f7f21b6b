//! Lookups and lists: how documents are found beside their keys.

use verify::UnixMs;

use super::Key;

/// A value by which a document is found beside its key, as a list in order or as the only one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lookup {
    /// The name of the lookup: `status`, say.
    pub name: &'static str,
    /// The parts of the value, joined; see [`value`].
    pub value: String,
    /// No other document of the noun may have it.
    pub unique: bool,
}

/// The separator between the parts of a [`Lookup`]'s value: lower than every character that a part may have, so that
/// values are ordered by their first part, then by the second.
pub const SEPARATOR: char = '\u{1}';

/// The value of a lookup by these parts, which have no control characters.
pub fn value(parts: &[&str]) -> String {
    let mut value = String::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            value.push(SEPARATOR);
        }
        value.push_str(part);
    }
    value
}

impl Lookup {
    /// One of several documents that are listed by it.
    pub fn listed(name: &'static str, parts: &[&str]) -> Self {
        Self {
            name,
            value: value(parts),
            unique: false,
        }
    }

    /// The only document of its noun with this value.
    pub fn unique(name: &'static str, parts: &[&str]) -> Self {
        Self {
            unique: true,
            ..Self::listed(name, parts)
        }
    }
}

/// A list of documents: the condition, and the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum List {
    /// All of a noun that belong to no account, in the order of their ids.
    Global {
        /// Only what comes after this id; all for the empty one.
        after: String,
    },
    /// All of a noun, whosever they are, in the order of their keys. No index has it: for commands, where no service runs.
    Every {
        /// Only what comes after this key of the noun.
        after: Option<Key>,
    },
    /// Those with a [`Lookup`] of this name whose value begins with `prefix`, a whole number of parts, in the order of the
    /// values and then of the keys.
    Lookup {
        /// [`Lookup::name`].
        name: &'static str,
        /// The first parts, see [`value`].
        prefix: String,
        /// Only those whose next part comes after this; all for the empty one.
        after: String,
    },
    /// Those that have expired before this time, the longest overdue first.
    Expired(UnixMs),
}

impl List {
    /// The values of a list by lookup: from the first, which may be in it, to the second, which is not.
    pub fn between(prefix: &str, after: &str) -> (String, String) {
        // What continues a part with a further one sorts before this, and every other continuation after it.
        const END: char = '\u{2}';
        let from = match (prefix, after) {
            (_, "") => prefix.to_owned(),
            ("", _) => format!("{after}{END}"),
            _ => format!("{prefix}{SEPARATOR}{after}{END}"),
        };
        let to = if prefix.is_empty() {
            char::MAX.to_string()
        } else {
            format!("{prefix}{END}")
        };
        (from, to)
    }
}
