//! The table `audit`: the rows of the trail, by their number and by their place.

use rusqlite::{CachedStatement, Connection, OptionalExtension};
use store::audit::{Cursor, Hash, Head, Newest, Place, Row};
use verify::UnixMs;

use super::{Unreadable, audit_row};
use crate::fault::{Fault, Result};

macro_rules! columns {
    () => {
        "sequence, chain, position, states, hash, events"
    };
}

/// Up to `limit` rows after this one.
pub(crate) fn rows(conn: &Connection, after: Option<Cursor>, limit: u32) -> Result<Vec<Row>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM audit WHERE sequence > ? ORDER BY sequence LIMIT ?"
    );
    let Cursor(after) = after.unwrap_or(Cursor(0));
    all(conn.prepare_cached(SQL)?, (after, limit))
}

/// Up to `limit` rows before this one, the newest first.
pub(crate) fn rows_before(conn: &Connection, before: Option<Cursor>, limit: u32) -> Result<Vec<Row>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM audit WHERE sequence < ? ORDER BY sequence DESC LIMIT ?"
    );
    let Cursor(before) = before.unwrap_or(Cursor(i64::MAX));
    all(conn.prepare_cached(SQL)?, (before, limit))
}

/// The row at each of these, in the order asked.
pub(crate) fn rows_at(conn: &Connection, cursors: &[Cursor]) -> Result<Vec<Option<Row>>> {
    let each = cursors.iter().map(|Cursor(sequence)| at(conn, *sequence));
    each.collect()
}

/// The row at this place.
pub(crate) fn row(conn: &Connection, place: Place) -> Result<Option<Row>> {
    match sequence_of(conn, place)? {
        Some(sequence) => at(conn, sequence),
        None => Ok(None),
    }
}

fn at(conn: &Connection, sequence: i64) -> Result<Option<Row>> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM audit WHERE sequence = ? LIMIT ?");
    Ok(all(conn.prepare_cached(SQL)?, (sequence, 1))?.pop())
}

fn all(mut statement: CachedStatement<'_>, of: (i64, u32)) -> Result<Vec<Row>> {
    let mut rows = statement.query(of)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let sequence: i64 = row.get(0)?;
        found.push(audit_row::read(row).map_err(Unreadable::of("audit", sequence))?);
    }
    Ok(found)
}

/// The number of the row at this place. Rows of other chains between those of one are few, so it is looked for from where
/// the chain begins and as many rows on; up to where it is noted to end. Nobody has a row at place 0.
fn sequence_of(conn: &Connection, place: Place) -> Result<Option<i64>> {
    const SQL: &str = "SELECT sequence FROM audit WHERE sequence >= ?2 + (SELECT after FROM audit_chain WHERE chain = ?1) \
         AND sequence <= coalesce((SELECT last FROM audit_chain WHERE chain = ?1), ?3) \
         AND chain = ?1 AND position = ?2 ORDER BY sequence LIMIT 1";
    let Some(position) = i64::try_from(place.position).ok().filter(|position| *position > 0) else {
        return Ok(None);
    };
    let mut statement = conn.prepare_cached(SQL)?;
    let found = statement.query_row((place.chain, position, i64::MAX), |row| row.get(0));
    Ok(found.optional()?)
}

/// The newest sequence number; 0 for none.
pub(crate) fn newest(conn: &Connection) -> Result<i64> {
    Ok(conn.query_row("SELECT coalesce(max(sequence), 0) FROM audit", [], |row| row.get(0))?)
}

/// The newest row's place and time.
pub(crate) fn newest_row(conn: &Connection) -> Result<Option<Newest>> {
    const SQL: &str =
        "SELECT chain, position, json_extract(events, '$[#-1].at') FROM audit ORDER BY sequence DESC LIMIT 1";
    let mut statement = conn.prepare_cached(SQL)?;
    let found = statement.query_row([], |row| {
        Ok(Newest {
            place: Place {
                chain: row.get(0)?,
                position: row.get::<_, i64>(1)?.cast_unsigned(),
            },
            at: row.get(2).map(UnixMs::new)?,
        })
    });
    // SQLite, too, says what is no JSON.
    found
        .optional()
        .map_err(|_| Fault::damaged("audit", "of the newest row"))
}

/// The newest row of this chain among those from `newest` down to `after`, and its sequence number.
pub(crate) fn last(conn: &Connection, chain: i64, newest: i64, after: i64) -> Result<Option<(i64, Head)>> {
    const SQL: &str = "SELECT sequence, position, hash FROM audit \
         WHERE sequence <= ? AND sequence > ? AND chain = ? ORDER BY sequence DESC LIMIT 1";
    let mut statement = conn.prepare_cached(SQL)?;
    let found = statement.query_row((newest, after, chain), |row| {
        let position: i64 = row.get(1)?;
        Ok((
            row.get(0)?,
            Head {
                chain,
                position: position.cast_unsigned(),
                hash: row.get(2)?,
            },
        ))
    });
    Ok(found.optional()?)
}

/// The hash of this chain's row at this head's position, which is at this sequence number at most.
pub(crate) fn hash_at(conn: &Connection, head: &Head, at_most: i64) -> Result<Option<Hash>> {
    // Downwards: rows of other chains between are few.
    const SQL: &str = "SELECT hash FROM audit WHERE sequence <= ?1 \
         AND sequence > (SELECT after FROM audit_chain WHERE chain = ?2) \
         AND chain = ?2 AND position = ?3 ORDER BY sequence DESC LIMIT 1";
    let mut statement = conn.prepare_cached(SQL)?;
    let found = statement.query_row((at_most, head.chain, head.position.cast_signed()), |row| row.get(0));
    Ok(found.optional()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever reads the trail names a place of their own choice, and there are few readers.
    #[test]
    fn a_place_that_is_none_costs_no_walk_through_the_trail() {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(include_str!("../../migrations/V1__first.sql"))
            .unwrap();
        conn.execute_batch(
            "INSERT INTO audit_chain (chain, writer, at, previous, opening_signature, owner, after, last)
               VALUES (1, '', 0, x'', x'', 1, 0, 2), (2, '', 0, x'', x'', 1, 2, NULL);
             WITH RECURSIVE row (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM row LIMIT 100000)
             INSERT INTO audit SELECT number, 1 + (number > 2), iif(number > 2, number - 2, number), NULL, x'', '' FROM row;",
        )
        .unwrap();
        conn.progress_handler(10_000, Some(|| true)).unwrap();
        let found = |chain, position| sequence_of(&conn, Place { chain, position }).expect("a short search");
        assert_eq!(found(1, 2), Some(2));
        assert_eq!(found(2, 50_000), Some(50_002));
        for (chain, position) in [
            (1, 0),
            (1, 3),
            (1, u64::MAX),
            (2, 0),
            (2, 99_999),
            (2, u64::MAX),
            (3, 1),
        ] {
            assert_eq!(found(chain, position), None, "{chain}.{position}");
        }
    }
}
