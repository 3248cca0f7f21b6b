//! Connections, and the settings that the engine's promises rest on: each is asked back, for SQLite keeps
//! silent about a setting it does not take.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use crate::{
    OpenError,
    directory::{WAL_NAME, beside},
    fault::Fault,
};

/// The time-out of waiting for another process' lock.
pub(crate) const BUSY: Duration = Duration::from_secs(5);

/// "CSGN", see the first migration.
pub(crate) const APPLICATION_ID: i64 = 0x4353_474E;

/// The connection that writes; refuses a file that is somebody else's before it changes anything.
pub(crate) fn writer(path: &Path, cache_mib: u32) -> Result<Connection, OpenError> {
    let conn = connect(path, cache_mib)?;
    ours(&conn, path)?;
    let settings = [
        // One file that only grows at its end, and readers that do not wait.
        ("journal_mode", "wal".to_string()),
        // FULL: a commit is on disk when it returns.
        ("synchronous", "2".into()),
        // Deleted content is overwritten.
        ("secure_delete", "1".into()),
        // When the log is copied into the file, the owner's writer says so in both.
        ("wal_autocheckpoint", "0".into()),
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

/// A connection to files that nobody writes, or that are written by an owner beside; leaves nothing behind.
pub(crate) fn read_only(dir: &Path, cache_mib: u32, owned: bool) -> Result<Connection, OpenError> {
    let path = beside(dir)?;
    let readonly = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let log = dir.join(WAL_NAME).metadata();
    let open = || {
        if owned {
            // The index is there, and is the owner's.
            return Connection::open_with_flags(&path, readonly);
        }
        if log.is_err() {
            // SQLite would make an empty log; there is nothing in none.
            return Connection::open_with_flags(immutable(&path), readonly | OpenFlags::SQLITE_OPEN_URI);
        }
        // Alone, its index of the log is in memory. It takes no locks, which a read-only file could not have.
        let conn = Connection::open_with_flags_and_vfs(&path, readonly, c"unix-none")?;
        conn.pragma(None, "locking_mode", "exclusive", |_| Ok(()))?;
        Ok(conn)
    };
    let failed = |error: rusqlite::Error| Fault::from(error).opening(path.clone());
    let conn = open().and_then(configured).map_err(failed)?;
    set(
        &conn,
        &path,
        "cache_size",
        &format!("-{}", i64::from(cache_mib) * 1_024),
    )?;
    ours(&conn, &path)?;
    Ok(conn)
}

/// The URI of a file that nobody changes.
fn immutable(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' => uri.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
            byte => uri += &format!("%{byte:02x}"),
        }
    }
    uri + "?immutable=1"
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
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).and_then(configured);
    let conn = conn.map_err(|error| Fault::from(error).opening(path.into()))?;
    set(&conn, path, "cache_size", &format!("-{}", i64::from(cache_mib) * 1_024))?;
    Ok(conn)
}

fn configured(conn: Connection) -> rusqlite::Result<Connection> {
    conn.busy_timeout(BUSY)?;
    conn.set_prepared_statement_cache_capacity(64);
    // Closing does what `close` says, and nothing by the way.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // A plan is made once: else a statement may be compiled anew for each value that is bound to it.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // A schema that was tampered with calls no functions.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
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
