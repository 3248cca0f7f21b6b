//! Documents: everything that is kept beside the devices' states and the trail.
//!
//! A noun of the service is one file in this crate: a struct with `serde` derives and its [`Noun`]. An engine has one table
//! of documents and one of lookups, and knows no noun by name, so that a further noun costs it nothing.

use std::{fmt, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};
use verify::UnixMs;

use crate::{Owner, Pending, Sealed, Store, StoreError};

/// The key of a document: what it is, whose it is, and which one.
///
/// All parts are text without control characters. Keys are ordered by bytes, as account, user, noun, id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The account; empty for what belongs to no account.
    pub account: Arc<str>,
    /// The user under that account; empty for what belongs to the account itself, or to none.
    pub user: Arc<str>,
    /// [`Noun::NAME`].
    pub noun: &'static str,
    /// Which of them; empty where there is one at most.
    pub id: Arc<str>,
}

impl Key {
    /// Of something that belongs to no account.
    pub fn global(noun: &'static str, id: impl Into<Arc<str>>) -> Self {
        Self {
            account: "".into(),
            user: "".into(),
            noun,
            id: id.into(),
        }
    }

    /// Of something of one user.
    pub fn of_user(owner: &Owner, noun: &'static str, id: impl Into<Arc<str>>) -> Self {
        Self {
            account: owner.account.clone(),
            user: owner.user.clone(),
            noun,
            id: id.into(),
        }
    }

    /// Whose it is, for a document of a user.
    pub fn owner(&self) -> Owner {
        Owner::new(self.account.clone(), self.user.clone())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.noun)?;
        let parts = [&self.account, &self.user, &self.id].into_iter();
        parts
            .filter(|part| !part.is_empty())
            .try_for_each(|part| write!(f, "/{part}"))
    }
}

/// A record as engines keep it.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// Where it stands.
    pub key: Key,
    /// Raised by every change.
    pub version: u64,
    /// When housekeeping has to look at it.
    pub expires_at: Option<UnixMs>,
    /// By what it is found beside its key.
    pub lookups: Vec<Lookup>,
    /// One JSON object, whose `v` is the format.
    pub body: String,
    /// The sealed secrets that the body names, in its order: they stand apart, so that erasing them and sealing them anew
    /// have one place.
    pub secrets: Vec<Sealed>,
}

/// A value by which a document is found beside its key, as a list in order or as the only one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lookup {
    /// What of the noun: `stage`, say.
    pub name: &'static str,
    /// The parts of the value, joined; see [`value`].
    pub value: String,
    /// No other document of the noun may have it.
    pub unique: bool,
}

/// Between the parts of a [`Lookup`]'s value: lower than every character that a part may have, so that values are ordered
/// by their first part, then by the second.
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

/// Which documents a list is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum List {
    /// All of a noun that belong to no account, in the order of their ids.
    Global {
        /// Only what comes after this id; all for the empty one.
        after: String,
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

/// A kind of record: its name, its key, its body.
///
/// The body is what `serde` makes of it; a [`Sealed`] in it reads `"sealed"` there and stands apart in the document. A
/// reader takes bodies of older formats; a field's name carries its unit.
pub trait Noun: Serialize + DeserializeOwned + Send + 'static {
    /// In keys and tables.
    const NAME: &'static str;

    /// Raised when a reader of before would misunderstand the body.
    const FORMAT: u32 = 1;

    /// Where it stands.
    fn key(&self) -> Key;

    /// Raised by every change.
    fn version(&self) -> u64;

    /// When housekeeping has to look at it.
    fn expires_at(&self) -> Option<UnixMs> {
        None
    }

    /// By what it is found beside its key.
    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }

    /// Its sealed secrets, in the order of the body.
    fn secrets(&self) -> Vec<&Sealed> {
        Vec::new()
    }

    /// The same, to be put back where the body named them.
    fn secrets_mut(&mut self) -> Vec<&mut Sealed> {
        Vec::new()
    }
}

#[derive(Serialize)]
struct Written<'a, N> {
    v: u32,
    #[serde(flatten)]
    noun: &'a N,
}

#[derive(serde::Deserialize)]
struct Format {
    v: u32,
}

