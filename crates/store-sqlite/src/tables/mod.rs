//! Each table's SQL: how it is written and read, with its conditions.

pub(crate) mod audit;
pub(crate) mod audit_row;
pub(crate) mod document;
pub(crate) mod history;
pub(crate) mod lookup;
pub(crate) mod owner;
pub(crate) mod secret;
pub(crate) mod summary;
pub(crate) mod user;
pub(crate) mod user_state;

use rusqlite::{Row, types::FromSql};
use store::StoreError;
use verify::UnixMs;

use crate::fault::{Fault, Result};

/// A row that cannot be what was written; whoever knows its table and key says so.
pub(crate) struct Unreadable;

impl From<rusqlite::Error> for Unreadable {
    fn from(_: rusqlite::Error) -> Self {
        Self
    }
}

impl From<StoreError> for Unreadable {
    fn from(_: StoreError) -> Self {
        Self
    }
}

impl Unreadable {
    /// Names the row.
    pub(crate) fn of(table: &str, key: impl std::fmt::Display) -> impl FnOnce(Self) -> Fault {
        move |Self| Fault::damaged(table, key)
    }
}

/// Columns in the order of their selection.
pub(crate) struct Columns<'r, 'stmt> {
    row: &'r Row<'stmt>,
    next: usize,
}

impl<'r, 'stmt> Columns<'r, 'stmt> {
    pub(crate) fn of(row: &'r Row<'stmt>) -> Self {
        Self { row, next: 0 }
    }

    pub(crate) fn get<T: FromSql>(&mut self) -> Result<T, Unreadable> {
        self.next += 1;
        Ok(self.row.get(self.next - 1)?)
    }

    pub(crate) fn time(&mut self) -> Result<UnixMs, Unreadable> {
        self.get().map(UnixMs::new)
    }

    /// Versions keep all their bits.
    pub(crate) fn version(&mut self) -> Result<u64, Unreadable> {
        self.get::<i64>().map(i64::cast_unsigned)
    }
}
