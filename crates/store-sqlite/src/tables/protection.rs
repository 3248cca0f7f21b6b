use rusqlite::Connection;
use store::{Owner, Protection};

use super::{Columns, Unreadable};
use crate::error::Result;

pub(crate) fn one(conn: &Connection, owner: &Owner) -> Result<Option<Protection>> {
    const SQL: &str =
        "SELECT version, login_protection, operation_protection FROM protection WHERE account = ? AND user = ?";
    let mut statement = conn.prepare_cached(SQL)?;
    let mut rows = statement.query([&owner.account, &owner.user])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let read = || {
        let mut columns = Columns::of(row);
        Ok(Protection {
            owner: owner.clone(),
            version: columns.version()?,
            login_protection: columns.get()?,
            operation_protection: columns.get()?,
        })
    };
    read()
        .map(Some)
        .map_err(Unreadable::of("protection of", format_args!("{owner:?}")))
}

pub(crate) fn put(tx: &Connection, next: &Protection) -> Result<()> {
    tx.prepare_cached("INSERT OR REPLACE INTO protection VALUES (?, ?, ?, ?, ?)")?
        .execute((
            &next.owner.account,
            &next.owner.user,
            next.version.cast_signed(),
            next.login_protection,
            next.operation_protection,
        ))?;
    Ok(())
}
