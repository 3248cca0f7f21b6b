//! One transaction of the writer: conditions, effects and audit rows of many changes.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use rusqlite::Connection;
use store::{Checked, Id, Outcome, Revision, User, Write, audit::Head};

use crate::{
    fault::Result,
    known::Known,
    tables::{audit_row, document, history, lookup, owner, secret, user, user_state},
    tail::{Kept, Tail},
};

/// The effects of a transaction so far; published after COMMIT, dropped after ROLLBACK.
pub(crate) struct Group<'a> {
    tx: &'a Connection,
    tail: &'a Tail,
    known: &'a Known,
    folded: user_state::FoldedStates<'a>,
    generation: u32,
    /// The row of this group, which is appended at its end.
    row: audit_row::Draft,
    /// The chain before this group.
    head: Head,
    /// The users whose state changed.
    pub(crate) changed: HashMap<Id, Changed>,
    /// A secret was erased.
    pub(crate) erases: bool,
    /// The names of users who were erased.
    erased: Vec<Arc<str>>,
}

/// The place of a user's new state.
pub(crate) enum Changed {
    /// In the trail only; belongs into the tail.
    Appended(Kept),
    /// In `user_state`; does not belong into the tail any more.
    Written(Kept),
    /// Nowhere: the user was erased.
    Erased,
}

impl Changed {
    fn revision(&self) -> Option<Revision> {
        match self {
            Self::Appended(kept) | Self::Written(kept) => Some(kept.revision),
            Self::Erased => None,
        }
    }
}

impl<'a> Group<'a> {
    pub(crate) fn new(tx: &'a Connection, tail: &'a Tail, known: &'a Known, head: Head) -> Result<Self> {
        Ok(Self {
            tx,
            tail,
            known,
            folded: user_state::FoldedStates::of(tx)?,
            generation: owner::generation(tx)?,
            row: audit_row::Draft::default(),
            head,
            changed: HashMap::new(),
            erases: false,
            erased: Vec::new(),
        })
    }

    /// All of this change, or nothing of it.
    pub(crate) fn apply(&mut self, change: &Checked) -> Result<Outcome> {
        for write in change.writes() {
            if !self.holds(write)? {
                return Ok(Outcome::Missed);
            }
        }
        for write in change.writes() {
            if let Write::Put { document, .. } = write
                && let Some(lookup) = lookup::taken(self.tx, document)?
            {
                return Ok(Outcome::Taken(lookup));
            }
        }
        let mut states = change.states().iter();
        for write in change.writes() {
            self.write(write, &mut states)?;
        }
        self.row.change(change.states());
        for (event, commitment) in change.events() {
            self.row.say(event, commitment);
        }
        Ok(Outcome::Done)
    }

    fn holds(&mut self, write: &Write) -> Result<bool> {
        Ok(match write {
            Write::Put { expected, document } => document::version(self.tx, &document.key)? == *expected,
            Write::Delete { expected, key } => document::version(self.tx, key)? == Some(*expected),
            Write::Require { expected, key } => document::version(self.tx, key)? == *expected,
            Write::User { next, .. } => {
                self.revision(next)? == next.revision
                    && (next.revision.is_some() || !user::exists(self.tx, &next.owner)?)
            }
            Write::RenameUser { from, next } => {
                self.revision(next)? == next.revision
                    && user::is(self.tx, from, &next.id)?
                    && !user::exists(self.tx, &next.owner)?
            }
            Write::EraseUser(user) => {
                user.revision.is_some()
                    && self.revision(user)? == user.revision
                    && user::is(self.tx, &user.owner, &user.id)?
            }
            Write::Reseal { number, old, .. } => secret::holds(self.tx, *number, old)?,
            Write::Index { .. } => true,
        })
    }

