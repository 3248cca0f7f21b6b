//! Errors inside the engine, before they are told to anybody.

use std::path::PathBuf;

use rusqlite::ErrorCode;
use store::StoreError;

use crate::OpenError;

/// An error of SQLite, or one of ours.
#[derive(Debug)]
pub(crate) enum Fault {
    Sql(rusqlite::Error),
    Store(StoreError),
}

pub(crate) type Result<T, E = Fault> = std::result::Result<T, E>;

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Store(error) => error,
            Fault::Sql(error) if is_damage(&error) => Self::Damaged(error.to_string()),
            Fault::Sql(error) => Self::Unavailable(error.to_string()),
        }
    }
}

impl Fault {
    /// This row cannot be what was written.
    pub(crate) fn damaged(table: &str, key: impl std::fmt::Display) -> Self {
        Self::Store(StoreError::Damaged(format!("{table} {key} cannot be read")))
    }

    /// Of this row, if it is damage.
    pub(crate) fn about(self, table: &str, key: impl std::fmt::Display) -> Self {
        match self {
            Self::Sql(error) if is_damage(&error) => Self::damaged(table, key),
            other => other,
        }
    }

    pub(crate) fn unavailable(why: impl Into<String>) -> Self {
        Self::Store(StoreError::Unavailable(why.into()))
    }

    /// The error of opening that it is, about the file that is being opened.
    pub(crate) fn opening(self, path: PathBuf) -> OpenError {
        if let Self::Sql(error) = &self
            && error.sqlite_error_code() == Some(ErrorCode::NotADatabase)
        {
            return OpenError::Foreign {
                path,
                why: error.to_string(),
            };
        }
        match StoreError::from(self) {
            StoreError::Damaged(what) => OpenError::Damaged { path, what },
            other => OpenError::Unavailable {
                path,
                why: other.to_string(),
            },
        }
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(..) => {
            matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
            )
        }
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::Utf8Error(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::QueryReturnedNoRows => true,
        _ => false,
    }
}
