//! Writing the tail's states back: a hand that goes round the tail in key order.
//!
//! When a round begins, the newest row of the trail is noted. A state that was in the tail then is written back
//! when the hand passes its user, in its newest form; so at the end of the round every row up to the noted
//! one is folded, and `fold.through` becomes that row. What comes in behind the hand waits for the
//! next round.

use std::collections::HashSet;

use rusqlite::Connection;
use store::Id;

use crate::{
    fault::Result,
    tables::{audit, user_state},
    tail::Tail,
};

/// The progress of folding: where the hand is. Changed only after COMMIT.
#[derive(Clone, Copy)]
pub(crate) struct Fold {
    /// The last user that was passed in this round.
    hand: Option<Id>,
    /// The newest row when this round began.
    round: i64,
    /// All rows up to here are folded.
    through: i64,
    /// The newest row of all.
    newest: i64,
    /// Events of rows that are not folded, and of those since this round began.
    unfolded: u64,
    since_round: u64,
    /// Write-backs owed, in units of one `fold_at`th.
    owed: u64,
}

/// The states that one transaction has folded.
pub(crate) struct Folded {
    pub(crate) users: Vec<Id>,
    after: Fold,
}

impl Fold {
    /// As the file says.
    pub(crate) fn load(conn: &Connection) -> Result<Self> {
        let through = conn.query_row("SELECT through FROM fold", [], |row| row.get(0))?;
        let newest = audit::newest(conn)?;
        Ok(Self {
            hand: None,
            round: newest,
            through,
            newest,
            // As if each row had one: nobody counts them for a start.
            unfolded: newest.saturating_sub(through).cast_unsigned(),
            since_round: 0,
            owed: 0,
        })
    }

    /// The newest row that this engine knows of.
    pub(crate) fn newest(&self) -> i64 {
        self.newest
    }

    /// The number of events that opening would have to pass.
    pub(crate) fn behind(&self) -> u64 {
        self.unfolded
    }

    /// So many events were committed.
    ///
    /// Twice the tail's share of `fold_at` is owed for each, so a round takes half of `fold_at` events whatever the tail's
    /// length, and at most `fold_at` events are ever unfolded.
    pub(crate) fn appended(&mut self, events: u64, newest: Option<i64>, tail: usize) {
        self.owed = self.owed.saturating_add(2 * events * tail as u64);
        self.newest = newest.unwrap_or(self.newest);
        self.unfolded += events;
        self.since_round += events;
    }

    /// The number of states that the next transaction owes.
    pub(crate) fn owed(&self, fold_at: u64) -> usize {
        usize::try_from(self.owed / fold_at.max(1)).unwrap_or(usize::MAX)
    }

    /// Writes back the next `count` states, but none of `touched`.
    pub(crate) fn step(
        &self,
        tx: &Connection,
        tail: &Tail,
        touched: &HashSet<Id>,
        count: usize,
        fold_at: u64,
    ) -> Result<Folded> {
        let mut after = *self;
        after.owed = self.owed.saturating_sub((count as u64).saturating_mul(fold_at));
        let mut users = Vec::with_capacity(count.min(tail.len()));
        let mut states = tail.after(self.hand);
        let round_over = loop {
            if users.len() >= count {
                break false;
            }
            let Some((id, kept)) = states.next() else { break true };
            after.hand = Some(*id);
            if !touched.contains(id) {
                user_state::fold(tx, id, kept)?;
                users.push(*id);
            }
        };
        if round_over {
            let all = users.len() == tail.len();
            (after.through, after.unfolded) = if all {
                (self.newest, 0)
            } else {
                (self.round, self.since_round)
            };
            after.since_round = 0;
            (after.hand, after.round) = (None, self.newest);
            tx.prepare_cached("UPDATE fold SET through = ?")?
                .execute([after.through])?;
        }
        Ok(Folded { users, after })
    }

    /// After COMMIT.
    pub(crate) fn done(&mut self, folded: &Folded) {
        *self = folded.after;
    }
}
