//! The table `user_state`: what of a user changes by use, as far as it is folded; see the comments in the first migration.

use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row};
use store::{Id, Revision, codec};

use crate::{
    fault::{Fault, Result},
    tail::Kept,
};

/// Reads one folded state after the other.
pub(crate) struct FoldedStates<'a>(CachedStatement<'a>);

impl<'a> FoldedStates<'a> {
    pub(crate) fn of(conn: &'a Connection) -> Result<Self> {
        const SQL: &str = "SELECT generation, chain, position, state FROM user_state WHERE user = ?";
        Ok(Self(conn.prepare_cached(SQL)?))
    }

    pub(crate) fn get(&mut self, user: &Id) -> Result<Option<Kept>> {
        let found = self.0.query_row([user.as_bytes()], kept).optional();
        found.map_err(|_| Fault::damaged("user_state", user))
    }

    pub(crate) fn revision(&mut self, user: &Id) -> Result<Option<Revision>> {
        let found = self.0.query_row([user.as_bytes()], revision).optional();
        found.map_err(|_| Fault::damaged("user_state", user))
    }
}

fn kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    Ok(Kept {
        revision: revision(row)?,
        state: row.get_ref(3)?.as_blob()?.into(),
    })
}

fn revision(row: &Row<'_>) -> rusqlite::Result<Revision> {
    Ok(Revision {
        generation: row.get(0)?,
        chain: row.get(1)?,
        position: row.get::<_, i64>(2)?.cast_unsigned(),
    })
}

/// As much work as [`FoldedStates::get`], for an owner who has no row.
pub(crate) fn no_state(conn: &Connection, user: &Id) -> Result<()> {
    const SQL: &str = "SELECT generation, chain, position, state FROM user_state WHERE user >= ? ORDER BY user LIMIT 1";
    let found = conn
        .prepare_cached(SQL)?
        .query_row([user.as_bytes()], kept)
        .optional()?;
    std::hint::black_box(found.map(|kept| codec::decode_user(&kept.state).is_ok()));
    Ok(())
}

/// Writes the state of a user whose row is written in the same transaction.
pub(super) fn put(tx: &Connection, user: &Id, kept: &Kept) -> Result<()> {
    const SQL: &str = "INSERT INTO user_state (user, generation, chain, position, state) VALUES (?, ?, ?, ?, ?) \
         ON CONFLICT DO UPDATE SET generation = excluded.generation, chain = excluded.chain, \
         position = excluded.position, state = excluded.state";
    tx.prepare_cached(SQL)?.execute(columns(user, kept))?;
    Ok(())
}

/// Writes a state back that is in the trail already.
pub(crate) fn fold(tx: &Connection, user: &Id, kept: &Kept) -> Result<()> {
    const SQL: &str = "UPDATE user_state SET generation = ?2, chain = ?3, position = ?4, state = ?5 WHERE user = ?1";
    match tx.prepare_cached(SQL)?.execute(columns(user, kept))? {
        1 => Ok(()),
        _ => Err(Fault::damaged("user_state", user)),
    }
}

/// Removes the state of a user who is erased.
pub(super) fn delete(tx: &Connection, user: &Id) -> Result<()> {
    tx.prepare_cached("DELETE FROM user_state WHERE user = ?")?
        .execute([user.as_bytes()])?;
    Ok(())
}

fn columns<'a>(user: &'a Id, kept: &'a Kept) -> impl Params + 'a {
    let Revision {
        generation,
        chain,
        position,
    } = kept.revision;
    (user.as_bytes(), generation, chain, position.cast_signed(), &kept.state)
}
