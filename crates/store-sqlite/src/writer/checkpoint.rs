//! Checkpoints: the write-ahead log is copied into the database, when it is long, and when what was erased has to leave it.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use rusqlite::{Connection, hooks::Wal};
use store::StoreError;

use super::{Message, Writer, copier::Copier};
use crate::{connection::BUSY, fault::Result, tables::owner};

/// The write-ahead log.
pub(super) struct Log {
    path: PathBuf,
    /// Its length in pages after the newest commit.
    pages: Arc<AtomicUsize>,
    /// At which length to copy it into the database.
    copy_at: usize,
    /// Copies most of it beside the writer. The owner's.
    copier: Option<Copier>,
    /// It was told to, and is not through.
    is_copying: bool,
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
        Ok(Self {
            path,
            pages,
            copy_at,
            copier: None,
            is_copying: false,
        })
    }

    /// In bytes, as the file system says.
    pub(super) fn length(&self) -> u64 {
        self.path.metadata().map_or(0, |log| log.len())
    }

    /// Whether the file may be written beside the writer: until the writer has heard of the end.
    pub(super) fn is_copying(&self) -> bool {
        self.is_copying
    }
}

impl Writer {
    /// From now on most of a long log is copied by a thread of its own.
    pub(crate) fn copies_beside(&mut self, conn: Connection, messages: mpsc::Sender<Message>) -> std::io::Result<()> {
        self.log.copier = Some(Copier::start(conn, self.log.pages.clone(), messages)?);
        Ok(())
    }

    /// After a commit was answered: has the log copied into the database, when it is long enough to be worth it.
    pub(super) fn copy_long_log(&mut self) {
        let pages = self.log.pages.load(Ordering::Relaxed);
        if !self.shared.owner || pages < self.log.copy_at || self.log.is_copying {
            return;
        }
        // Announced before anything of it is in the file, as ever.
        let announced = self.owned(owner::announce_checkpoint);
        match (&self.log.copier, announced) {
            (Some(copier), Ok(())) => {
                // It may copy all of it, where nothing comes in meanwhile.
                if let Some(custody) = &mut self.custody {
                    custody.log_may_begin();
                }
                copier.copy();
                self.log.is_copying = true;
            }
            (None, Ok(())) => self.copy_rest_of_log(),
            (_, Err(fault)) => {
                self.log.copy_at = pages + self.tuning.checkpoint_pages / 16 + 1;
                tracing::warn!(error = %StoreError::from(fault), "a checkpoint failed; it is tried again");
            }
        }
    }

    /// Most of the log is in the database.
    pub(super) fn log_copied(&mut self) {
        self.log.is_copying = false;
        if !self.shared.trust.is_lost() {
            self.copy_rest_of_log();
        }
    }

    fn copy_rest_of_log(&mut self) {
        let pages = self.log.pages.load(Ordering::Relaxed);
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
        let copier = self.log.copier.take();
        let copied = {
            let _resting = copier.as_ref().map(Copier::rest);
            self.copy_alone(how)
        };
        self.log.copier = copier;
        copied
    }

    fn copy_alone(&mut self, how: &str) -> Result<bool> {
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
        // Where somebody else copies it, both are -1.
        let is_whole = length == copied && length >= 0;
        if let (true, Some(custody)) = (is_whole, &mut self.custody) {
            custody.log_ended(announced);
        }
        let is_cut = busy == 0 && how != "PASSIVE";
        // A log that was cut says it with its first commit; one that is whole in the file, also where a reader was in the
        // way of the cut, may begin anew at once.
        if is_whole && !is_cut {
            self.owned(owner::begin_log)?;
        }
        if let (false, Some(custody)) = (self.log.is_copying, &mut self.custody) {
            custody.log_goes_on();
        }
        Ok(is_whole && busy == 0)
    }
}
