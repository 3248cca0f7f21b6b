//! The table `document`: documents of all nouns; see the tables' comments in the first migration.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row};
use store::{Document, Key, List, Owner};
use verify::UnixMs;

use super::{lookup, secret, summary};
use crate::fault::{Fault, Result};

macro_rules! columns {
    () => {
        "account, user, id, version, expires_at, secrets, body"
    };
}

/// The document of each key, in the order asked.
pub(crate) fn each(conn: &Connection, keys: &[Key]) -> Result<Vec<Option<Document>>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM document WHERE account = ? AND user = ? AND noun = ? AND id = ?"
    );
    let mut statement = conn.prepare_cached(SQL)?;
    let mut reader = Reader::default();
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        let mut rows = statement.query((&key.account, &key.user, key.noun, &key.id))?;
        found.push(rows.next()?.map(|row| reader.read(row, key.noun)).transpose()?);
    }
    reader.put_secrets(conn, found.iter_mut().flatten())?;
    Ok(found)
}

/// Up to `limit` documents of a noun.
pub(crate) fn list(conn: &Connection, noun: &'static str, list: &List, limit: u32) -> Result<Vec<Document>> {
    const GLOBAL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM document WHERE account = '' AND user = '' AND noun = ? AND id > ? ORDER BY id LIMIT ?"
    );
    const EXPIRED: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM document WHERE noun = ? AND expires_at < ? ORDER BY expires_at LIMIT ?"
    );
    // The order of the table itself: `noun` is one.
    const EVERY: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM document WHERE (account, user, noun, id) > (?, ?, ?, ?) AND noun = ? \
         ORDER BY account, user, noun, id LIMIT ?"
    );
    const LOOKUP: &str = "SELECT document.account, document.user, document.id, version, expires_at, secrets, body \
         FROM lookup CROSS JOIN document USING (account, user, noun, id) \
         WHERE lookup.noun = ? AND name = ? AND value >= ? AND value < ? \
         ORDER BY value, lookup.account, lookup.user, lookup.id LIMIT ?";
    match list {
        List::Global { after } => rows(conn, GLOBAL, (noun, after, limit), noun),
        List::Expired(at) => rows(conn, EXPIRED, (noun, at.get(), limit), noun),
        List::Every { after } => {
            let (account, user, after_noun, id) = after_key(after.as_ref());
            rows(conn, EVERY, (account, user, after_noun, id, noun, limit), noun)
        }
        List::Lookup { name, prefix, after } => {
            let (from, to) = List::between(prefix, after);
            rows(conn, LOOKUP, (noun, name, from, to, limit), noun)
        }
    }
}

/// The parts of a key in the table's order; of none, what comes before all others.
fn after_key(after: Option<&Key>) -> (&str, &str, &str, &str) {
    after.map_or(("", "", "", ""), |key| (&key.account, &key.user, key.noun, &key.id))
}

/// How many documents of a noun there are in a list: by an index alone, and no more than `most`.
pub(crate) fn count(conn: &Connection, noun: &'static str, list: &List, most: u32) -> Result<u32> {
    const GLOBAL: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM document \
         WHERE account = '' AND user = '' AND noun = ? AND id > ? LIMIT ?)";
    const EVERY: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM document \
         WHERE (account, user, noun, id) > (?, ?, ?, ?) AND noun = ? LIMIT ?)";
    const EXPIRED: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM document WHERE noun = ? AND expires_at < ? LIMIT ?)";
    const LOOKUP: &str =
        "SELECT COUNT(*) FROM (SELECT 1 FROM lookup WHERE noun = ? AND name = ? AND value >= ? AND value < ? LIMIT ?)";
    let number = |row: &Row<'_>| row.get(0);
    let counted = match list {
        List::Global { after } => conn.prepare_cached(GLOBAL)?.query_row((noun, after, most), number),
        List::Expired(at) => conn.prepare_cached(EXPIRED)?.query_row((noun, at.get(), most), number),
        List::Every { after } => {
            let (account, user, after_noun, id) = after_key(after.as_ref());
            conn.prepare_cached(EVERY)?
                .query_row((account, user, after_noun, id, noun, most), number)
        }
        List::Lookup { name, prefix, after } => {
            let (from, to) = List::between(prefix, after);
            conn.prepare_cached(LOOKUP)?
                .query_row((noun, name, from, to, most), number)
        }
    };
    Ok(counted?)
}

fn rows(conn: &Connection, sql: &str, of: impl rusqlite::Params, noun: &'static str) -> Result<Vec<Document>> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(of)?;
    let mut reader = Reader::default();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(reader.read(row, noun)?);
    }
    reader.put_secrets(conn, found.iter_mut())?;
    Ok(found)
}

/// Reads documents, then the secrets of all of them.
#[derive(Default)]
struct Reader {
    /// The numbers of the secrets of each document that was read, one after the other.
    numbers: Vec<i64>,
    /// How many each document has.
    counts: Vec<usize>,
    /// The account and the user of the last one, which the next one often has, too.
    account: Arc<str>,
    user: Arc<str>,
}

impl Reader {
    /// A document, still without its secrets.
    fn read(&mut self, row: &Row<'_>, noun: &'static str) -> Result<Document> {
        for (column, part) in [(0, &mut self.account), (1, &mut self.user)] {
            let text = row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?;
            if **part != *text {
                *part = text.into();
            }
        }
        let key = Key {
            account: self.account.clone(),
            user: self.user.clone(),
            noun,
            id: row.get(2)?,
        };
        match self.rest(row, &key) {
            Ok((version, expires_at, body)) => Ok(Document {
                key,
                version,
                expires_at,
                // Nobody who reads asks for them: they are made anew with the next version.
                lookups: Vec::new(),
                summary: None,
                secrets: Vec::new(),
                body,
            }),
            Err(fault) => Err(fault.about(noun, format_args!("{key:?}"))),
        }
    }

