//! The history's index; see the table's comment in the first migration.

use rusqlite::Connection;
use store::{
    audit::Cursor,
    history::{Entry, EventCursor, Subject},
};

use crate::fault::Result;

const EVENTS_OF: &str = "SELECT sequence, event FROM history WHERE subject = ?1 AND (sequence, event) < (?2, ?3) \
     ORDER BY sequence DESC, event DESC LIMIT ?4";

const EVENTS_AFTER: &str = "SELECT sequence, event FROM history WHERE subject = ?1 AND (sequence, event) > (?2, ?3) \
     ORDER BY sequence, event LIMIT ?4";

/// Up to `limit` events of this subject before this one, the newest first.
pub(crate) fn events_of(
    conn: &Connection,
    subject: &Subject,
    before: Option<EventCursor>,
    limit: u32,
) -> Result<Vec<EventCursor>> {
    let before = before.map_or((i64::MAX, i64::MAX), |before| (before.row.0, before.index.into()));
    events(conn, EVENTS_OF, subject, before, limit)
}

/// Up to `limit` events of this subject after this one, the oldest first.
pub(crate) fn events_after(
    conn: &Connection,
    subject: &Subject,
    after: Option<EventCursor>,
    limit: u32,
) -> Result<Vec<EventCursor>> {
    let after = after.map_or((i64::MIN, i64::MIN), |after| (after.row.0, after.index.into()));
    events(conn, EVENTS_AFTER, subject, after, limit)
}

fn events(conn: &Connection, sql: &str, subject: &Subject, from: (i64, i64), limit: u32) -> Result<Vec<EventCursor>> {
    let mut statement = conn.prepare_cached(sql)?;
    let found = statement.query_map((subject.to_bytes(), from.0, from.1, limit), |row| {
        Ok(EventCursor {
            row: Cursor(row.get(0)?),
            index: row.get(1)?,
        })
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// Puts these down; what is there already stays.
pub(crate) fn index(tx: &Connection, entries: &[Entry]) -> Result<()> {
    let mut insert = tx.prepare_cached("INSERT OR IGNORE INTO history (subject, sequence, event) VALUES (?, ?, ?)")?;
    for Entry { subject, event } in entries {
        insert.execute((subject.to_bytes(), event.row.0, event.index))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However long the history of everybody is, a page of one subject's is found by the key, in its order.
    #[test]
    fn a_page_is_a_search_of_the_key() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(include_str!("../../migrations/V1__first.sql"))
            .unwrap();
        for (sql, compared) in [(EVENTS_OF, '<'), (EVENTS_AFTER, '>')] {
            let mut plan = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let steps = plan
                .query_map((b"d", 0, 0, 9), |row| row.get::<_, String>("detail"))
                .unwrap();
            let steps: Vec<_> = steps.map(Result::unwrap).collect();
            let search = format!("SEARCH history USING PRIMARY KEY (subject=? AND (sequence,event){compared}(?,?))");
            assert_eq!(steps, [search]);
        }
    }
}