impl Document {
    /// The record as it is kept. One that `serde` cannot write has no body, and no engine is given it.
    pub fn of<N: Noun>(noun: &N) -> Self {
        let written = Written { v: N::FORMAT, noun };
        Self {
            key: noun.key(),
            version: noun.version(),
            expires_at: noun.expires_at(),
            lookups: noun.lookups(),
            body: serde_json::to_string(&written).unwrap_or_default(),
            secrets: noun.secrets().into_iter().cloned().collect(),
        }
    }

    /// The record that was kept.
    pub fn read<N: Noun>(self) -> Result<N, StoreError> {
        let damaged = |why: &dyn fmt::Display| StoreError::Damaged(format!("{:?}: {why}", self.key));
        if format(&self.body).map_err(|error| damaged(&unquoted(&error)))? > N::FORMAT {
            return Err(damaged(&"it was written by a newer version of this program"));
        }
        let mut noun: N = serde_json::from_str(&self.body).map_err(|error| damaged(&unquoted(&error)))?;
        let places = noun.secrets_mut();
        if places.len() != self.secrets.len() {
            return Err(damaged(&"its secrets are not all there"));
        }
        places
            .into_iter()
            .zip(self.secrets)
            .for_each(|(place, sealed)| *place = sealed);
        if noun.key() != self.key || noun.version() != self.version {
            return Err(StoreError::Damaged(format!("{:?}: it is another record's", self.key)));
        }
        Ok(noun)
    }
}

/// The format of a body. It stands first where we wrote it, so that the rest is read once.
fn format(body: &str) -> Result<u32, serde_json::Error> {
    let first = body
        .strip_prefix("{\"v\":")
        .and_then(|rest| rest.split_once([',', '}']));
    match first.map(|(v, _)| v.parse()) {
        Some(Ok(v)) => Ok(v),
        _ => serde_json::from_str::<Format>(body).map(|format| format.v),
    }
}

/// Where a body cannot be read, without a word of what stands there.
fn unquoted(error: &serde_json::Error) -> String {
    format!("its body cannot be read at character {}", error.column())
}

/// Reading documents: what an engine provides for all nouns.
pub trait Documents: Send + Sync {
    /// The document of each key, in the order asked.
    fn documents(&self, keys: Vec<Key>) -> Pending<'_, Vec<Option<Document>>>;

    /// Up to `limit` documents of a noun.
    fn documents_in(&self, noun: &'static str, list: List, limit: u32) -> Pending<'_, Vec<Document>>;
}

/// Reading nouns: what every noun's own readings are made of.
impl dyn Store + '_ {
    /// The one of this key.
    pub fn one<N: Noun>(&self, key: Key) -> Pending<'_, Option<N>> {
        let asked = self.documents(vec![key]);
        Box::pin(async move { asked.await?.pop().flatten().map(Document::read).transpose() })
    }

    /// The one of each key, in the order asked.
    pub fn each<N: Noun>(&self, keys: Vec<Key>) -> Pending<'_, Vec<Option<N>>> {
        let asked = self.documents(keys);
        Box::pin(async move {
            asked
                .await?
                .into_iter()
                .map(|found| found.map(Document::read).transpose())
                .collect()
        })
    }

    /// Up to `limit` of a list.
    pub fn list<N: Noun>(&self, list: List, limit: u32) -> Pending<'_, Vec<N>> {
        let asked = self.documents_in(N::NAME, list, limit);
        Box::pin(async move { asked.await?.into_iter().map(Document::read).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{owner, sealed};
    use crate::{Protection, StoreError};

    #[test]
    fn a_spoiled_document_is_damage() {
        let document = Document::of(&Protection {
            owner: owner(),
            version: 4,
            login_protection: true,
            operation_protection: false,
        });
        let spoiled = [
            document.body.replace("true", "\"hunter2\""),
            document.body.replace("\"v\":1", "\"v\":2"),
            document.body.replace("\"version\":4", "\"version\":5"),
            document.body.replace("acme", "hunter2"),
            "{}".into(),
            String::new(),
        ];
        for body in spoiled {
            let read = Document {
                body,
                ..document.clone()
            }
            .read::<Protection>();
            let Err(StoreError::Damaged(why)) = read else {
                panic!("it is read");
            };
            assert!(
                why.starts_with("protection/acme/álice: ") && !why.contains("hunter2"),
                "{why}"
            );
        }
        let secret = vec![sealed(1)];
        let more = Document {
            secrets: secret,
            ..document
        };
        assert!(more.read::<Protection>().is_err(), "a secret that nobody named");
    }
}
