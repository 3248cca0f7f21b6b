//! Sealed secrets, see the table's comment in the first migration.

use rusqlite::{Connection, OptionalExtension};

use crate::error::Result;

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
