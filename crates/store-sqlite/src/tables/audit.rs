use rusqlite::{CachedStatement, Connection, OptionalExtension};
use store::audit::{Event, Hash, Head, Newest, Payload, Row};
use verify::UnixMs;

use super::{Columns, Unreadable};
use crate::error::Result;

/// Up to `limit` rows after this sequence number.
pub(crate) fn rows(conn: &Connection, after: i64, limit: u32) -> Result<Vec<Row>> {
    const SQL: &str = "SELECT sequence, chain, position, at, salt, payload, commitment, states, hash FROM audit \
         WHERE sequence > ? ORDER BY sequence LIMIT ?";
    let mut statement = conn.prepare_cached(SQL)?;
    let mut rows = statement.query((after, limit))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let sequence: i64 = row.get(0)?;
        found.push(read(row).map_err(Unreadable::of("audit", sequence))?);
    }
    Ok(found)
}

/// The newest sequence number; 0 for none.
pub(crate) fn newest(conn: &Connection) -> Result<i64> {
    Ok(conn.query_row("SELECT coalesce(max(sequence), 0) FROM audit", [], |row| row.get(0))?)
}

/// The newest row's place and time.
pub(crate) fn newest_row(conn: &Connection) -> Result<Option<Newest>> {
    let mut statement = conn.prepare_cached("SELECT sequence, at FROM audit ORDER BY sequence DESC LIMIT 1")?;
    let found = statement.query_row([], |row| {
        Ok(Newest {
            sequence: row.get(0)?,
            at: row.get(1).map(UnixMs::new)?,
        })
    });
    Ok(found.optional()?)
}

/// Appends one row after the other.
pub(crate) struct Appender<'a> {
    conn: &'a Connection,
    insert: CachedStatement<'a>,
}

impl<'a> Appender<'a> {
    pub(crate) fn to(conn: &'a Connection) -> Result<Self> {
        const SQL: &str =
            "INSERT INTO audit (chain, position, at, salt, payload, states, hash) VALUES (?, ?, ?, ?, ?, ?, ?)";
        Ok(Self {
            conn,
            insert: conn.prepare_cached(SQL)?,
        })
    }

    /// The results are the chain's new head and the row's sequence number.
    pub(crate) fn append(
        &mut self,
        head: &Head,
        event: &Event,
        commitment: &Hash,
        states: &[u8],
    ) -> Result<(Head, i64)> {
        let next = head.next(event.at, commitment, states);
        self.insert.execute((
            next.chain,
            next.position.cast_signed(),
            event.at.get(),
            event.salt,
            &event.payload,
            (!states.is_empty()).then_some(states),
            next.hash,
        ))?;
        Ok((next, self.conn.last_insert_rowid()))
    }
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

fn read(row: &rusqlite::Row<'_>) -> Result<Row, Unreadable> {
    let mut columns = Columns::of(row);
    Ok(Row {
        sequence: columns.get()?,
        chain: columns.get()?,
        position: columns.version()?,
        at: columns.time()?,
        salt: columns.get()?,
        payload: match (columns.get()?, columns.get()?) {
            (Some(payload), None) => Payload::Kept(payload),
            (None, Some(commitment)) => Payload::Erased(commitment),
            _ => return Err(Unreadable),
        },
        states: columns.get::<Option<Vec<u8>>>()?.unwrap_or_default(),
        hash: columns.get()?,
    })
}
