//! Documents: everything that is kept beside users' rows and the trail.
//!
//! A noun of the service is one file in this crate: a struct with `serde` derives and its [`Noun`]. An engine has one table
//! of documents and one of lookups, and knows no noun by name, so that a further noun costs it nothing.

mod body;
mod lookup;

use std::{fmt, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};
use verify::UnixMs;

use crate::{Owner, Pending, Sealed, Store};

pub use lookup::{List, Lookup, SEPARATOR, value};

/// The key of a document: owner, noun and id.
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
    /// Its id among them; empty where there is one at most.
    pub id: Arc<str>,
}

impl Key {
    /// The key of something that belongs to no account.
    pub fn global(noun: &'static str, id: impl Into<Arc<str>>) -> Self {
        Self {
            account: "".into(),
            user: "".into(),
            noun,
            id: id.into(),
        }
    }

    /// The key of something of an account itself, of which it has one.
    pub fn of_account(account: &str, noun: &'static str) -> Self {
        Self {
            account: account.into(),
            ..Self::global(noun, "")
        }
    }

    /// The key of something of one user.
    pub fn of_user(owner: &Owner, noun: &'static str, id: impl Into<Arc<str>>) -> Self {
        Self {
            account: owner.account.clone(),
            user: owner.user.clone(),
            noun,
            id: id.into(),
        }
    }

    /// The owner, for a document of a user.
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
    /// Its key.
    pub key: Key,
    /// Raised by every change.
    pub version: u64,
    /// When housekeeping has to look at it.
    pub expires_at: Option<UnixMs>,
    /// The lookups by which it is found beside its key.
    pub lookups: Vec<Lookup>,
    /// Its [`Summary::text`].
    pub summary: Option<String>,
    /// One JSON object, whose `v` is the format.
    pub body: String,
    /// The sealed secrets that the body names, in its order: they stand apart, so that erasing them and sealing them anew
    /// have one place.
    pub secrets: Vec<Sealed>,
}

/// The summary of a document: what is read of each where all of a noun are looked through, kept beside it in a tenth of the
/// bytes. Only documents that belong to no account and have a secret have one.
#[derive(Clone, PartialEq, Eq)]
pub struct Summary {
    /// [`Key::id`] of the document.
    pub id: String,
    /// Words of the noun's, without control characters.
    pub text: String,
    /// The last of its secrets.
    pub sealed: Sealed,
}

/// A kind of record: its name, its key, its body.
///
/// The body is what `serde` makes of it; a [`Sealed`] in it reads `"sealed"` there and stands apart in the document. A
/// reader takes bodies of older formats; a field's name carries its unit.
pub trait Noun: Serialize + DeserializeOwned + Send + 'static {
    /// The noun's name in keys and tables.
    const NAME: &'static str;

    /// Raised when a reader of before would misunderstand the body.
    const FORMAT: u32 = 1;

    /// Its key.
    fn key(&self) -> Key;

    /// Raised by every change.
    fn version(&self) -> u64;

    /// When housekeeping has to look at it.
    fn expires_at(&self) -> Option<UnixMs> {
        None
    }

    /// The lookups by which it is found beside its key.
    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }

    /// Its [`Summary::text`], where it is to have a summary.
    fn summary(&self) -> Option<String> {
        None
    }

    /// Its sealed secrets, in the order of the body.
    fn secrets(&self) -> Vec<&Sealed> {
        Vec::new()
    }

    /// Its sealed secrets, to be put back where the body named them.
    fn secrets_mut(&mut self) -> Vec<&mut Sealed> {
        Vec::new()
    }
}

/// Reading documents: what an engine provides for all nouns.
pub trait Documents: Send + Sync {
    /// The document of each key, in the order asked.
    fn documents(&self, keys: Vec<Key>) -> Pending<'_, Vec<Option<Document>>>;

    /// Up to `limit` documents of a noun.
    fn documents_in(&self, noun: &'static str, list: List, limit: u32) -> Pending<'_, Vec<Document>>;

    /// Up to `limit` summaries of a noun's documents, after this id and in the order of ids.
    fn summaries_in(&self, noun: &'static str, after: String, limit: u32) -> Pending<'_, Vec<Summary>>;

    /// How many documents of a noun there are in a list; no more than `most` are counted.
    fn count_in(&self, noun: &'static str, list: List, most: u32) -> Pending<'_, u32>;
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
