//! Names of users who were erased, in the file's unused places.
//!
//! `secure_delete` writes zeroes over what is deleted, but where SQLite splits a page it may leave copies of rows that moved to
//! another one, in the gap between the page's cell pointers and its cells
//! ([file format, 1.6](https://sqlite.org/fileformat2.html#b_tree_pages)). One erased row in some hundred has such a copy. It
//! is looked for, page by page, when nothing else is to do; where one is found, the tables that have names are written anew.
//!
//! No copy comes into being after its row is gone, so a page that was looked at once stays clean.

use std::{collections::HashSet, fs::File, io, os::unix::fs::FileExt, sync::Arc};

use rusqlite::Connection;

use crate::{custody::PAGE, fault::Result};

/// Tables with names in them; all without row ids, so that their pages are those of indexes.
const TABLES: [&str; 3] = ["user", "document", "lookup"];

/// A search under way.
pub(crate) struct Search {
    names: Vec<Arc<str>>,
    pieces: Pieces,
    /// The next page to look at, from 0.
    next: u64,
}

/// The parts of the names that are looked for: all of a short one, and of a long one each eight bytes but for its end.
/// So a copy that was partly written over is found as long as more is left of it than the end, and the time does not
/// depend on how many names there are.
#[derive(Default)]
struct Pieces {
    /// By the first two bytes of a piece, whether there is one.
    begins: Vec<u64>,
    eights: HashSet<[u8; PIECE]>,
    shorter: Vec<Arc<str>>,
}

const PIECE: usize = 8;

impl Pieces {
    fn of(names: &[Arc<str>]) -> Self {
        let mut pieces = Self {
            begins: vec![0; 1 << 10],
            ..Self::default()
        };
        for name in names {
            let (eights, _) = name.as_bytes().as_chunks::<PIECE>();
            // One at least, and none that ends within the last eight bytes: in many names that is the same domain.
            let count = (name.len().saturating_sub(PIECE) / PIECE).max(1);
            for piece in eights.iter().take(count) {
                let begin = usize::from(u16::from_be_bytes([piece[0], piece[1]]));
                pieces.begins[begin / 64] |= 1 << (begin % 64);
                pieces.eights.insert(*piece);
            }
            if eights.is_empty() && !name.is_empty() {
                pieces.shorter.push(name.clone());
            }
        }
        pieces
    }

    fn are_in(&self, bytes: &[u8]) -> bool {
        let begins = |piece: &[u8]| {
            let begin = usize::from(u16::from_be_bytes([piece[0], piece[1]]));
            self.begins[begin / 64] & 1 << (begin % 64) != 0
        };
        let is_piece = |piece: &[u8]| begins(piece) && self.eights.contains(piece);
        let has = |name: &Arc<str>| bytes.windows(name.len()).any(|part| part == name.as_bytes());
        bytes.windows(PIECE).any(is_piece) || self.shorter.iter().any(has)
    }
}

/// The result of a part of the search.
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
        let pieces = Pieces::of(&names);
        Self { names, pieces, next: 0 }
    }

    /// The names that it is for.
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
        // Most of it is zeroes.
        let used = gap.iter().position(|byte| *byte != 0);
        used.is_some_and(|from| self.pieces.are_in(&gap[from..]))
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

/// Writes the tables that have names anew; the pages that they had become zeroes. Takes room for all of them once more.
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
