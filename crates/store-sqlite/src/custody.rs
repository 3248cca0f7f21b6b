//! The custody of the owner's files: they are still the ones that it opened, and it still owns them.
//!
//! Looked at by the writer alone, around every commit and once a second, so that nothing that it does itself can look
//! like somebody else's doing.

use std::{
    fs::{File, OpenOptions},
    io::ErrorKind,
    os::unix::fs::FileExt,
    path::Path,
};

use rusqlite::Connection;
use store::StoreError;

use crate::{
    FILE_NAME, OpenError,
    directory::{GENERATION, LOCK, SHM_NAME, WAL_NAME, plain},
    fault::{Fault, Result},
    tables::owner::{self, Checkpoint},
    trust::Trust,
    watched::Watched,
};

/// SQLite's, unless a file says otherwise; ours never do.
pub(crate) const PAGE: u64 = 4_096;

/// The owner's files, as far as they are looked after.
pub(crate) struct Custody {
    /// Open for as long as the connections are: closing it earlier would drop the locks that SQLite has on it.
    file: File,
    database: Watched,
    log: Watched,
    index: Watched,
    lock: Watched,
    generation: Watched,
    epoch: i64,
    /// Where the file has the row of the owner.
    page: u64,
    /// Neither file becomes shorter by itself.
    file_length: u64,
    log_length: u64,
    /// Of the log's header: they change when a new log begins.
    salts: Option<[u8; 8]>,
    /// All of the log may be in the file: then any commit, also of a command beside, begins it anew.
    may_begin: bool,
    /// The file has this one at least.
    copied: Checkpoint,
}

impl Custody {
    /// Once the connections are open and the owner's epoch is taken.
    pub(crate) fn of(dir: &Path, file: File, conn: &Connection, epoch: i64) -> Result<Self, OpenError> {
        let watched = |name| Watched::of(dir, name);
        let at = dir.join(FILE_NAME);
        let failed = |fault: Fault| fault.opening(at.clone());
        let page = owner::page(conn).map_err(failed)?.unwrap_or(1);
        let mut custody = Self {
            database: watched(FILE_NAME)?,
            log: watched(WAL_NAME)?,
            index: watched(SHM_NAME)?,
            lock: watched(LOCK)?,
            generation: watched(GENERATION)?,
            file,
            epoch,
            page,
            file_length: 0,
            log_length: 0,
            salts: None,
            may_begin: false,
            copied: Checkpoint::default(),
        };
        custody.copied = on_file(&custody.file, page).map_err(crate::directory::files(&at))?;
        Ok(custody)
    }

    /// The file of the database, to be read beside SQLite.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// In the transaction: nobody else has taken the directory since.
    pub(crate) fn owns(&self, tx: &Connection, trust: &Trust) -> Result<()> {
        if owner::epoch(tx)? == self.epoch {
            return Ok(());
        }
        Err(trust
            .lose("another service has taken this data directory: end this one".into())
            .into())
    }

    /// Around the commit: the files have their names.
    pub(crate) fn check(&self, trust: &Trust) -> Result<(), StoreError> {
        self.database.found().map_err(|why| trust.lose(restart(&why)))?;
        self.lock.found().map(drop).map_err(|why| {
            // It may come back; that nobody took the directory meanwhile, the epoch knows.
            trust.doubt_files(Some(why.clone()));
            StoreError::Untrusted(why)
        })
    }

    /// The log's length, which only grows until it is copied.
    pub(crate) fn log_length(&mut self, trust: &Trust) -> Result<u64, StoreError> {
        let log = self.log.found().map_err(|why| trust.lose(restart(&why)))?;
        if log.len() < self.log_length {
            return Err(trust.lose(restart(&format!("{WAL_NAME} became shorter"))));
        }
        self.log_length = log.len();
        Ok(self.log_length)
    }

