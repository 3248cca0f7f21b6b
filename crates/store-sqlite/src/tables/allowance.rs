use rusqlite::{Connection, Row};
use store::Allowance;

use super::{Columns, Unreadable};
use crate::error::Result;

pub(crate) fn one(conn: &Connection, name: &str) -> Result<Option<Allowance>> {
    let mut statement = conn.prepare_cached("SELECT name, version, since, used FROM allowance WHERE name = ?")?;
    let mut rows = statement.query([name])?;
    rows.next()?
        .map(|row| read(row).map_err(Unreadable::of("allowance", name)))
        .transpose()
}

pub(crate) fn put(tx: &Connection, next: &Allowance) -> Result<()> {
    tx.prepare_cached("INSERT OR REPLACE INTO allowance VALUES (?, ?, ?, ?)")?
        .execute((&next.name, next.version.cast_signed(), next.since.get(), next.used))?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Allowance, Unreadable> {
    let mut columns = Columns::of(row);
    Ok(Allowance {
        name: columns.get()?,
        version: columns.version()?,
        since: columns.time()?,
        used: columns.get()?,
    })
}
