//! The table `user`: what of a user changes by binding; see the tables' comments in the first migration.

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row};
use store::{Device, Id, Named, Owner, User, codec};

use super::{
    document::{self, numbers_of},
    secret, user_state,
};
use crate::{
    fault::{Fault, Result},
    tail::Kept,
};

/// A user without what changes by use.
pub(crate) struct Bound {
    pub(crate) owner: Owner,
    pub(crate) id: Id,
    pub(crate) devices: Vec<Device>,
}

macro_rules! columns {
    () => {
        "id, devices, secret, more_secrets, key_id, bytes"
    };
}

/// Reads one user after the other: the statement is looked up once for all of them.
pub(crate) struct Users<'a> {
    one: CachedStatement<'a>,
    secrets: secret::Secrets<'a>,
}

impl<'a> Users<'a> {
    pub(crate) fn of(conn: &'a Connection) -> Result<Self> {
        const SQL: &str = concat!(
            "SELECT ",
            columns!(),
            " FROM user LEFT JOIN secret ON number = secret WHERE account = ? AND user = ?"
        );
        Ok(Self {
            one: conn.prepare_cached(SQL)?,
            secrets: secret::Secrets::of(conn)?,
        })
    }

    pub(crate) fn get(&mut self, owner: &Owner) -> Result<Option<Bound>> {
        let mut rows = self.one.query((&owner.account, &owner.user))?;
        let row = rows.next()?;
        row.map(|row| read(row, owner.clone(), &mut self.secrets)).transpose()
    }
}

/// Up to `limit` users after this one.
pub(crate) fn page(conn: &Connection, after: Option<&Owner>, limit: u32) -> Result<Vec<Bound>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        ", account, user FROM user LEFT JOIN secret ON number = secret \
         WHERE (account, user) > (?, ?) ORDER BY account, user LIMIT ?"
    );
    let (account, user) = after.map_or(("", ""), |owner| (&*owner.account, &*owner.user));
    let mut statement = conn.prepare_cached(SQL)?;
    let mut secrets = secret::Secrets::of(conn)?;
    let mut rows = statement.query((account, user, limit))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        // As it stands there, for the next page begins after it.
        let owner = Owner {
            account: row.get(6)?,
            user: row.get(7)?,
        };
        found.push(read(row, owner, &mut secrets)?);
    }
    Ok(found)
}

fn read(row: &Row<'_>, owner: Owner, secrets: &mut secret::Secrets<'_>) -> Result<Bound> {
    let damaged = || Fault::damaged("user", format_args!("{owner:?}"));
    let mut rest = || -> Result<Bound> {
        let (first, more): (Option<i64>, Option<String>) = (row.get(2)?, row.get(3)?);
        let mut sealed = Vec::with_capacity(1);
        if first.is_some() {
            sealed.push(secret::sealed(row.get(4)?, row.get(5)?));
        }
        for number in numbers_of(more.as_deref()).ok_or_else(damaged)? {
            sealed.push(secrets.get(number)?);
        }
        let bytes = row.get_ref(1)?.as_blob().map_err(|_| damaged())?;
        Ok(Bound {
            id: Id::from_bytes(row.get(0)?),
            devices: codec::decode_devices(bytes, &owner, sealed).map_err(|_| damaged())?,
            owner: owner.clone(),
        })
    };
    rest().map_err(|fault| fault.about("user", format_args!("{owner:?}")))
}

/// `true` where this owner has a row.
pub(crate) fn exists(conn: &Connection, owner: &Owner) -> Result<bool> {
    let mut statement = conn.prepare_cached("SELECT 1 FROM user WHERE account = ? AND user = ?")?;
    Ok(statement.exists((&owner.account, &owner.user))?)
}

/// `true` where the row of this owner has this id.
pub(crate) fn is(conn: &Connection, owner: &Owner, id: &Id) -> Result<bool> {
    let mut statement = conn.prepare_cached("SELECT 1 FROM user WHERE account = ? AND user = ? AND id = ?")?;
    Ok(statement.exists((&owner.account, &owner.user, id.as_bytes()))?)
}

/// Writes the whole row, new or changed; `true` where secrets were erased, of devices that went.
pub(crate) fn put(tx: &Connection, next: &User, kept: &Kept) -> Result<bool> {
    let owner = (&next.owner.account, &next.owner.user);
    let old = numbers(tx, &next.owner)?;
    let missing = || Fault::damaged("user", format_args!("{:?}", next.owner));
    // The key of the names stays what it is.
    let (names_key, of_devices) = match (old.split_first(), &next.names_key) {
        (Some((names_key, of_devices)), _) => (*names_key, of_devices),
        (None, Some(names_key)) => (secret::keep(tx, names_key)?, &[][..]),
        (None, None) => return Err(missing()),
    };
    let replaced = secret::replace(tx, of_devices, &next.secrets())?;
    let (first, more) = match replaced.numbers.split_first() {
        Some((first, more)) => (Some(*first), more),
        None => (None, &[][..]),
    };
    const USER: &str = "INSERT INTO user (account, user, id, names_key, devices, secret, more_secrets) \
         VALUES (?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT DO UPDATE SET id = excluded.id, names_key = excluded.names_key, devices = excluded.devices, \
         secret = excluded.secret, more_secrets = excluded.more_secrets";
    tx.prepare_cached(USER)?.execute((
        owner.0,
        owner.1,
        next.id.as_bytes(),
        names_key,
        codec::encode_devices(next),
        first,
        (!more.is_empty()).then(|| format!("{more:?}")),
    ))?;
    user_state::put(tx, &next.id, kept)?;
    Ok(replaced.erased)
}