    /// Once a second: all that can be seen from outside. `Err` is about these files alone.
    ///
    /// Of what stands in a file that is being written beside the writer nothing can be said: it is between two states.
    pub(crate) fn look(&mut self, trust: &Trust, is_copying: bool) -> Result<(), StoreError> {
        if trust.is_lost() {
            return trust.ask();
        }
        let lost = |why: String| trust.lose(restart(&why));
        let database = self.database.found().map_err(lost)?;
        if database.len() < self.file_length {
            return Err(lost(format!("{FILE_NAME} became shorter")));
        }
        self.file_length = database.len();
        if !is_copying {
            let copied = on_file(&self.file, self.page).map_err(|error| lost(format!("{FILE_NAME}: {error}")))?;
            if copied < self.copied {
                return Err(lost(format!("{FILE_NAME} was overwritten with an older one")));
            }
        }
        self.index.found().map_err(lost)?;
        self.generation.found().map_err(lost)?;
        self.log_length(trust)?;
        self.same_log().map_err(lost)?;
        let open = || {
            let mut all = [&self.database, &self.log, &self.index, &self.lock, &self.generation].into_iter();
            all.find_map(Watched::open_to_others)
        };
        let unlocked = |why| format!("{why}: put it back, or stop this service and start it again");
        let doubt = self.lock.found().err().map(unlocked).or_else(open);
        trust.doubt_files(doubt.clone());
        doubt.map_or(Ok(()), |why| Err(StoreError::Untrusted(why)))
    }

    /// From now on all of the log may be in the file, whoever has copied it.
    pub(crate) fn log_may_begin(&mut self) {
        (self.salts, self.may_begin) = (None, true);
    }

    /// Something of the log is not in the file, and nobody copies it: it is the same until that changes.
    pub(crate) fn log_goes_on(&mut self) {
        self.may_begin = false;
    }

    /// The log was copied into the file, up to this checkpoint, and may be cut or begun anew.
    pub(crate) fn log_ended(&mut self, with: Checkpoint) {
        (self.copied, self.log_length) = (with, 0);
        self.log_may_begin();
    }

    fn same_log(&mut self) -> Result<(), String> {
        if self.log_length == 0 || self.may_begin {
            return Ok(());
        }
        let mut salts = [0; 8];
        let log = plain(OpenOptions::new().read(true), &self.log.path);
        let read = log.and_then(|log| log.read_exact_at(&mut salts, 16));
        read.map_err(|error| format!("{WAL_NAME}: {error}"))?;
        if *self.salts.get_or_insert(salts) == salts {
            Ok(())
        } else {
            Err(format!("{WAL_NAME} was overwritten"))
        }
    }
}

fn restart(why: &str) -> String {
    format!("{why}: codes that were used may be good again in it; stop this service, put the files back, and start")
}

/// The newest checkpoint that the file has, whatever stands in the log; none before the first migration.
fn on_file(file: &File, page: u64) -> std::io::Result<Checkpoint> {
    let mut bytes = [0; PAGE as usize];
    match file.read_exact_at(&mut bytes, (page - 1) * PAGE) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(Checkpoint::default()),
        Err(error) => Err(error),
        Ok(()) => Ok(Checkpoint::on_page(&bytes).unwrap_or_default()),
    }
}

/// Refuses a file and a log that are of different times: SQLite would lay one over the other, page by page.
pub(crate) fn belong_together(conn: &Connection, file: &File, path: &Path) -> Result<(), OpenError> {
    let failed = |fault: Fault| fault.opening(path.into());
    let Some(page) = owner::page(conn).map_err(failed)? else {
        return Ok(());
    };
    let before = owner::read(conn).map_err(failed)?;
    let on_file = on_file(file, page).map_err(crate::directory::files(path))?;
    // Read again: beside an owner, one log may have ended and another one begun meanwhile.
    let after = owner::read(conn).map_err(failed)?;
    if (before.log_follows..=after.checkpoint).contains(&on_file) {
        return Ok(());
    }
    Err(OpenError::Mixed { path: path.into() })
}

/// [`belong_together`] for who has not opened the file itself: a command beside the owner, or without one.
pub(crate) fn belong_together_beside(conn: &Connection, path: &Path) -> Result<(), OpenError> {
    let file = plain(OpenOptions::new().read(true), path).map_err(crate::directory::files(path))?;
    let together = belong_together(conn, &file, path);
    // Closing it would drop the locks that SQLite has on it; a command ends soon.
    std::mem::forget(file);
    together
}
