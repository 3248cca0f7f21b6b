use rusqlite::{Connection, Row};
use store::{ApiKey, Id, Role};
use verify::UnixMs;

use super::{Columns, Unreadable};
use crate::error::Result;

const SELECT: &str = "SELECT id, hash, roles, owner, accounts, created_at, revoked_at FROM api_key";

pub(crate) fn one(conn: &Connection, id: Id) -> Result<Option<ApiKey>> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE id = ?"))?;
    let mut rows = statement.query([id.as_bytes()])?;
    rows.next()?
        .map(|row| read(row).map_err(Unreadable::of("api_key", id)))
        .transpose()
}

/// Oldest first.
pub(crate) fn all(conn: &Connection) -> Result<Vec<ApiKey>> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} ORDER BY created_at, id"))?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let id = row.get::<_, [u8; 16]>(0).map(Id::from_bytes).unwrap_or_default();
        found.push(read(row).map_err(Unreadable::of("api_key", id))?);
    }
    Ok(found)
}

pub(crate) fn insert(tx: &Connection, key: &ApiKey) -> Result<()> {
    let roles: Vec<_> = key.roles.iter().map(|role| role.name()).collect();
    tx.prepare_cached("INSERT INTO api_key VALUES (?, ?, ?, ?, ?, ?, ?)")?
        .execute((
            key.id.as_bytes(),
            key.hash,
            roles.join(","),
            &key.owner,
            key.accounts.as_ref().map(|accounts| accounts.join("\n")),
            key.created_at.get(),
            key.revoked_at.map(UnixMs::get),
        ))?;
    Ok(())
}

pub(crate) fn exists(conn: &Connection, id: Id) -> Result<bool> {
    Ok(conn
        .prepare_cached("SELECT 1 FROM api_key WHERE id = ?")?
        .exists([id.as_bytes()])?)
}

pub(crate) fn lives(conn: &Connection, id: Id) -> Result<bool> {
    let mut statement = conn.prepare_cached("SELECT 1 FROM api_key WHERE id = ? AND revoked_at IS NULL")?;
    Ok(statement.exists([id.as_bytes()])?)
}

pub(crate) fn revoke(tx: &Connection, id: Id, at: UnixMs) -> Result<()> {
    tx.prepare_cached("UPDATE api_key SET revoked_at = ? WHERE id = ?")?
        .execute((at.get(), id.as_bytes()))?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<ApiKey, Unreadable> {
    let mut columns = Columns::of(row);
    Ok(ApiKey {
        id: columns.id()?,
        hash: columns.get()?,
        roles: names(&columns.get::<String>()?, ',')
            .map(|name| Role::named(name).ok_or(Unreadable))
            .collect::<Result<_, _>>()?,
        owner: columns.get()?,
        accounts: columns
            .get::<Option<String>>()?
            .map(|all| names(&all, '\n').map(Into::into).collect()),
        created_at: columns.time()?,
        revoked_at: columns.optional_time()?,
    })
}

/// Names are never empty, so an empty text is an empty list.
fn names(all: &str, separator: char) -> impl Iterator<Item = &str> {
    all.split(separator).filter(|name| !name.is_empty())
}
