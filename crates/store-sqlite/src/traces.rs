//! Names of users who were erased, in the file's unused places.
//!
//! `secure_delete` writes zeroes over what is deleted, but where SQLite splits a page it may leave copies of rows that moved to
//! another one, in the gap between the page's cell pointers and its cells
//! ([file format, 1.6](https://sqlite.org/fileformat2.html#b_tree_pages)). One erased row in some hundred has such a copy. It
//! is looked for, page by page, when nothing else is to do; where one is found, the tables that have names are written anew.
//!
//! No copy comes into being after its row is gone, so a page that was looked at once stays clean.

use std::{fs::File, io, os::unix::fs::FileExt, sync::Arc};

use rusqlite::{Connection, TransactionBehavior::Immediate};

use crate::{custody::PAGE, error::Result, tables::owner};

/// Tables with names in them; all without row ids, so that their pages are those of indexes.
const TABLES: [&str; 3] = ["user", "document", "lookup"];

/// A search under way.
pub(crate) struct Search {
    names: Vec<Arc<str>>,
    /// The next page to look at, from 0.
    next: u64,
}

/// What came of a part of the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing so far.
    NothingYet,
    /// Nothing in the whole file.
    Nothing,
    /// A copy.
    Trace,
}

impl Search {
    /// Begins when the log is in the file.
    pub(crate) fn of(names: Vec<Arc<str>>) -> Self {
        Self { names, next: 0 }
    }

    /// Whom it is for.
    pub(crate) fn into_names(self) -> Vec<Arc<str>> {
        self.names
    }

    /// Looks at so many more pages.
    pub(crate) fn step(&mut self, file: &File, pages: usize) -> io::Result<Found> {
        let mut bytes = vec![0; pages * PAGE as usize];
        let length = read_at(file, &mut bytes, self.next * PAGE)?;
        let (whole, _) = bytes[..length].as_chunks::<{ PAGE as usize }>();
        if whole.iter().any(|page| self.is_in(page)) {
            return Ok(Found::Trace);
        }
        self.next += whole.len() as u64;
        Ok(if whole.len() < pages {
            Found::Nothing
        } else {
            Found::NothingYet
        })
    }

    fn is_in(&self, page: &[u8; PAGE as usize]) -> bool {
        let gap = gap(page);
        let has = |name: &Arc<str>| gap.windows(name.len().max(1)).any(|bytes| bytes == name.as_bytes());
        self.names.iter().any(has)
    }
}

/// The unused bytes between the cell pointers and the cells of an index's page; none of any other page.
fn gap(page: &[u8; PAGE as usize]) -> &[u8] {
    const LEAF: u8 = 0x0a;
    const INTERIOR: u8 = 0x02;
    let header = match page[0] {
        LEAF => 8,
        INTERIOR => 12,
        _ => return &[],
    };
    let number = |at: usize| usize::from(u16::from_be_bytes([page[at], page[at + 1]]));
    let from = header + 2 * number(3);
    let to = match number(5) {
        // Of a page of 65,536 bytes; ours are smaller.
        0 => page.len(),
        to => to,
    };
    page.get(from..to).unwrap_or_default()
}

fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut length = 0;
    while length < bytes.len() {
        match file.read_at(&mut bytes[length..], offset + length as u64) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// Writes the tables that have names anew; the pages that they had become zeroes.
pub(crate) fn rewrite(tx: &Connection) -> Result<()> {
    for table in TABLES {
        let mut sql =
            tx.prepare("SELECT sql FROM sqlite_schema WHERE tbl_name = ? AND sql NOT NULL ORDER BY type DESC")?;
        let sql = sql.query_map([table], |row| row.get::<_, String>(0))?;
        let sql = sql.collect::<rusqlite::Result<Vec<_>>>()?;
        let (create, indexes) = sql
            .split_first()
            .map_or(("", &[][..]), |(create, indexes)| (create, indexes));
        tx.execute_batch(&format!("ALTER TABLE {table} RENAME TO {table}_before; {create};"))?;
        tx.execute_batch(&format!(
            "INSERT INTO {table} SELECT * FROM {table}_before; DROP TABLE {table}_before;"
        ))?;
        indexes.iter().try_for_each(|index| tx.execute_batch(index))?;
    }
    Ok(())
}

/// Whoever erased a user and ended before the search was over has left nobody's name to search for.
pub(crate) fn after_a_crash(conn: &mut Connection) -> Result<()> {
    if owner::is_erasing(conn)? {
        let tx = conn.transaction_with_behavior(Immediate)?;
        rewrite(&tx)?;
        owner::end_erasing(&tx)?;
        tx.commit()?;
    }
    Ok(())
}
