use rusqlite::{Connection, Row};
use store::{Batch, OpenTo, Owner};

use super::{Columns, Unreadable};
use crate::error::Result;

const SELECT: &str = "SELECT name, version, created_at, open_to, opened, note FROM batch";

pub(crate) fn one(conn: &Connection, name: &str) -> Result<Option<Batch>> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE name = ?"))?;
    let mut rows = statement.query([name])?;
    rows.next()?
        .map(|row| read(row).map_err(Unreadable::of("batch", name)))
        .transpose()
}

/// In the order of their names.
pub(crate) fn page(conn: &Connection, after: Option<&str>, limit: u32) -> Result<Vec<Batch>> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE name > ? ORDER BY name LIMIT ?"))?;
    // No name is empty.
    let mut rows = statement.query((after.unwrap_or_default(), limit))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0).unwrap_or_default();
        found.push(read(row).map_err(Unreadable::of("batch", name))?);
    }
    Ok(found)
}

pub(crate) fn version(conn: &Connection, name: &str) -> Result<Option<u64>> {
    Ok(one(conn, name)?.map(|batch| batch.version))
}

pub(crate) fn put(tx: &Connection, next: &Batch) -> Result<()> {
    let (open_to, opened) = match &next.open_to {
        OpenTo::Nobody => ("nobody", None),
        OpenTo::Accounts(accounts) => ("accounts", Some(accounts.join("\n"))),
        OpenTo::Users(users) => {
            let lines: Vec<_> = users
                .iter()
                .map(|Owner { account, user }| format!("{account}\t{user}"))
                .collect();
            ("users", Some(lines.join("\n")))
        }
        OpenTo::Everybody => ("everybody", None),
    };
    tx.prepare_cached("INSERT OR REPLACE INTO batch VALUES (?, ?, ?, ?, ?, ?)")?
        .execute((
            &next.name,
            next.version.cast_signed(),
            next.created_at.get(),
            open_to,
            opened,
            &next.note,
        ))?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Batch, Unreadable> {
    let mut columns = Columns::of(row);
    Ok(Batch {
        name: columns.get()?,
        version: columns.version()?,
        created_at: columns.time()?,
        open_to: read_open_to(&mut columns)?,
        note: columns.get()?,
    })
}

fn read_open_to(columns: &mut Columns<'_, '_>) -> Result<OpenTo, Unreadable> {
    let kind: String = columns.get()?;
    let opened: Option<String> = columns.get()?;
    // Names have no control characters, and none is empty.
    let lines = opened
        .as_deref()
        .map(|text| text.split('\n').filter(|line| !line.is_empty()));
    match (kind.as_str(), lines) {
        ("nobody", None) => Ok(OpenTo::Nobody),
        ("everybody", None) => Ok(OpenTo::Everybody),
        ("accounts", Some(lines)) => Ok(OpenTo::Accounts(lines.map(Into::into).collect())),
        ("users", Some(lines)) => {
            let owner = |line: &str| line.split_once('\t').map(|(account, user)| Owner::new(account, user));
            let users: Option<Vec<Owner>> = lines.map(owner).collect();
            users.map(OpenTo::Users).ok_or(Unreadable)
        }
        _ => Err(Unreadable),
    }
}
