//! Connections, and the settings that the engine's promises rest on: each is asked back, for SQLite keeps
//! silent about a setting it does not take.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use crate::{OpenError, error::Fault};

/// How long one process waits for another one's lock.
pub(crate) const BUSY: Duration = Duration::from_secs(5);

/// "CSGN", see the first migration.
pub(crate) const APPLICATION_ID: i64 = 0x4353_474E;

/// The connection that writes; refuses a file that is somebody else's before it changes anything.
pub(crate) fn writer(path: &Path, cache_mib: u32, checkpoint_pages: u32) -> Result<Connection, OpenError> {
    let conn = connect(path, cache_mib)?;
    ours(&conn, path)?;
    let settings = [
        // One file that only grows at its end, and readers that do not wait.
        ("journal_mode", "wal".to_string()),
        // FULL: a commit is on disk when it returns.
        ("synchronous", "2".into()),
        // Deleted content is overwritten.
        ("secure_delete", "1".into()),
        ("wal_autocheckpoint", checkpoint_pages.to_string()),
        // Undo information of a statement may hold what it overwrites: it stays in memory.
        ("temp_store", "2".into()),
        // Refuses a row that points outside its page instead of following it.
        ("cell_size_check", "1".into()),
    ];
    for (name, value) in settings {
        set(&conn, path, name, &value)?;
    }
    Ok(conn)
}

/// A connection that cannot write.
pub(crate) fn reader(path: &Path, cache_mib: u32) -> Result<Connection, OpenError> {
    // Opened for writing all the same: a reader may have to rebuild the log's index.
    let conn = connect(path, cache_mib)?;
    set(&conn, path, "query_only", "1")?;
    Ok(conn)
}

/// One of ours, or one that nobody has written yet.
fn ours(conn: &Connection, path: &Path) -> Result<(), OpenError> {
    let ask = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0));
    let found = ask("PRAGMA application_id").and_then(|id| Ok((id, ask("SELECT count(*) FROM sqlite_schema")?)));
    match found.map_err(|error| Fault::from(error).opening(path.into()))? {
        (APPLICATION_ID, _) | (0, 0) => Ok(()),
        (id, _) => Err(OpenError::Foreign {
            path: path.into(),
            why: format!("its application id is {id:#x}"),
        }),
    }
}

fn connect(path: &Path, cache_mib: u32) -> Result<Connection, OpenError> {
    let open = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(BUSY)?;
        conn.set_prepared_statement_cache_capacity(64);
        // Closing does what `close` says, and nothing by the way.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        // A plan is made once: else a statement may be compiled anew for each value that is bound to it.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        // A schema that was tampered with calls no functions.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        Ok::<_, rusqlite::Error>(conn)
    };
    let conn = open().map_err(|error| Fault::from(error).opening(path.into()))?;
    set(&conn, path, "cache_size", &format!("-{}", i64::from(cache_mib) * 1_024))?;
    Ok(conn)
}

fn set(conn: &Connection, path: &Path, name: &str, value: &str) -> Result<(), OpenError> {
    let ask = || {
        // Some pragmas answer with a row and some do not.
        conn.pragma(None, name, value, |_| Ok(()))?;
        conn.pragma_query_value(None, name, |row| {
            Ok(match row.get_ref(0)? {
                rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                other => String::from_utf8_lossy(other.as_bytes().unwrap_or_default()).into_owned(),
            })
        })
    };
    let got: String = ask().map_err(|error: rusqlite::Error| Fault::from(error).opening(path.into()))?;
    if got == value {
        Ok(())
    } else {
        Err(OpenError::Setting {
            path: path.into(),
            setting: format!("{name} = {value}"),
            got,
        })
    }
}