/// The row gets the name of another owner, who has none.
pub(crate) fn rename(tx: &Connection, from: &Owner, to: &Owner) -> Result<()> {
    let renamed = tx
        .prepare_cached("UPDATE user SET user = ? WHERE account = ? AND user = ?")?
        .execute((&to.user, &from.account, &from.user))?;
    match renamed {
        1 => Ok(()),
        _ => Err(Fault::damaged("user", format_args!("{from:?}"))),
    }
}

/// The numbers of this user's secrets, that of the key of their names first; none where there is no row.
fn numbers(tx: &Connection, owner: &Owner) -> Result<Vec<i64>> {
    const SQL: &str = "SELECT names_key, secret, more_secrets FROM user WHERE account = ? AND user = ?";
    let found = tx
        .prepare_cached(SQL)?
        .query_row((&owner.account, &owner.user), |row| {
            let (names_key, first): (i64, Option<i64>) = (row.get(0)?, row.get(1)?);
            Ok((names_key, first, row.get::<_, Option<String>>(2)?))
        })
        .optional()?;
    let Some((names_key, first, more)) = found else {
        return Ok(Vec::new());
    };
    let more = numbers_of(more.as_deref()).ok_or_else(|| Fault::damaged("user", format_args!("{owner:?}")))?;
    Ok([names_key].into_iter().chain(first).chain(more).collect())
}

/// The row ends, and every document of this user.
pub(crate) fn erase(tx: &Connection, owner: &Owner, id: &Id) -> Result<()> {
    document::erase_of(tx, owner)?;
    secret::replace(tx, &numbers(tx, owner)?, &[])?;
    tx.prepare_cached("DELETE FROM user WHERE account = ? AND user = ?")?
        .execute((&owner.account, &owner.user))?;
    user_state::delete(tx, id)
}

const NAMED: &str = "SELECT account, user, key_id, bytes FROM user JOIN secret ON number = names_key WHERE id = ?";

/// The owner of each id's row.
pub(crate) fn named(conn: &Connection, users: &[Id]) -> Result<Vec<Option<Named>>> {
    let mut statement = conn.prepare_cached(NAMED)?;
    let mut one = |id: &Id| {
        let found = statement.query_row([id.as_bytes()], |row| {
            Ok(Named {
                owner: Owner {
                    account: row.get(0)?,
                    user: row.get(1)?,
                },
                names_key: secret::sealed(row.get(2)?, row.get(3)?),
            })
        });
        Ok(found.optional()?)
    };
    users.iter().map(&mut one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page goes on after the name that stands there; whoever writes behind our back may put down one that we would write
    /// otherwise, and earlier.
    #[test]
    fn a_name_that_is_written_otherwise_ends_no_list() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(include_str!("../../migrations/V1__first.sql"))
            .unwrap();
        let names_key = secret::sealed([0, 0, 0, 1], vec![1]);
        secret::keep(&conn, &names_key).unwrap();
        let nobody = User::new(Owner::new("", ""), Id::nil(), names_key);
        conn.execute(
            "INSERT INTO user (account, user, id, names_key, devices) VALUES ('\u{212b}', 'u', ?, 1, ?)",
            (Id::nil().as_bytes(), codec::encode_devices(&nobody)),
        )
        .unwrap();
        let found = page(&conn, None, 9).unwrap();
        assert_eq!(found.len(), 1);
        assert!(page(&conn, Some(&found[0].owner), 9).unwrap().is_empty());
    }

    /// However many users there are, whom the trail means is not looked for among them.
    #[test]
    fn whom_an_id_means_is_found_by_an_index() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(include_str!("../../migrations/V1__first.sql"))
            .unwrap();
        let mut plan = conn.prepare(&format!("EXPLAIN QUERY PLAN {NAMED}")).unwrap();
        let steps = plan
            .query_map([Id::nil().as_bytes()], |row| row.get::<_, String>("detail"))
            .unwrap();
        let steps: Vec<_> = steps.map(Result::unwrap).collect();
        assert_eq!(steps[0], "SEARCH user USING INDEX user_id (id=?)");
    }
}
