//! The in-memory engine: the contract in its shortest form, for tests and as the reference that other engines equal.
//!
//! It keeps nothing on a disk, looks through everything for a list, and decides one call after the other.

mod records;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use verify::UnixMs;

use crate::{
    Checked, Commit, Damage, Document, Documents, Health, Id, Key, List, Named, Outcome, Owner, Pending, Sealed,
    Secrets, StoreError, Summary, User, Users,
    audit::{Chain, Closing, Cursor, Head, Newest, Opening, Place, Row, Sign, Trail},
    history::{EventCursor, History, Subject},
};
use records::{Commitment, Records};

/// The disk of an in-memory engine, which it leaves behind when it ends.
#[derive(Clone, Default)]
pub struct Disk(Arc<Mutex<Records>>);

/// An in-memory engine, and the chain that it writes.
pub struct Memory {
    disk: Disk,
    chain: i64,
}

impl Memory {
    /// Goes on with what is on this disk, in a chain of its own; the chains before are closed where they ended.
    pub fn open(disk: &Disk, writer: &str, at: UnixMs, sign: Sign<'_>) -> Self {
        let mut records = disk.records();
        for number in 0..records.chains.len() {
            let head = records.ends[number];
            let closing = || Closing {
                head,
                signature: sign(&head.statement()),
            };
            records.chains[number].closing.get_or_insert_with(closing);
        }
        let previous = records.chains.last();
        let opening = Opening {
            writer: writer.to_owned(),
            at,
            previous: previous.map_or([0; 32], |chain| chain.opening.hash(chain.chain)),
        };
        let chain = records.chains.len() as i64 + 1;
        records.ends.push(Head::opened(chain, &opening));
        records.chains.push(Chain {
            chain,
            opening_signature: sign(&opening.statement(chain)),
            opening,
            closing: None,
        });
        drop(records);
        let disk = disk.clone();
        Self { disk, chain }
    }

    fn read<T: Send + 'static>(&self, read: impl FnOnce(&Records) -> T) -> Pending<'_, T> {
        let found = read(&self.disk.records());
        Box::pin(std::future::ready(Ok(found)))
    }
}

impl Disk {
    fn records(&self) -> MutexGuard<'_, Records> {
        // A test that panicked in here says so itself.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Commit for Memory {
    fn apply(&self, changes: Vec<Checked>) -> Pending<'_, Vec<Outcome>> {
        let mut records = self.disk.records();
        if records.chains[self.chain as usize - 1].closing.is_some() {
            return Box::pin(std::future::ready(Err(StoreError::Closed)));
        }
        let mut row = Commitment::default();
        let outcomes = changes
            .iter()
            .map(|change| records.apply(self.chain, change, &mut row))
            .collect();
        records.append(self.chain, row);
        Box::pin(std::future::ready(Ok(outcomes)))
    }
}

impl Documents for Memory {
    fn documents(&self, keys: Vec<Key>) -> Pending<'_, Vec<Option<Document>>> {
        self.read(|records| {
            let one = |key| records.documents.get(key).map(|kept| records.whole(kept));
            keys.iter().map(one).collect()
        })
    }

    fn documents_in(&self, noun: &'static str, list: List, limit: u32) -> Pending<'_, Vec<Document>> {
        self.read(|records| records.list(noun, &list, limit))
    }

    fn summaries_in(&self, noun: &'static str, after: String, limit: u32) -> Pending<'_, Vec<Summary>> {
        self.read(|records| records.summaries(noun, &after, limit))
    }

    fn count_in(&self, noun: &'static str, list: List, most: u32) -> Pending<'_, u32> {
        self.read(|records| records.list(noun, &list, most).len() as u32)
    }
}

impl Secrets for Memory {
    fn sealed_under(&self, key_id: u32, after: i64, limit: u32) -> Pending<'_, Vec<(i64, Sealed)>> {
        self.read(|records| {
            let later = records.secrets.iter().filter(|(number, _)| **number > after);
            let of_key = later.filter(|(_, sealed)| sealed.key_id == key_id);
            let page = of_key.take(limit as usize);
            page.map(|(number, sealed)| (*number, sealed.clone())).collect()
        })
    }
}

impl Users for Memory {
    fn users(&self, owners: Vec<Owner>) -> Pending<'_, Vec<Option<User>>> {
        self.read(|records| {
            let one = |owner| records.users.get(owner).map(|kept| records.whole_user(kept));
            owners.iter().map(one).collect()
        })
    }

    fn named(&self, users: Vec<Id>) -> Pending<'_, Vec<Option<Named>>> {
        self.read(|records| {
            let named = |id: &Id| {
                let kept = records.users.values().find(|kept| kept.record.id == *id)?;
                let owner = kept.record.owner.clone();
                let names_key = records.secrets.get(kept.secrets.first()?)?.clone();
                Some(Named { owner, names_key })
            };
            users.iter().map(named).collect()
        })
    }

    fn users_after(&self, after: Option<Owner>, limit: u32) -> Pending<'_, Vec<User>> {
        self.read(|records| {
            let later = records.users.values();
            let later = later.filter(|kept| Some(&kept.record.owner) > after.as_ref());
            let page = later.take(limit as usize);
            page.map(|kept| records.whole_user(kept)).collect()
        })
    }
}

