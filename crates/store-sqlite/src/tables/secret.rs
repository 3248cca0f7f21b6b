//! Sealed secrets, see the table's comment in the first migration.

use rusqlite::{CachedStatement, Connection, OptionalExtension};
use store::Sealed;

use crate::fault::{Fault, Result};

/// The id of a key, as wide in a row as any other.
fn wide(key_id: u32) -> [u8; 4] {
    key_id.to_be_bytes()
}

/// The secret of a row's columns.
pub(crate) fn sealed(key_id: [u8; 4], bytes: Vec<u8>) -> Sealed {
    Sealed {
        key_id: u32::from_be_bytes(key_id),
        bytes,
    }
}

/// Reads one after the other: the statement is looked up once for all of them.
pub(crate) struct Secrets<'a>(CachedStatement<'a>);

impl<'a> Secrets<'a> {
    pub(crate) fn of(conn: &'a Connection) -> Result<Self> {
        Ok(Self(
            conn.prepare_cached("SELECT key_id, bytes FROM secret WHERE number = ?")?,
        ))
    }

    pub(crate) fn get(&mut self, number: i64) -> Result<Sealed> {
        let found = self.0.query_row([number], |row| Ok(sealed(row.get(0)?, row.get(1)?)));
        found.optional()?.ok_or_else(|| Fault::damaged("secret", number))
    }
}

/// The secrets of these numbers, in the order asked. Those that lie side by side, as of tokens that were imported together,
/// are read in one go: a search for each costs more than reading the row.
pub(crate) fn each(conn: &Connection, numbers: &[i64]) -> Result<Vec<Sealed>> {
    /// So many rows between two that are asked cost less than another search.
    const GAP: i64 = 4;
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = conn.prepare_cached("SELECT number, key_id, bytes FROM secret WHERE number BETWEEN ? AND ?")?;
    let mut sorted: Vec<(i64, usize)> = numbers.iter().copied().zip(0..).collect();
    sorted.sort_unstable();
    let mut found: Vec<Option<Sealed>> = numbers.iter().map(|_| None).collect();
    for run in sorted.chunk_by(|(number, _), (next, _)| next.saturating_sub(*number) <= GAP) {
        let mut asked = run.iter().peekable();
        let mut rows = statement.query([run[0].0, run[run.len() - 1].0])?;
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(0)?;
            while asked.next_if(|(asked, _)| *asked < number).is_some() {}
            while let Some((_, place)) = asked.next_if(|(asked, _)| *asked == number) {
                found[*place] = Some(sealed(row.get(1)?, row.get(2)?));
            }
        }
    }
    let all = found.into_iter().zip(numbers);
    all.map(|(found, number)| found.ok_or_else(|| Fault::damaged("secret", number)))
        .collect()
}

/// What was erased is under key 0.
const UNDER: &str = "SELECT number, bytes FROM secret WHERE key_id = ? AND key_id <> x'00000000' AND number > ? ORDER BY number LIMIT ?";

/// Up to `limit` secrets under this key with their numbers, after this number.
pub(crate) fn under(conn: &Connection, key_id: u32, after: i64, limit: u32) -> Result<Vec<(i64, Sealed)>> {
    let mut statement = conn.prepare_cached(UNDER)?;
    let mut rows = statement.query((wide(key_id), after, limit))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((row.get(0)?, sealed(wide(key_id), row.get(1)?)));
    }
    Ok(found)
}

/// The secrets of a record after a change of it.
pub(crate) struct Replaced {
    pub(crate) numbers: Vec<i64>,
    /// An old one was erased.
    pub(crate) erased: bool,
}

/// Replaces a record's secrets: the same ones stay where they are, others are erased.
pub(crate) fn replace(tx: &Connection, old: &[i64], new: &[Sealed]) -> Result<Replaced> {
    let mut old = old.to_vec();
    let mut numbers = Vec::with_capacity(new.len());
    for sealed in new {
        let mut same = None;
        for (place, number) in old.iter().enumerate() {
            if holds(tx, *number, sealed)? {
                same = Some(place);
                break;
            }
        }
        numbers.push(match same {
            Some(place) => old.remove(place),
            None => keep(tx, sealed)?,
        });
    }
    old.iter().try_for_each(|number| erase(tx, *number))?;
    let erased = !old.is_empty();
    Ok(Replaced { numbers, erased })
}

/// `true` where this very secret has this number.
pub(crate) fn holds(tx: &Connection, number: i64, sealed: &Sealed) -> Result<bool> {
    Ok(tx
        .prepare_cached("SELECT 1 FROM secret WHERE number = ? AND key_id = ? AND bytes = ?")?
        .exists((number, wide(sealed.key_id), &sealed.bytes))?)
}

/// Puts a secret into the file; the result is where.
pub(crate) fn keep(tx: &Connection, sealed: &Sealed) -> Result<i64> {
    let length = sealed.bytes.len() as i64;
    let free = tx
        .prepare_cached("SELECT number FROM secret_free WHERE length = ? LIMIT 1")?
        .query_row([length], |row| row.get::<_, i64>(0))
        .optional()?;
    if let Some(number) = free {
        tx.prepare_cached("DELETE FROM secret_free WHERE length = ? AND number = ?")?
            .execute((length, number))?;
        write_over(tx, number, sealed)?;
        return Ok(number);
    }
    tx.prepare_cached("INSERT INTO secret (key_id, bytes) VALUES (?, ?)")?
        .execute((wide(sealed.key_id), &sealed.bytes))?;
    Ok(tx.last_insert_rowid())
}

/// Writes this one where another one of the same length lies.
pub(crate) fn write_over(tx: &Connection, number: i64, sealed: &Sealed) -> Result<()> {
    tx.prepare_cached("UPDATE secret SET key_id = ?, bytes = ? WHERE number = ?")?
        .execute((wide(sealed.key_id), &sealed.bytes, number))?;
    Ok(())
}

/// Overwrites it with zeroes where it lies.
pub(crate) fn erase(tx: &Connection, number: i64) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO secret_free (length, number) SELECT length(bytes), number FROM secret WHERE number = ?",
    )?
    .execute([number])?;
    tx.prepare_cached("UPDATE secret SET key_id = x'00000000', bytes = zeroblob(length(bytes)) WHERE number = ?")?
        .execute([number])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However many secrets there are, those of a key are not looked for among them, nor put in order.
    #[test]
    fn what_a_key_seals_is_found_by_an_index() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(include_str!("../../migrations/V1__first.sql"))
            .unwrap();
        let mut plan = conn.prepare(&format!("EXPLAIN QUERY PLAN {UNDER}")).unwrap();
        let steps = plan
            .query_map((wide(1), 0, 9), |row| row.get::<_, String>("detail"))
            .unwrap();
        let steps: Vec<_> = steps.map(Result::unwrap).collect();
        assert_eq!(steps, ["SEARCH secret USING INDEX secret_key (key_id=? AND rowid>?)"]);
    }
}
