use std::cmp::Reverse;

use otp::Step;

use crate::entry::Entry;
use crate::field::Field;
use crate::{Credential, Draft, EntryId, Kind};

/// Most entries of a vault.
pub const MAX_ENTRIES: usize = 10_000;

/// The entries of a vault, in the order they came.
pub struct Entries {
    pub(crate) list: Vec<Entry>,
    pub(crate) next_id: u64,
    /// What a newer version wrote beside them, entries of kinds that are not known here among it.
    pub(crate) unknown: Vec<Field>,
}

/// The order in which entries are listed. Favourites always come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By issuer, then account, without regard to case.
    Name,
    /// The one used most often first; of those the one used last.
    Use,
    /// As they came.
    Added,
}

/// Why an entry was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// [`MAX_ENTRIES`] are there.
    #[error("the vault has 10000 entries, the most it can have: remove some first")]
    Full,
}

/// Why there is no next counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CounterError {
    /// No entry has this id.
    #[error("there is no such entry")]
    NoSuchEntry,
    /// Not HOTP.
    #[error("the entry's codes move on by time, not by use")]
    NotHotp,
    /// The counter is at its end.
    #[error("the entry has used up its counter: bind it anew")]
    UsedUp,
}

/// An entry that was taken out, and may be put back.
pub struct Removed {
    entry: Entry,
    position: usize,
}

impl Removed {
    /// The entry.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }
}

impl Entries {
    pub(crate) fn new() -> Self {
        Self {
            list: Vec::new(),
            next_id: 1,
            unknown: Vec::new(),
        }
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The number of a newer version's records, which are kept without being understood.
    pub fn kept_unread(&self) -> usize {
        self.unknown.len()
    }

    /// All entries, in the order in which they came.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.list.iter()
    }

    /// The entry with this id.
    pub fn get(&self, id: EntryId) -> Option<&Entry> {
        self.list.iter().find(|entry| entry.id == id)
    }

    /// The entry with this id, to be changed.
    pub fn get_mut(&mut self, id: EntryId) -> Option<&mut Entry> {
        self.list.iter_mut().find(|entry| entry.id == id)
    }

    /// An entry that makes the same codes already, under whatever name.
    pub fn same_as(&self, credential: &Credential) -> Option<&Entry> {
        self.list.iter().find(|entry| entry.credential.is_same(credential))
    }

    /// Adds an entry, whether or not [`same_as`](Self::same_as) finds it.
    ///
    /// # Errors
    /// [`AddError`]; nothing is changed then.
    pub fn add(&mut self, draft: Draft) -> Result<EntryId, AddError> {
        if self.list.len() >= MAX_ENTRIES {
            return Err(AddError::Full);
        }
        let id = EntryId(self.next_id);
        self.next_id += 1;
        self.list.push(Entry::from_draft(id, draft));
        Ok(id)
    }

    /// Removes an entry. Kept, it can be put back with [`restore`](Self::restore); dropped, its secret is wiped.
    pub fn remove(&mut self, id: EntryId) -> Option<Removed> {
        let position = self.list.iter().position(|entry| entry.id == id)?;
        let entry = self.list.remove(position);
        Some(Removed { entry, position })
    }

    /// Puts back what was taken out, where it was and under its id.
    pub fn restore(&mut self, Removed { entry, position }: Removed) {
        self.list.insert(position.min(self.list.len()), entry);
    }

    /// Says that an entry's code was asked for.
    pub fn note_use(&mut self, id: EntryId, unix_s: u64) {
        if let Some(entry) = self.get_mut(id) {
            entry.uses = entry.uses.saturating_add(1);
            entry.last_used_s = Some(unix_s);
        }
    }

    /// Moves an HOTP entry on, and gives the counter of its next code.
    ///
    /// **Save the vault before that code is shown**: a code that was shown and is not counted would be shown again, and refused.
    ///
    /// # Errors
    /// [`CounterError`]; nothing is changed then.
    pub fn take_counter(&mut self, id: EntryId) -> Result<Step, CounterError> {
        let entry = self.get_mut(id).ok_or(CounterError::NoSuchEntry)?;
        let Kind::Hotp { counter } = &mut entry.credential.kind else {
            return Err(CounterError::NotHotp);
        };
        let taken = Step::new(*counter);
        *counter = counter.checked_add(1).ok_or(CounterError::UsedUp)?;
        Ok(taken)
    }

    /// Corrects an HOTP entry's counter: the one of its next code. A lower one makes codes that were shown come again.
    ///
    /// # Errors
    /// [`CounterError`]; nothing is changed then.
    pub fn set_counter(&mut self, id: EntryId, next: u64) -> Result<(), CounterError> {
        let entry = self.get_mut(id).ok_or(CounterError::NoSuchEntry)?;
        let Kind::Hotp { counter } = &mut entry.credential.kind else {
            return Err(CounterError::NotHotp);
        };
        *counter = next;
        Ok(())
    }

    /// Moves an HOTP entry on to a counter that another device has reached; never back.
    pub(crate) fn raise_counter(&mut self, id: EntryId, to: u64) {
        if let Some(Kind::Hotp { counter }) = self.get_mut(id).map(|entry| &mut entry.credential.kind) {
            *counter = to.max(*counter);
        }
    }

    /// All entries, in an order.
    pub fn ordered(&self, order: Order) -> Vec<&Entry> {
        let mut entries: Vec<_> = self.list.iter().collect();
        sort(&mut entries, order);
        entries
    }

    /// The entries in which every piece of `query` occurs: in issuer, account, a group or the note, without regard to case.
    /// Names that begin with the first piece come before the rest; within each the order is `order`'s. A blank query finds
    /// all.
    pub fn search(&self, query: &str, order: Order) -> Vec<&Entry> {
        let pieces: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
        let mut found: Vec<_> = self.list.iter().filter(|entry| has_all(entry, &pieces)).collect();
        sort(&mut found, order);
        if let Some(first) = pieces.first() {
            found.sort_by_cached_key(|entry| nearness(entry, first));
        }
        found
    }
}

fn sort(entries: &mut [&Entry], order: Order) {
    match order {
        Order::Name => entries.sort_by_cached_key(|entry| {
            let name = entry.issuer.as_str().to_lowercase();
            (name, entry.account.as_str().to_lowercase())
        }),
        Order::Use => entries.sort_by_key(|entry| Reverse((entry.uses, entry.last_used_s))),
        Order::Added => {}
    }
    entries.sort_by_key(|entry| !entry.favourite);
}

fn has_all(entry: &Entry, pieces: &[String]) -> bool {
    let names = [&entry.issuer, &entry.account].into_iter().chain(&entry.groups);
    let mut texts: Vec<String> = names.map(|name| name.as_str().to_lowercase()).collect();
    texts.push(entry.note.as_str().to_lowercase());
    pieces
        .iter()
        .all(|piece| texts.iter().any(|text| text.contains(piece.as_str())))
}

/// 0 where issuer or account begins with it, 1 where a word of them does, 2 where it is in them, 3 elsewhere.
fn nearness(entry: &Entry, piece: &str) -> u8 {
    let names = [&entry.issuer, &entry.account].map(|name| name.as_str().to_lowercase());
    let begins_word = |name: &String| {
        name.split(|c: char| !c.is_alphanumeric())
            .any(|word| word.starts_with(piece))
    };
    if names.iter().any(|name| name.starts_with(piece)) {
        0
    } else if names.iter().any(begins_word) {
        1
    } else if names.iter().any(|name| name.contains(piece)) {
        2
    } else {
        3
    }
}