impl Trail for Memory {
    fn rows(&self, after: Option<Cursor>, limit: u32) -> Pending<'_, Vec<Row>> {
        self.read(|records| {
            let later = records.rows.iter().filter(|row| Some(row.cursor) > after);
            later.take(limit as usize).cloned().collect()
        })
    }

    fn rows_before(&self, before: Option<Cursor>, limit: u32) -> Pending<'_, Vec<Row>> {
        self.read(|records| {
            let rows = records.rows.iter().rev();
            let earlier = rows.filter(|row| before.is_none_or(|before| row.cursor < before));
            earlier.take(limit as usize).cloned().collect()
        })
    }

    fn rows_at(&self, cursors: Vec<Cursor>) -> Pending<'_, Vec<Option<Row>>> {
        self.read(|records| {
            let one = |cursor: &Cursor| records.rows.iter().find(|row| row.cursor == *cursor).cloned();
            cursors.iter().map(one).collect()
        })
    }

    fn row(&self, place: Place) -> Pending<'_, Option<Row>> {
        self.read(|records| records.rows.iter().find(|row| row.place == place).cloned())
    }

    fn chains(&self) -> Pending<'_, Vec<Chain>> {
        self.read(|records| records.chains.clone())
    }

    fn head(&self) -> Head {
        self.disk.records().ends[self.chain as usize - 1]
    }

    fn newest(&self) -> Pending<'_, Option<Newest>> {
        self.read(|records| {
            records.rows.last().map(|row| Newest {
                place: row.place,
                at: row.events.last().map_or(UnixMs::new(0), |event| event.at),
            })
        })
    }

    fn last_of(&self, chain: i64) -> Pending<'_, Option<Head>> {
        self.read(|records| records.ends.get(usize::try_from(chain - 1).ok()?).copied())
    }

    fn close_chain(&self, closing: Closing) -> Pending<'_, ()> {
        let mut records = self.disk.records();
        let number = usize::try_from(closing.head.chain - 1).unwrap_or(usize::MAX);
        let outcome = match (records.ends.get(number).copied(), records.chains.get_mut(number)) {
            (Some(end), Some(chain)) if end == closing.head || chain.closing.is_some() => {
                chain.closing.get_or_insert(closing);
                Ok(())
            }
            _ => Err(StoreError::Unavailable("the chain ends elsewhere".into())),
        };
        Box::pin(std::future::ready(outcome))
    }
}

impl History for Memory {
    fn events_of(&self, subject: Subject, before: Option<EventCursor>, limit: u32) -> Pending<'_, Vec<EventCursor>> {
        self.read(|records| {
            let newest_first = records.history.iter().rev();
            let events = newest_first
                .filter(|entry| entry.subject == subject)
                .map(|entry| entry.event);
            let earlier = events.filter(|event| before.is_none_or(|before| *event < before));
            earlier.take(limit as usize).collect()
        })
    }

    fn events_after(&self, subject: Subject, after: Option<EventCursor>, limit: u32) -> Pending<'_, Vec<EventCursor>> {
        self.read(|records| {
            let oldest_first = records.history.iter();
            let events = oldest_first
                .filter(|entry| entry.subject == subject)
                .map(|entry| entry.event);
            let later = events.filter(|event| after.is_none_or(|after| *event > after));
            later.take(limit as usize).collect()
        })
    }
}

impl Health for Memory {
    fn trusted(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn api_key_generation(&self) -> Result<u64, StoreError> {
        Ok(self.disk.records().api_key_generation)
    }

    fn damage(&self) -> Damage {
        Damage::default()
    }
}
