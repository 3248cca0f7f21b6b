//! Warm-up of the known users: after a start everybody's row is read, a page at a time, as long as there is room. Then a name
//! that is not known is nobody's, and is told so without a read, as fast as a user's row is found.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use store::{Owner, StoreError, User};

use super::Writer;
use crate::{
    fault::{Fault, Result},
    known::Known,
    sqlite::page_of_users,
};

/// Rows that are read at once: whoever comes meanwhile waits for less than a commit takes.
const PAGE: u32 = 64;
/// The pause after a page, in times of what the page took.
const REST: u32 = 4;

/// A pass over all users.
pub(super) struct WarmUp {
    /// Whom the next page begins after.
    after: Option<Owner>,
    /// The last one that was read, with whom the next page begins.
    last: Option<Owner>,
    /// How often rows had been forgotten when it began.
    forgotten: u64,
    /// The time of its next page; `None` once it is over.
    next_at: Option<Instant>,
}

impl WarmUp {
    /// Begins at once; where there is nothing to know, never.
    pub(super) fn of(known: &Known, is_owner: bool) -> Self {
        Self::new(known.forgotten(), is_owner.then(Instant::now))
    }

    fn new(forgotten: u64, next_at: Option<Instant>) -> Self {
        Self {
            after: None,
            last: None,
            forgotten,
            next_at,
        }
    }

    /// Goes behind this page; false where users do not stand in the order of their names. A name that was damaged where it
    /// stands would have others be passed over, who would be taken for nobody; so each page's last one has to stand in the
    /// next page, too.
    fn passed(&mut self, page: &[User], known: &Known) -> bool {
        if let Some(last) = self.last.take()
            && page.iter().all(|user| user.owner != last)
            // Erased or renamed since.
            && !matches!(known.rows_of(&[last])[..], [Some(None)])
        {
            return false;
        }
        match page {
            [] => {}
            [only] => self.after = Some(only.owner.clone()),
            [.., before, last] => (self.after, self.last) = (Some(before.owner.clone()), Some(last.owner.clone())),
        }
        page.is_sorted_by(|one, next| one.owner < next.owner)
    }
}

impl Writer {
    /// The time until the next page; `None` while there is none to read.
    pub(super) fn warm_up_in(&self) -> Option<Duration> {
        let at = self.warm_up.next_at?;
        Some(at.saturating_duration_since(Instant::now()))
    }

    /// Reads a page, if it is time.
    pub(super) fn warm_up(&mut self) {
        let forgotten = self.shared.known.forgotten();
        if self.shared.owner && forgotten != self.warm_up.forgotten {
            // Whoever writes beside, or seals anew, may not be done yet.
            self.warm_up = WarmUp::new(forgotten, Some(Instant::now() + self.tuning.known_again));
        }
        if self.warm_up_in() != Some(Duration::ZERO) {
            return;
        }
        let begun = Instant::now();
        let read = catch_unwind(AssertUnwindSafe(|| self.read_page()));
        let pause = match read.map(|read| read.map_err(StoreError::from)) {
            Ok(Ok(true)) => Some(begun.elapsed() * REST),
            Ok(Ok(false)) => None,
            // Without it users are read when they come.
            Ok(Err(error @ StoreError::Damaged(_))) => {
                let _noted = self.shared.damage.note::<()>(Err(error));
                None
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "users were not read before they come; it is tried again");
                Some(self.tuning.known_again)
            }
            Err(_panic) => {
                tracing::error!("reading users before they come panicked");
                None
            }
        };
        self.warm_up.next_at = pause.map(|pause| Instant::now() + pause);
        if pause.is_none() {
            self.shared.known.warmed_up();
        }
    }

    /// `false` for the last page, and where there is no more room.
    fn read_page(&mut self) -> Result<bool> {
        if self.shared.trust.is_lost() {
            return Ok(false);
        }
        let known = &self.shared.known;
        if self.warm_up.after.is_none() {
            known.begin_pass();
        }
        let page = page_of_users(&mut self.conn, &self.shared, self.warm_up.after.as_ref(), PAGE)?;
        if !self.warm_up.passed(&page, known) {
            return Err(Fault::damaged("user", "whose name is not in its order"));
        }
        if page.is_empty() {
            known.end_pass();
            return Ok(false);
        }
        Ok(known.met(&page))
    }
}
