//! Erasing: what was erased is driven out of the write-ahead log, and copies of erased users' names out of the file.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use store::StoreError;

use super::Writer;
use crate::{
    fault::Result,
    tables::owner,
    traces::{self, Found, Search},
};

/// Pages that are looked at between two messages, and when nothing else is to do.
const SEARCHED_AT_WORK: usize = 16;
const SEARCHED_AT_REST: usize = 64;
/// After tables could not be written anew.
const REWRITE_AGAIN: Duration = Duration::from_secs(60);

/// The progress of the newest erasures: from the log into the file, then a search for names there.
#[derive(Default)]
pub(super) struct Erasure {
    /// Since when an erasure is not yet driven out of the log, and when to try.
    pub(super) in_log: Option<Instant>,
    /// The names of users who were erased and whose erasure is not yet driven out of the log.
    names: Vec<Arc<str>>,
    /// Copies of such names are looked for in the file.
    pub(super) search: Option<Search>,
    /// A search that nobody can make up for failed or was never made: when to write the tables anew instead.
    pub(super) rewrite_at: Option<Instant>,
}

impl Erasure {
    /// Nothing to erase, but what an earlier writer left.
    pub(super) fn rewriting_at(rewrite_at: Option<Instant>) -> Self {
        Self {
            rewrite_at,
            ..Self::default()
        }
    }

    /// Something was erased, and with it users of these names.
    pub(super) fn begin(&mut self, names: &[Arc<str>]) {
        self.in_log.get_or_insert_with(Instant::now);
        self.names.extend(names.iter().cloned());
    }

    /// The log is in the file now, and so is what was erased in it.
    pub(super) fn begin_search(&mut self) {
        if !self.names.is_empty() {
            let mut names = std::mem::take(&mut self.names);
            names.extend(self.search.take().map_or(Vec::new(), Search::into_names));
            self.search = Some(Search::of(names));
        }
    }
}

impl Writer {
    /// Between two messages: what is late, and some of the search.
    pub(super) fn erase_on(&mut self) {
        let latest = self.tuning.erase_latest;
        if self.erasure.in_log.is_some_and(|since| since.elapsed() >= latest) {
            self.drive_out();
        }
        self.search_on(SEARCHED_AT_WORK);
    }

    /// One step of what is left to erase; `false` when nothing is.
    pub(super) fn erase_at_rest(&mut self) -> bool {
        if self.erasure.search.is_some() {
            self.search_on(SEARCHED_AT_REST);
        } else if self.erasure.rewrite_at.is_some_and(|at| at <= Instant::now()) {
            self.rewrite();
        } else if self.erasure.in_log.is_some() {
            self.drive_out();
        } else {
            return false;
        }
        true
    }

    /// All that is left of a search, before the database is closed.
    pub(super) fn erase_to_the_end(&mut self) -> Result<()> {
        if self.erasure.search.is_none() && self.erasure.rewrite_at.is_none() {
            return Ok(());
        }
        while self.erasure.search.is_some() {
            self.search_on(SEARCHED_AT_REST);
        }
        if self.erasure.rewrite_at.is_some() {
            self.rewrite();
        }
        self.copy_log("TRUNCATE").map(drop)
    }

    /// Copies the log into the database and cuts it to nothing, so that what was erased is in neither.
    fn drive_out(&mut self) {
        match self.copy_log("TRUNCATE") {
            Ok(true) => {
                self.erasure.in_log = None;
                self.erasure.begin_search();
            }
            // Somebody reads an old state of the file; a read is short.
            Ok(false) => self.erasure.in_log = Some(Instant::now()),
            Err(fault) => {
                tracing::warn!(error = %StoreError::from(fault), "a checkpoint failed; it is tried again");
                self.erasure.in_log = Some(Instant::now());
            }
        }
    }

    /// Looks at some more pages for names of users who were erased; writes the tables anew where one is found.
    fn search_on(&mut self, pages: usize) {
        let Some(search) = &mut self.erasure.search else { return };
        // Only the owner erases.
        let found = match &self.custody {
            Some(custody) => search.step(custody.file(), pages),
            None => Ok(Found::Nothing),
        };
        match found {
            Ok(Found::NothingYet) => {}
            Ok(Found::Nothing) => {
                self.erasure.search = None;
                self.end_erasing();
            }
            Ok(Found::Trace) => {
                tracing::info!("an erased user's name was left in the file: the tables with names are written anew");
                self.erasure.search = None;
                self.rewrite();
            }
            Err(error) => {
                tracing::warn!(%error, "names of users who were erased are not looked for; the tables are written anew");
                (self.erasure.search, self.erasure.rewrite_at) = (None, Some(Instant::now()));
            }
        }
    }

    /// Writes the tables with names anew, of whomever names are left there; again later where that cannot be now.
    fn rewrite(&mut self) {
        let rewritten = self.owned(traces::rewrite).and_then(|()| self.copy_log("TRUNCATE"));
        match rewritten {
            Ok(true) => {
                self.erasure.rewrite_at = None;
                self.end_erasing();
            }
            Ok(false) => self.erasure.rewrite_at = Some(Instant::now() + REWRITE_AGAIN),
            Err(fault) => {
                let error = StoreError::from(fault);
                tracing::warn!(%error, "names of users who were erased may be left in the file; it is tried again");
                self.erasure.rewrite_at = Some(Instant::now() + REWRITE_AGAIN);
            }
        }
    }

    /// Nobody's name is left, unless somebody was erased meanwhile or something is to be made up for.
    fn end_erasing(&mut self) {
        if self.erasure.names.is_empty()
            && self.erasure.rewrite_at.is_none()
            && let Err(fault) = self.owned(owner::end_erasing)
        {
            tracing::warn!(error = %StoreError::from(fault), "the search for names is made once more by the next start");
        }
    }
}
