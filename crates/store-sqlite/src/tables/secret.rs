//! Sealed secrets, see the table's comment in the first migration.

use rusqlite::{CachedStatement, Connection, OptionalExtension};
use store::Sealed;

use crate::error::{Fault, Result};

/// Reads one after the other: the statement is looked up once for all of them.
pub(crate) struct Secrets<'a>(CachedStatement<'a>);

impl<'a> Secrets<'a> {
    pub(crate) fn of(conn: &'a Connection) -> Result<Self> {
        Ok(Self(
            conn.prepare_cached("SELECT key_id, bytes FROM secret WHERE number = ?")?,
        ))
    }

    pub(crate) fn get(&mut self, number: i64) -> Result<Sealed> {
        let found = self.0.query_row([number], |row| {
            Ok(Sealed {
                key_id: row.get(0)?,
                bytes: row.get(1)?,
            })
        });
        found.optional()?.ok_or_else(|| Fault::damaged("secret", number))
    }
}

/// Where a record's secrets are after a change of the record.
pub(crate) struct Replaced {
    pub(crate) numbers: Vec<i64>,
    /// An old one was erased.
    pub(crate) erased: bool,
}

/// What a record held becomes what it holds: the same ones stay where they are, others are erased.
pub(crate) fn replace(tx: &Connection, old: &[i64], new: &[Sealed]) -> Result<Replaced> {
    let mut old = old.to_vec();
    let mut numbers = Vec::with_capacity(new.len());
    for sealed in new {
        let mut same = None;
        for (place, number) in old.iter().enumerate() {
            if holds(tx, *number, sealed)? {
                same = Some(place);
                break;
            }
        }
        numbers.push(match same {
            Some(place) => old.remove(place),
            None => keep(tx, sealed)?,
        });
    }
    old.iter().try_for_each(|number| erase(tx, *number))?;
    let erased = !old.is_empty();
    Ok(Replaced { numbers, erased })
}

fn holds(tx: &Connection, number: i64, sealed: &Sealed) -> Result<bool> {
    Ok(tx
        .prepare_cached("SELECT 1 FROM secret WHERE number = ? AND key_id = ? AND bytes = ?")?
        .exists((number, sealed.key_id, &sealed.bytes))?)
}

/// Puts a secret into the file; the result is where.
pub(crate) fn keep(tx: &Connection, sealed: &Sealed) -> Result<i64> {
    let length = sealed.bytes.len() as i64;
    let free = tx
        .prepare_cached("SELECT number FROM secret_free WHERE length = ? AND key_id = ? LIMIT 1")?
        .query_row((length, sealed.key_id), |row| row.get::<_, i64>(0))
        .optional()?;
    if let Some(number) = free {
        tx.prepare_cached("DELETE FROM secret_free WHERE length = ? AND key_id = ? AND number = ?")?
            .execute((length, sealed.key_id, number))?;
        tx.prepare_cached("UPDATE secret SET bytes = ? WHERE number = ?")?
            .execute((&sealed.bytes, number))?;
        return Ok(number);
    }
    tx.prepare_cached("INSERT INTO secret (key_id, bytes) VALUES (?, ?)")?
        .execute((sealed.key_id, &sealed.bytes))?;
    Ok(tx.last_insert_rowid())
}

/// Overwrites it with zeroes where it lies.
pub(crate) fn erase(tx: &Connection, number: i64) -> Result<()> {
    tx.prepare_cached("INSERT INTO secret_free SELECT length(bytes), key_id, number FROM secret WHERE number = ?")?
        .execute([number])?;
    tx.prepare_cached("UPDATE secret SET bytes = zeroblob(length(bytes)) WHERE number = ?")?
        .execute([number])?;
    Ok(())
}