    fn rest(&mut self, row: &Row<'_>, key: &Key) -> Result<(u64, Option<UnixMs>, String)> {
        let numbers = row.get_ref(5)?.as_str_or_null().map_err(rusqlite::Error::from)?;
        let numbers = numbers_of(numbers).ok_or_else(|| Fault::damaged(key.noun, format_args!("{key:?}")))?;
        self.counts.push(numbers.len());
        self.numbers.extend(numbers);
        let expires_at = row.get::<_, Option<i64>>(4)?.map(UnixMs::new);
        Ok((row.get::<_, i64>(3)?.cast_unsigned(), expires_at, row.get(6)?))
    }

    /// Puts the secrets of the documents that were read, in that order, into them.
    fn put_secrets<'a>(self, conn: &Connection, documents: impl Iterator<Item = &'a mut Document>) -> Result<()> {
        let mut secrets = secret::each(conn, &self.numbers)?.into_iter();
        for (document, count) in documents.zip(self.counts) {
            document.secrets.extend(secrets.by_ref().take(count));
        }
        Ok(())
    }
}

/// The version of the document of this key.
pub(crate) fn version(conn: &Connection, key: &Key) -> Result<Option<u64>> {
    const SQL: &str = "SELECT version FROM document WHERE account = ? AND user = ? AND noun = ? AND id = ?";
    let found = conn
        .prepare_cached(SQL)?
        .query_row((&key.account, &key.user, key.noun, &key.id), |row| row.get::<_, i64>(0))
        .optional()?;
    Ok(found.map(i64::cast_unsigned))
}

/// Writes it over what there was; `true` where a secret was erased by this.
pub(crate) fn put(tx: &Connection, document: &Document) -> Result<bool> {
    const SQL: &str = concat!(
        "INSERT OR REPLACE INTO document (noun, lookups, ",
        columns!(),
        ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
    );
    let Key {
        account,
        user,
        noun,
        id,
    } = &document.key;
    let old = stored(tx, &document.key)?;
    let lookups = lookup::text_of(&document.lookups);
    let replaced = secret::replace(tx, &old.secrets, &document.secrets)?;
    summary::put(tx, document, &old.secrets, &replaced.numbers)?;
    if lookups != old.lookups {
        lookup::delete(tx, &document.key, old.lookups.as_deref())?;
        lookup::insert(tx, document)?;
    }
    tx.prepare_cached(SQL)?.execute((
        noun,
        lookups,
        account,
        user,
        id,
        document.version.cast_signed(),
        document.expires_at.map(UnixMs::get),
        (!replaced.numbers.is_empty()).then(|| format!("{:?}", replaced.numbers)),
        &document.body,
    ))?;
    Ok(replaced.erased)
}

/// Removes it; `true` where a secret was erased by this.
pub(crate) fn delete(tx: &Connection, key: &Key) -> Result<bool> {
    let old = stored(tx, key)?;
    lookup::delete(tx, key, old.lookups.as_deref())?;
    summary::delete(tx, key, &old.secrets)?;
    let replaced = secret::replace(tx, &old.secrets, &[])?;
    tx.prepare_cached("DELETE FROM document WHERE account = ? AND user = ? AND noun = ? AND id = ?")?
        .execute((&key.account, &key.user, key.noun, &key.id))?;
    Ok(replaced.erased)
}

/// Removes every document of this user, of whatever noun.
pub(crate) fn erase_of(tx: &Connection, owner: &Owner) -> Result<()> {
    let of = (&owner.account, &owner.user);
    let damaged = || Fault::damaged("document", format_args!("of {owner:?}"));
    let mut secrets = tx.prepare_cached("SELECT secrets FROM document WHERE account = ? AND user = ?")?;
    let mut rows = secrets.query(of)?;
    let mut numbers = Vec::new();
    while let Some(row) = rows.next()? {
        let text: Option<String> = row.get(0)?;
        numbers.extend(numbers_of(text.as_deref()).ok_or_else(damaged)?);
    }
    secret::replace(tx, &numbers, &[])?;
    lookup::delete_of(tx, owner)?;
    tx.prepare_cached("DELETE FROM document WHERE account = ? AND user = ?")?
        .execute(of)?;
    Ok(())
}

/// The rows that a document has in other tables.
#[derive(Default)]
struct Stored {
    lookups: Option<String>,
    secrets: Vec<i64>,
}

fn stored(tx: &Connection, key: &Key) -> Result<Stored> {
    const SQL: &str = "SELECT lookups, secrets FROM document WHERE account = ? AND user = ? AND noun = ? AND id = ?";
    let found = tx
        .prepare_cached(SQL)?
        .query_row((&key.account, &key.user, key.noun, &key.id), |row| {
            Ok((row.get(0)?, row.get::<_, Option<String>>(1)?))
        })
        .optional()?;
    let Some((lookups, numbers)) = found else {
        return Ok(Stored::default());
    };
    let secrets = numbers_of(numbers.as_deref()).ok_or_else(|| Fault::damaged(key.noun, format_args!("{key:?}")))?;
    Ok(Stored { lookups, secrets })
}

pub(super) fn numbers_of(text: Option<&str>) -> Option<Vec<i64>> {
    text.map_or(Some(Vec::new()), |text| serde_json::from_str(text).ok())
}
