//! Sealed secrets, see the table's comment in the first migration.

use rusqlite::{Connection, OptionalExtension};
use store::Sealed;

use crate::error::Result;

/// Where a record's secret is after a change of the record.
pub(crate) struct Replaced {
    pub(crate) number: Option<i64>,
    /// The old one was erased.
    pub(crate) erased: bool,
}

/// What a record held becomes what it holds: the same one stays where it is, another one is erased.
pub(crate) fn replace(tx: &Connection, old: Option<i64>, new: Option<&Sealed>) -> Result<Replaced> {
    if let (Some(number), Some(sealed)) = (old, new)
        && holds(tx, number, &sealed.bytes)?
    {
        return Ok(Replaced {
            number: old,
            erased: false,
        });
    }
    let number = new.map(|sealed| keep(tx, &sealed.bytes)).transpose()?;
    if let Some(old) = old {
        erase(tx, old)?;
    }
    Ok(Replaced {
        number,
        erased: old.is_some(),
    })
}

fn holds(tx: &Connection, number: i64, bytes: &[u8]) -> Result<bool> {
    Ok(tx
        .prepare_cached("SELECT 1 FROM secret WHERE number = ? AND bytes = ?")?
        .exists((number, bytes))?)
}

/// Puts a secret into the file; the result is where.
pub(crate) fn keep(tx: &Connection, bytes: &[u8]) -> Result<i64> {
    let free = tx
        .prepare_cached("SELECT number FROM secret_free WHERE length = ? LIMIT 1")?
        .query_row([bytes.len() as i64], |row| row.get::<_, i64>(0))
        .optional()?;
    if let Some(number) = free {
        tx.prepare_cached("DELETE FROM secret_free WHERE length = ? AND number = ?")?
            .execute([bytes.len() as i64, number])?;
        tx.prepare_cached("UPDATE secret SET bytes = ? WHERE number = ?")?
            .execute((bytes, number))?;
        return Ok(number);
    }
    tx.prepare_cached("INSERT INTO secret (bytes) VALUES (?)")?
        .execute([bytes])?;
    Ok(tx.last_insert_rowid())
}

/// Overwrites it with zeroes where it lies.
pub(crate) fn erase(tx: &Connection, number: i64) -> Result<()> {
    tx.prepare_cached("INSERT INTO secret_free SELECT length(bytes), number FROM secret WHERE number = ?")?
        .execute([number])?;
    tx.prepare_cached("UPDATE secret SET bytes = zeroblob(length(bytes)) WHERE number = ?")?
        .execute([number])?;
    Ok(())
}
