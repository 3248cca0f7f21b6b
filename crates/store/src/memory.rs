//! The in-memory engine: the contract in its shortest form, for tests and as the reference that other engines equal.
//!
//! It keeps nothing on a disk, looks through everything for a list, and decides one call after the other.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use verify::UnixMs;

use crate::{
    Checked, Commit, Damage, Document, Documents, Health, Id, Key, List, Outcome, Owner, Pending, Revision, StoreError,
    User, Users, Write,
    audit::{Chain, Closing, Cursor, Hash, Head, Newest, Opening, Payload, Place, Recorded, Row, Sign, Trail},
    codec,
};

/// What an in-memory engine leaves behind when it ends: its disk.
#[derive(Clone, Default)]
pub struct Disk(Arc<Mutex<Records>>);

#[derive(Default)]
struct Records {
    documents: BTreeMap<Key, Document>,
    users: BTreeMap<Owner, User>,
    chains: Vec<Chain>,
    ends: Vec<Head>,
    rows: Vec<Row>,
    api_key_generation: u64,
}

/// What a call has said and changed so far.
#[derive(Default)]
struct Commitment {
    events: Vec<Recorded>,
    covered: Vec<(UnixMs, Hash)>,
    states: Vec<(Id, Box<[u8]>)>,
}

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

impl Records {
    fn version(&self, key: &Key) -> Option<u64> {
        self.documents.get(key).map(|document| document.version)
    }

    fn holds(&self, write: &Write) -> bool {
        match write {
            Write::Put { expected, document } => self.version(&document.key) == *expected,
            Write::Delete { expected, key } => self.version(key) == Some(*expected),
            Write::Require { expected, key } => self.version(key) == *expected,
            Write::User { next, .. } => self.users.get(&next.owner).and_then(|found| found.revision) == next.revision,
        }
    }

    /// The first of its unique lookups that another document has.
    fn taken(&self, write: &Write) -> Option<&'static str> {
        let Write::Put { document, .. } = write else {
            return None;
        };
        let others = || {
            let others = self.documents.values().filter(|other| other.key != document.key);
            others.filter(|other| other.key.noun == document.key.noun)
        };
        let mut unique = document.lookups.iter().filter(|lookup| lookup.unique);
        unique
            .find(|lookup| others().any(|other| other.lookups.contains(lookup)))
            .map(|lookup| lookup.name)
    }

    fn write(&mut self, write: &Write, revision: Revision) {
        match write {
            Write::Put { document, .. } => {
                self.documents.insert(document.key.clone(), (**document).clone());
            }
            Write::Delete { key, .. } => {
                self.documents.remove(key);
            }
            Write::Require { .. } => {}
            Write::User { next, .. } => {
                let next = User {
                    revision: Some(revision),
                    ..(**next).clone()
                };
                self.users.insert(next.owner.clone(), next);
            }
        }
    }

    fn apply(&mut self, chain: i64, change: &Checked, row: &mut Commitment) -> Outcome {
        if !change.writes().iter().all(|write| self.holds(write)) {
            return Outcome::Missed;
        }
        if let Some(lookup) = change.writes().iter().find_map(|write| self.taken(write)) {
            return Outcome::Taken(lookup);
        }
        let revision = Revision {
            generation: 1,
            chain,
            position: self.ends[chain as usize - 1].position + 1,
        };
        change.writes().iter().for_each(|write| self.write(write, revision));
        self.api_key_generation += u64::from(change.changes_api_keys());
        row.states.extend(change.states().iter().cloned());
        for (event, commitment) in change.events() {
            row.covered.push((event.at, *commitment));
            row.events.push(Recorded {
                at: event.at,
                payload: Payload::Kept {
                    salt: event.salt,
                    payload: event.payload.clone(),
                },
            });
        }
        Outcome::Done
    }

    /// The row of a call, unless nothing was said in it.
    fn append(&mut self, chain: i64, row: Commitment) {
        if row.events.is_empty() {
            return;
        }
        let states = codec::join_users(&row.states);
        let end = &mut self.ends[chain as usize - 1];
        *end = end.next(&row.covered, &states);
        self.rows.push(Row {
            cursor: Cursor(self.rows.len() as i64 + 1),
            place: end.place(),
            events: row.events,
            states,
            hash: end.hash,
        });
    }

    fn list(&self, noun: &str, list: &List, limit: u32) -> Vec<Document> {
        let of_noun = self.documents.values().filter(|document| document.key.noun == noun);
        let mut found: Vec<(Vec<u8>, &Document)> = match list {
            List::Global { after } => of_noun
                .filter(|document| document.key.account.is_empty() && *document.key.id > **after)
                .map(|document| (Vec::new(), document))
                .collect(),
            List::Expired(at) => of_noun
                .filter_map(|document| Some((document.expires_at.filter(|end| end < at)?, document)))
                // Times before 1970 come first, too.
                .map(|(end, document)| ((end.get() ^ i64::MIN).to_be_bytes().to_vec(), document))
                .collect(),
            List::Lookup { name, prefix, after } => {
                let (from, to) = List::between(prefix, after);
                let values = |document: &Document| {
                    let lookups = document.lookups.iter().filter(|lookup| lookup.name == *name);
                    lookups.map(|lookup| lookup.value.clone()).collect::<Vec<_>>()
                };
                of_noun
                    .flat_map(|document| values(document).into_iter().map(move |value| (value, document)))
                    .filter(|(value, _)| *value >= from && *value < to)
                    .map(|(value, document)| (value.into_bytes(), document))
                    .collect()
            }
        };
        found.sort_by(|(a, one), (b, other)| a.cmp(b).then(one.key.cmp(&other.key)));
        let found = found.into_iter().take(limit as usize);
        found.map(|(_, document)| document.clone()).collect()
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
        self.read(|records| keys.iter().map(|key| records.documents.get(key).cloned()).collect())
    }

    fn documents_in(&self, noun: &'static str, list: List, limit: u32) -> Pending<'_, Vec<Document>> {
        self.read(|records| records.list(noun, &list, limit))
    }
}

impl Users for Memory {
    fn users(&self, owners: Vec<Owner>) -> Pending<'_, Vec<Option<User>>> {
        self.read(|records| owners.iter().map(|owner| records.users.get(owner).cloned()).collect())
    }

    fn users_after(&self, after: Option<Owner>, limit: u32) -> Pending<'_, Vec<User>> {
        self.read(|records| {
            let later = records.users.values().filter(|user| Some(&user.owner) > after.as_ref());
            later.take(limit as usize).cloned().collect()
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
