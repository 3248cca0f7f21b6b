//! The table `summary`: of each document that has one, what is read where all of a noun are looked through.

use rusqlite::Connection;
use store::{Document, Key, Summary};

use super::secret;
use crate::fault::Result;

/// Up to `limit` summaries of a noun after this id, in the order of ids.
pub(crate) fn list(conn: &Connection, noun: &str, after: &str, limit: u32) -> Result<Vec<Summary>> {
    const SQL: &str = "SELECT id, secret, text FROM summary WHERE noun = ? AND id > ? ORDER BY id LIMIT ?";
    let mut statement = conn.prepare_cached(SQL)?;
    let mut rows = statement.query((noun, after, limit))?;
    let (mut words, mut numbers) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        words.push((row.get(0)?, row.get(2)?));
        numbers.push(row.get(1)?);
    }
    let secrets = secret::each(conn, &numbers)?;
    let summary = |((id, text), sealed)| Summary { id, text, sealed };
    Ok(words.into_iter().zip(secrets).map(summary).collect())
}

/// Writes the one of this document, whose secrets have these numbers, over what there was.
pub(super) fn put(tx: &Connection, document: &Document, old_secrets: &[i64], numbers: &[i64]) -> Result<()> {
    let (Some(text), Some(secret)) = (&document.summary, numbers.last()) else {
        return delete(tx, &document.key, old_secrets);
    };
    tx.prepare_cached("INSERT OR REPLACE INTO summary (noun, id, secret, text) VALUES (?, ?, ?, ?)")?
        .execute((document.key.noun, &document.key.id, secret, text))?;
    Ok(())
}

/// Removes the one of the document of this key, which had these secrets: without any it had none.
pub(super) fn delete(tx: &Connection, key: &Key, old_secrets: &[i64]) -> Result<()> {
    let may_have_one = key.account.is_empty() && key.user.is_empty() && !old_secrets.is_empty();
    if may_have_one {
        tx.prepare_cached("DELETE FROM summary WHERE noun = ? AND id = ?")?
            .execute((key.noun, &key.id))?;
    }
    Ok(())
}
