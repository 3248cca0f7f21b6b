//! The tables, and how an older file becomes a newer one.

use std::path::Path;

use rusqlite::Connection;

use crate::{OpenError, connection::APPLICATION_ID};

mod embedded {
    #![allow(missing_docs, unreachable_pub, reason = "made by the macro")]
    refinery::embed_migrations!("migrations");
}

/// Only asks whether the newest schema is there.
pub(crate) fn known(conn: &Connection, path: &Path) -> Result<(), OpenError> {
    let (found, known) = both(conn, path)?;
    if found == known {
        Ok(())
    } else {
        Err(OpenError::Older {
            path: path.into(),
            found,
            known,
        })
    }
}

/// The file's schema, and ours, which is as new at least.
fn both(conn: &Connection, path: &Path) -> Result<(i64, i64), OpenError> {
    let runner = embedded::migrations::runner();
    let versions = runner.get_migrations().iter();
    let known = versions
        .map(|migration| i64::from(migration.version()))
        .max()
        .unwrap_or(0);
    let failed = |error| crate::fault::Fault::from(error).opening(path.into());
    if is_before(conn).map_err(failed)? {
        return Err(OpenError::Before { path: path.into() });
    }
    let found = schema(conn).map_err(failed)?;
    if found > known {
        return Err(OpenError::Newer {
            path: path.into(),
            found,
            known,
        });
    }
    Ok((found, known))
}

/// `true` where it has tables that no migration knows: those of version 0.1, while that was made.
fn is_before(conn: &Connection) -> rusqlite::Result<bool> {
    let narrow = "SELECT 1 FROM pragma_table_info('secret') WHERE name = 'key_id' AND type = 'INTEGER'";
    Ok(has_table(conn, "recovery_codes")? || conn.prepare(narrow)?.exists([])?)
}

/// Brings the file to the newest schema, or (beside the owner) only asks whether it is there.
pub(crate) fn prepare(conn: &mut Connection, path: &Path, migrate: bool) -> Result<(), OpenError> {
    if !migrate {
        return known(conn, path);
    }
    both(conn, path)?;
    // First of all, the name on the door: a first start that is killed between this and the first migration must
    // be known as ours by the next one.
    conn.pragma_update(None, "application_id", APPLICATION_ID)
        .map_err(|error| crate::fault::Fault::from(error).opening(path.into()))?;
    let failed = |error: refinery::Error| OpenError::Unavailable {
        path: path.into(),
        why: error.to_string(),
    };
    // Grouped: a migration and the record of it are one transaction. Apart, a kill between them leaves tables that
    // nobody knows to be there.
    let runner = embedded::migrations::runner().set_grouped(true);
    runner.run(conn).map(drop).map_err(failed)
}

/// The newest migration that was applied; 0 for none.
pub(crate) fn schema(conn: &Connection) -> rusqlite::Result<i64> {
    if !has_table(conn, "refinery_schema_history")? {
        return Ok(0);
    }
    conn.query_row(
        "SELECT coalesce(max(version), 0) FROM refinery_schema_history",
        [],
        |row| row.get(0),
    )
}

fn has_table(conn: &Connection, name: &str) -> rusqlite::Result<bool> {
    conn.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?")?
        .exists([name])
}
