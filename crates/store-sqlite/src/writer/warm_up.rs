//! Warm-up of the known users: after a start everybody's row is read, a page at a time, as long as there is room. Then a name
//! that is not known is nobody's, and is told so without a read, as fast as a user's row is found.

use std::time::{Duration, Instant};

use store::Owner;

use super::Writer;
use crate::{fault::Result, known::Known, sqlite::page_of_users};

/// Rows that are read at once: whoever comes meanwhile waits for less than a commit takes.
const PAGE: u32 = 64;
/// The pause after a page, in times of what the page took.
const REST: u32 = 4;

/// A pass over all users.
pub(super) struct WarmUp {
    /// The last one that was read.
    after: Option<Owner>,
    /// How often rows had been forgotten when it began.
    forgotten: u64,
    /// The time of its next page; `None` once it is over.
    next_at: Option<Instant>,
}

impl WarmUp {
    /// Begins at once; where there is nothing to know, never.
    pub(super) fn of(known: &Known, is_owner: bool) -> Self {
        Self {
            after: None,
            forgotten: known.forgotten(),
            next_at: is_owner.then(Instant::now),
        }
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
            self.warm_up = WarmUp {
                after: None,
                forgotten,
                next_at: Some(Instant::now() + self.tuning.known_again),
            };
        }
        if self.warm_up_in() != Some(Duration::ZERO) {
            return;
        }
        if self.warm_up.after.is_none() {
            self.shared.known.begin_pass();
        }
        let begun = Instant::now();
        // Without it users are read when they come, and whoever meets what is damaged says so.
        let goes_on = !self.shared.trust.is_lost() && self.read_page().unwrap_or(false);
        self.warm_up.next_at = goes_on.then(|| Instant::now() + begun.elapsed() * REST);
        if !goes_on {
            self.shared.known.warmed_up();
        }
    }

    /// `false` for the last page, and where there is no more room.
    fn read_page(&mut self) -> Result<bool> {
        let known = &self.shared.known;
        let page = page_of_users(&mut self.conn, &self.shared, self.warm_up.after.as_ref(), PAGE)?;
        let Some(last) = page.last() else {
            known.end_pass();
            return Ok(false);
        };
        self.warm_up.after = Some(last.owner.clone());
        Ok(known.met(&page))
    }
}
