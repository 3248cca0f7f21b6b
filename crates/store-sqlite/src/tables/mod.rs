//! Each table's SQL: how it is written and read, with its conditions.

pub(crate) mod audit;
pub(crate) mod device;
pub(crate) mod document;
pub(crate) mod owner;
pub(crate) mod secret;

use otp::{Algorithm, Digits, Parameters, Period};
use rusqlite::{Row, types::FromSql};
use store::{Id, StoreError};
use verify::{Kind, UnixMs};

use crate::error::{Fault, Result};

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

    /// Without a copy.
    fn text(&mut self) -> Result<&'r str, Unreadable> {
        self.next += 1;
        self.row.get_ref(self.next - 1)?.as_str().map_err(|_| Unreadable)
    }

    pub(crate) fn id(&mut self) -> Result<Id, Unreadable> {
        self.get().map(Id::from_bytes)
    }

    pub(crate) fn time(&mut self) -> Result<UnixMs, Unreadable> {
        self.get().map(UnixMs::new)
    }

    pub(crate) fn kind(&mut self) -> Result<Kind, Unreadable> {
        let name = self.text()?;
        [Kind::Virtual, Kind::Hardware]
            .into_iter()
            .find(|kind| kind_name(*kind) == name)
            .ok_or(Unreadable)
    }

    pub(crate) fn parameters(&mut self) -> Result<Parameters, Unreadable> {
        let name = self.text()?;
        Ok(Parameters {
            algorithm: Algorithm::ALL
                .into_iter()
                .find(|algorithm| algorithm.name() == name)
                .ok_or(Unreadable)?,
            digits: Digits::new(self.get()?).ok_or(Unreadable)?,
            period: Period::new_s(self.get()?).ok_or(Unreadable)?,
        })
    }

    /// Versions keep all their bits.
    pub(crate) fn version(&mut self) -> Result<u64, Unreadable> {
        self.get::<i64>().map(i64::cast_unsigned)
    }
}

pub(crate) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Virtual => "virtual",
        Kind::Hardware => "hardware",
    }
}
