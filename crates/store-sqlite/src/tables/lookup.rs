//! The table `lookup`: the values by which documents are found; see the comments in the first migration.

use rusqlite::Connection;
use store::{Document, Key, Lookup, Owner};

use crate::fault::{Fault, Result};

/// The first of its unique lookups that another document has.
pub(crate) fn taken(conn: &Connection, document: &Document) -> Result<Option<&'static str>> {
    const SQL: &str = "SELECT 1 FROM lookup WHERE noun = ? AND name = ? AND value = ? \
         AND (account, user, id) <> (?, ?, ?)";
    let Key {
        account,
        user,
        noun,
        id,
    } = &document.key;
    for lookup in document.lookups.iter().filter(|lookup| lookup.unique) {
        let mut statement = conn.prepare_cached(SQL)?;
        if statement.exists((noun, lookup.name, &lookup.value, account, user, id))? {
            return Ok(Some(lookup.name));
        }
    }
    Ok(None)
}

/// Writes the lookups of a document that has none there.
pub(super) fn insert(tx: &Connection, document: &Document) -> Result<()> {
    const SQL: &str = "INSERT INTO lookup (noun, name, value, account, user, id) VALUES (?, ?, ?, ?, ?, ?)";
    let Key {
        account,
        user,
        noun,
        id,
    } = &document.key;
    let mut insert = tx.prepare_cached(SQL)?;
    for lookup in &document.lookups {
        insert.execute((noun, lookup.name, &lookup.value, account, user, id))?;
    }
    Ok(())
}

/// Removes these lookups of the document of this key.
pub(super) fn delete(tx: &Connection, key: &Key, lookups: Option<&str>) -> Result<()> {
    let Some(lookups) = lookups else { return Ok(()) };
    let lookups: Vec<(String, String)> =
        serde_json::from_str(lookups).map_err(|_| Fault::damaged(key.noun, format_args!("{key:?}")))?;
    let mut delete = tx.prepare_cached(
        "DELETE FROM lookup WHERE noun = ? AND name = ? AND value = ? AND account = ? AND user = ? AND id = ?",
    )?;
    for (name, value) in lookups {
        delete.execute((key.noun, name, value, &key.account, &key.user, &key.id))?;
    }
    Ok(())
}

/// Removes those of every document of this user, by the lookups that each document names: this table is in no order of users.
pub(super) fn delete_of(tx: &Connection, owner: &Owner) -> Result<()> {
    const SQL: &str = "DELETE FROM lookup WHERE (noun, name, value, account, user, id) IN \
         (SELECT noun, pair.value ->> 0, pair.value ->> 1, account, user, document.id \
          FROM document JOIN json_each(lookups) AS pair WHERE account = ? AND user = ?)";
    tx.prepare_cached(SQL)?.execute((&owner.account, &owner.user))?;
    Ok(())
}

/// The lookups as the document's own column has them.
pub(super) fn text_of(lookups: &[Lookup]) -> Option<String> {
    let pairs: Vec<_> = lookups.iter().map(|lookup| (lookup.name, &lookup.value)).collect();
    // Text always can be written.
    (!pairs.is_empty()).then(|| serde_json::to_string(&pairs).unwrap_or_default())
}
