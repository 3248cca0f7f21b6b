use rusqlite::Connection;
use store::Sealed;

use crate::error::Result;

pub(crate) fn all(conn: &Connection) -> Result<Vec<Sealed>> {
    let mut statement = conn.prepare_cached("SELECT key_id, bytes FROM witness ORDER BY key_id")?;
    let found = statement.query_map([], |row| {
        Ok(Sealed {
            key_id: row.get(0)?,
            bytes: row.get(1)?,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

pub(crate) fn exists(conn: &Connection, key_id: u32) -> Result<bool> {
    Ok(conn
        .prepare_cached("SELECT 1 FROM witness WHERE key_id = ?")?
        .exists([key_id])?)
}

pub(crate) fn insert(tx: &Connection, witness: &Sealed) -> Result<()> {
    tx.prepare_cached("INSERT INTO witness (key_id, bytes) VALUES (?, ?)")?
        .execute((witness.key_id, &witness.bytes))?;
    Ok(())
}
