//! Checkpoints: the write-ahead log is copied into the database, when it is long, and when what was erased has to leave it.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rusqlite::{Connection, hooks::Wal};
use store::StoreError;

use super::Writer;
use crate::{connection::BUSY, fault::Result, tables::owner};

/// The write-ahead log.
pub(super) struct Log {
    path: PathBuf,
    /// Its length in pages after the newest commit.
    pages: Arc<AtomicUsize>,
    /// At which length to copy it into the database.
    copy_at: usize,
}

impl Log {
    /// The log of this connection, whose commits tell how long it is.
    pub(super) fn of(conn: &mut Connection, path: PathBuf, copy_at: usize) -> Result<Self> {
        let pages = Arc::<AtomicUsize>::default();
        let length = pages.clone();
        conn.wal_hook(Some(move |_: &mut Wal, pages| {
            length.store(usize::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { path, pages, copy_at })
    }

    /// In bytes, as the file system says.
    pub(super) fn length(&self) -> u64 {
        self.path.metadata().map_or(0, |log| log.len())
    }
}

impl Writer {
    /// After a commit was answered: copies the log into the database, when it is long enough to be worth it.
    pub(super) fn copy_long_log(&mut self) {
        let pages = self.log.pages.load(Ordering::Relaxed);
        if !self.shared.owner || pages < self.log.copy_at {
            return;
        }
        // Where a reader is in the way it is tried again somewhat later, not with every commit.
        self.log.copy_at = pages + self.tuning.checkpoint_pages / 16 + 1;
        match self.copy_log("PASSIVE") {
            Ok(true) => self.log.copy_at = self.tuning.checkpoint_pages,
            Ok(false) => {}
            Err(fault) => tracing::warn!(error = %StoreError::from(fault), "a checkpoint failed; it is tried again"),
        }
    }

    /// Copies the log into the database; `true` when all of it is there.
    ///
    /// Announced in the log first, so that a file that has the announcement has all that was before it; and the log that
    /// begins after it says so, so that no other file passes for this one.
    pub(super) fn copy_log(&mut self, how: &str) -> Result<bool> {
        self.owned(owner::announce_checkpoint)?;
        let announced = owner::read(&self.conn)?.checkpoint;
        // Waiting for a reader would keep the next commit waiting.
        self.conn.busy_timeout(Duration::from_millis(20))?;
        let copied = self
            .conn
            .query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
            });
        self.conn.busy_timeout(BUSY)?;
        let (busy, length, copied) = copied?;
        if busy != 0 || length != copied {
            return Ok(false);
        }
        if let Some(custody) = &mut self.custody {
            custody.log_ended(announced);
        }
        // A log that was cut says it with its first commit; this one may begin anew at once.
        if how == "PASSIVE" {
            self.owned(owner::begin_log)?;
        }
        Ok(true)
    }
}
