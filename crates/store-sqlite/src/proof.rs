//! The proof that a database is the newest one: its register of audit chains, held against heads that are kept outside.

use std::{collections::HashSet, path::Path};

use rusqlite::{Connection, OptionalExtension};
use store::audit::{Hash, Head, Opening};
use verify::UnixMs;

use crate::{
    OpenError, Options, custody,
    fault::{Fault, Result},
    register::{FORGOTTEN_MS, end, opening_of},
    tables::audit,
};

/// Holds the register against what is known from outside, before anything is written.
pub(crate) fn prove(conn: &Connection, path: &Path, options: &Options<'_>) -> Result<(), OpenError> {
    if !options.owner {
        custody::belong_together_beside(conn, path)?;
    }
    let failed = |fault: Fault| fault.opening(path.into());
    let newest = newest_opening(conn).map_err(failed)?;
    if let Some((chain, opening, signature)) = &newest
        && !(options.verify)(&opening.statement(*chain), signature)
    {
        return Err(OpenError::OtherKeyring { path: path.into() });
    }
    let Some(heads) = options.heads else { return Ok(()) };
    if heads.is_empty() && newest.is_some() && audit::newest(conn).map_err(failed)? > 0 {
        return Err(OpenError::NoHeads);
    }
    heads.iter().try_for_each(|head| match hash_at(conn, head) {
        Ok(Some(hash)) if hash == head.hash => Ok(()),
        Ok(Some(_)) => Err(OpenError::Other { head: *head }),
        Ok(None) => Err(OpenError::Behind { head: *head }),
        Err(fault) => Err(failed(fault)),
    })?;
    // A command beside an owner may have read the heads just before that one started.
    let unnamed = options
        .owner
        .then(|| unnamed(conn, heads))
        .transpose()
        .map_err(failed)?;
    match unnamed.flatten() {
        Some(chain) => Err(OpenError::Unnamed { chain }),
        None => Ok(()),
    }
}

/// A chain with rows that these heads, as somebody kept them, should name and do not.
///
/// An owner's is named before its first row. One that a command wrote beside is named by the service that runs, soon after
/// it was closed, or else by the next one as it starts, which closes it if it is forgotten; so it may be missing as long as
/// no owner that is named started later than that.
fn unnamed(conn: &Connection, heads: &[Head]) -> Result<Option<i64>> {
    let named: HashSet<i64> = heads.iter().map(|head| head.chain).collect();
    let mut statement = conn.prepare("SELECT chain, owner, at FROM audit_chain ORDER BY chain DESC")?;
    let mut rows = statement.query([])?;
    let mut started: Option<i64> = None;
    while let Some(row) = rows.next()? {
        let (chain, owner, at): (i64, bool, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if named.contains(&chain) {
            if owner {
                started = started.max(Some(at));
            }
            continue;
        }
        let due = owner || started.is_some_and(|started| at < started.saturating_sub(FORGOTTEN_MS));
        if due && end(conn, chain)?.is_some() {
            return Ok(Some(chain));
        }
    }
    Ok(None)
}

/// The hash that the chain of this head has at its place.
fn hash_at(conn: &Connection, head: &Head) -> Result<Option<Hash>> {
    let Some(opening) = opening_of(conn, head.chain)? else {
        return Ok(None);
    };
    if head.position == 0 {
        return Ok(Some(opening.hash(head.chain)));
    }
    let Some((last, end)) = end(conn, head.chain)? else {
        return Ok(None);
    };
    let Some(later) = end.position.checked_sub(head.position) else {
        return Ok(None);
    };
    // Each later row of the chain has taken a number at least.
    audit::hash_at(conn, head, last.saturating_sub_unsigned(later))
}

fn newest_opening(conn: &Connection) -> Result<Option<(i64, Opening, Vec<u8>)>> {
    const SQL: &str =
        "SELECT chain, writer, at, previous, opening_signature FROM audit_chain ORDER BY chain DESC LIMIT 1";
    let found = conn.query_row(SQL, [], |row| {
        let opening = Opening {
            writer: row.get(1)?,
            at: UnixMs::new(row.get(2)?),
            previous: row.get(3)?,
        };
        Ok((row.get(0)?, opening, row.get(4)?))
    });
    Ok(found.optional()?)
}
