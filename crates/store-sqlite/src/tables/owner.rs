//! The one row that says who owns the directory and which log belongs to the file, see its table in the first migration.

use rusqlite::{Connection, OptionalExtension};

use crate::fault::{Fault, Result};

/// A checkpoint's number: copyings of the log into the file are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Checkpoint(u64);

const WORD: &str = "checkpoint ";
const DIGITS: usize = 16;

impl Checkpoint {
    fn text(self) -> String {
        format!("{WORD}{:016x}", self.0)
    }

    fn parse(text: &str) -> Option<Self> {
        u64::from_str_radix(text.strip_prefix(WORD)?, 16).ok().map(Self)
    }

    /// The newest one on a page of the file, read without SQLite. `checkpoint` stands before `log_follows`, which is
    /// never newer.
    pub(crate) fn on_page(page: &[u8]) -> Option<Self> {
        let starts = page
            .windows(WORD.len() + DIGITS)
            .filter(|window| window.starts_with(WORD.as_bytes()));
        starts
            .filter_map(|window| str::from_utf8(window).ok().and_then(Self::parse))
            .max()
    }
}

/// The row.
pub(crate) struct Row {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) log_follows: Checkpoint,
}

pub(crate) fn read(conn: &Connection) -> Result<Row> {
    let mut statement = conn.prepare_cached("SELECT checkpoint, log_follows FROM owner")?;
    let row = statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)));
    let (checkpoint, log_follows): (String, String) = row.map_err(|_| Fault::damaged("owner", 0))?;
    let parse = |text: String| Checkpoint::parse(&text).ok_or_else(|| Fault::damaged("owner", 0));
    Ok(Row {
        checkpoint: parse(checkpoint)?,
        log_follows: parse(log_follows)?,
    })
}

/// The page of the file that holds the row; `None` before the first migration.
pub(crate) fn page(conn: &Connection) -> Result<Option<u64>> {
    let page = conn
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'owner'", [], |row| {
            row.get::<_, i64>(0)
        })
        .optional()?;
    Ok(page.map(i64::cast_unsigned))
}

/// The epoch of the newest owner.
pub(crate) fn epoch(conn: &Connection) -> Result<i64> {
    Ok(conn
        .prepare_cached("SELECT epoch FROM owner")?
        .query_row([], |row| row.get(0))?)
}

/// The number of this restored copy of the database, from 1.
pub(crate) fn generation(conn: &Connection) -> Result<u32> {
    Ok(conn
        .prepare_cached("SELECT generation FROM owner")?
        .query_row([], |row| row.get(0))?)
}

/// A new owner.
pub(crate) fn take(tx: &Connection) -> Result<i64> {
    tx.execute("UPDATE owner SET epoch = epoch + 1", [])?;
    epoch(tx)
}

/// A user is erased: from now on somebody has to look for copies of their name.
pub(crate) fn begin_erasing(tx: &Connection) -> Result<()> {
    tx.prepare_cached("UPDATE owner SET erasing = 1")?.execute([])?;
    Ok(())
}

/// Nobody's name is left where it was erased.
pub(crate) fn end_erasing(tx: &Connection) -> Result<()> {
    tx.prepare_cached("UPDATE owner SET erasing = 0")?.execute([])?;
    Ok(())
}

/// `true` where somebody has to look for copies of names that were erased.
pub(crate) fn is_erasing(conn: &Connection) -> Result<bool> {
    let mut statement = conn.prepare_cached("SELECT erasing FROM owner")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// Before the log is copied into the file.
pub(crate) fn announce_checkpoint(tx: &Connection) -> Result<()> {
    let next = Checkpoint(read(tx)?.checkpoint.0 + 1);
    tx.prepare_cached("UPDATE owner SET checkpoint = ?")?
        .execute([next.text()])?;
    Ok(())
}

/// First thing in a log that begins.
pub(crate) fn begin_log(tx: &Connection) -> Result<()> {
    // In two steps: SQLite writes no page for a row that stays as it is.
    tx.prepare_cached("UPDATE owner SET log_follows = ''")?.execute([])?;
    tx.prepare_cached("UPDATE owner SET log_follows = checkpoint")?
        .execute([])?;
    Ok(())
}