    /// `states` gives the encoded states in the order of the writes that have one.
    fn write<'s>(&mut self, write: &Write, states: &mut impl Iterator<Item = &'s (Id, Box<[u8]>)>) -> Result<()> {
        match write {
            Write::Put { document, .. } => self.erases |= document::put(self.tx, document)?,
            Write::Delete { key, .. } => self.erases |= document::delete(self.tx, key)?,
            Write::Require { .. } => {}
            Write::User { next, devices } => {
                let kept = self.kept(states);
                let changed = if *devices {
                    self.erases |= user::put(self.tx, next, &kept)?;
                    Changed::Written(kept)
                } else {
                    Changed::Appended(kept)
                };
                self.changed.insert(next.id, changed);
            }
            Write::RenameUser { from, next } => {
                let kept = self.kept(states);
                user::rename(self.tx, from, &next.owner)?;
                self.erases |= user::put(self.tx, next, &kept)?;
                self.changed.insert(next.id, Changed::Written(kept));
            }
            Write::EraseUser(user) => {
                states.next();
                user::erase(self.tx, &user.owner, &user.id)?;
                owner::begin_erasing(self.tx)?;
                self.changed.insert(user.id, Changed::Erased);
                self.erases = true;
                self.erased.extend(spellings(&user.owner.user));
            }
            Write::Reseal { number, new, .. } => {
                secret::write_over(self.tx, *number, new)?;
                self.erases = true;
            }
            Write::Index { entries } => history::index(self.tx, entries)?,
        }
        Ok(())
    }

    /// The next of these states, in the group's row, which is about to be appended.
    fn kept<'s>(&self, states: &mut impl Iterator<Item = &'s (Id, Box<[u8]>)>) -> Kept {
        let state = states.next().map(|(_, state)| state.clone()).unwrap_or_default();
        Kept {
            revision: self.next_revision(),
            state,
        }
    }

    /// The revision of every row that this group writes.
    fn next_revision(&self) -> Revision {
        Revision {
            generation: self.generation,
            chain: self.head.chain,
            position: self.head.position + 1,
        }
    }

    /// The revision that the next change of this group meets.
    fn revision(&mut self, user: &User) -> Result<Option<Revision>> {
        if let Some(changed) = self.changed.get(&user.id) {
            return Ok(changed.revision());
        }
        let newest = self.known.revision(user);
        match newest.or_else(|| self.tail.get(&user.id).map(|kept| kept.revision)) {
            Some(revision) => Ok(Some(revision)),
            None => self.folded.revision(&user.id),
        }
    }

    /// Appends its row, unless nothing was said. What is to be published, without the borrow of the transaction.
    pub(crate) fn finish(self) -> Result<Finished> {
        let events = self.row.events();
        let revision = self.next_revision();
        let (head, row) = match events {
            0 => (self.head, None),
            _ => {
                let (head, row) = self.row.append(self.tx, &self.head)?;
                (head, Some(row))
            }
        };
        Ok(Finished {
            head,
            row,
            revision,
            events,
            changed: self.changed,
            erases: self.erases,
            erased: self.erased,
        })
    }
}

/// A name as it stands in keys, and as it stands within JSON.
fn spellings(name: &Arc<str>) -> impl Iterator<Item = Arc<str>> {
    let quoted = serde_json::to_string(&**name).unwrap_or_default();
    let escaped = quoted.trim_matches('"');
    let escaped = (*escaped != **name).then(|| escaped.into());
    [name.clone()].into_iter().chain(escaped)
}

/// The results that a committed group makes known.
pub(crate) struct Finished {
    /// The chain with its row.
    pub(crate) head: Head,
    /// The number of its row; `None` while it has none.
    pub(crate) row: Option<i64>,
    /// Of every user's row that was written.
    pub(crate) revision: Revision,
    /// The number of its events.
    pub(crate) events: u64,
    pub(crate) changed: HashMap<Id, Changed>,
    pub(crate) erases: bool,
    /// The names of users who were erased.
    pub(crate) erased: Vec<Arc<str>>,
}

impl Finished {
    /// The tail after COMMIT: folded states leave it, except those that have changed again.
    pub(crate) fn publish(self, tail: &mut Tail, folded: &[Id]) {
        for id in folded {
            tail.remove(id);
        }
        for (id, changed) in self.changed {
            match changed {
                Changed::Appended(state) => tail.insert(id, state),
                Changed::Written(_) | Changed::Erased => tail.remove(&id),
            }
        }
    }

    /// The users that folding must leave alone in this transaction: what the tail has of them is old.
    pub(crate) fn touched(&self) -> HashSet<Id> {
        self.changed.keys().copied().collect()
    }
}
