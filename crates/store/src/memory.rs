//! The in-memory engine: the contract in its shortest form, for tests and as the reference that other engines equal.
//!
//! It keeps nothing on a disk, looks through everything for a list, and decides one call after the other.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use verify::UnixMs;

use crate::{
    Checked, Commit, Damage, Document, Documents, Health, Id, Key, List, Named, Outcome, Owner, Pending, Revision,
    Sealed, Secrets, StoreError, User, Users, Write,
    audit::{Chain, Closing, Cursor, Hash, Head, Newest, Opening, Payload, Place, Recorded, Row, Sign, Trail},
    codec,
    history::{Entry, EventCursor, History, Subject},
};

/// What an in-memory engine leaves behind when it ends: its disk.
#[derive(Clone, Default)]
pub struct Disk(Arc<Mutex<Records>>);

#[derive(Default)]
struct Records {
    documents: BTreeMap<Key, Kept<Document>>,
    users: BTreeMap<Owner, Kept<User>>,
    secrets: BTreeMap<i64, Sealed>,
    chains: Vec<Chain>,
    ends: Vec<Head>,
    rows: Vec<Row>,
    history: BTreeSet<Entry>,
    api_key_generation: u64,
}

/// What a call has said and changed so far.
#[derive(Default)]
struct Commitment {
    events: Vec<Recorded>,
    covered: Vec<(UnixMs, Hash)>,
    states: Vec<(Id, Box<[u8]>)>,
}

/// A record, and the numbers of its secrets, which are looked up when it is read.
struct Kept<R> {
    record: R,
    secrets: Vec<i64>,
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
        self.documents.get(key).map(|kept| kept.record.version)
    }

    /// The document with its secrets.
    fn whole(&self, kept: &Kept<Document>) -> Document {
        Document {
            secrets: self.secrets_of(&kept.secrets),
            ..kept.record.clone()
        }
    }

    /// The user with the secrets of their devices.
    fn whole_user(&self, kept: &Kept<User>) -> User {
        let mut user = kept.record.clone();
        user.names_key = None;
        let of_devices = self.secrets_of(&kept.secrets).into_iter().skip(1);
        for (bound, sealed) in user.devices.iter_mut().zip(of_devices) {
            bound.device.sealed = sealed;
        }
        user
    }

    fn secrets_of(&self, numbers: &[i64]) -> Vec<Sealed> {
        let found = numbers.iter().filter_map(|number| self.secrets.get(number));
        found.cloned().collect()
    }

    /// What a record held becomes what it holds: the same ones keep their numbers, others are erased.
    fn replace_secrets(&mut self, mut old: Vec<i64>, new: &[Sealed]) -> Vec<i64> {
        let mut numbers = Vec::with_capacity(new.len());
        for sealed in new {
            let same = old.iter().position(|number| self.secrets.get(number) == Some(sealed));
            numbers.push(match same {
                Some(place) => old.remove(place),
                None => self.keep_secret(sealed.clone()),
            });
        }
        for number in old {
            self.secrets.remove(&number);
        }
        numbers
    }

    /// Under the lowest number that is free, so that numbers are used again.
    fn keep_secret(&mut self, sealed: Sealed) -> i64 {
        let taken = self
            .secrets
            .keys()
            .zip(1..)
            .take_while(|(number, next)| *number == next);
        let number = taken.count() as i64 + 1;
        self.secrets.insert(number, sealed);
        number
    }

    fn holds(&self, write: &Write) -> bool {
        match write {
            Write::Put { expected, document } => self.version(&document.key) == *expected,
            Write::Delete { expected, key } => self.version(key) == Some(*expected),
            Write::Require { expected, key } => self.version(key) == *expected,
            Write::User { next, .. } => {
                let found = self.users.get(&next.owner);
                found.and_then(|kept| kept.record.revision) == next.revision
            }
            Write::EraseUser(user) => {
                let found = self.users.get(&user.owner);
                found.is_some_and(|kept| kept.record.id == user.id && kept.record.revision == user.revision)
            }
            Write::Reseal { number, old, .. } => self.secrets.get(number) == Some(old),
            Write::Index { .. } => true,
        }
    }

    /// The first of its unique lookups that another document has.
    fn taken(&self, write: &Write) -> Option<&'static str> {
        let Write::Put { document, .. } = write else {
            return None;
        };
        let others = || {
            let others = self.documents.values().map(|kept| &kept.record);
            let others = others.filter(|other| other.key != document.key);
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
                let old = self.documents.remove(&document.key);
                let secrets = self.replace_secrets(old.map_or(Vec::new(), |kept| kept.secrets), &document.secrets);
                let record = Document {
                    secrets: Vec::new(),
                    ..(**document).clone()
                };
                self.documents.insert(record.key.clone(), Kept { record, secrets });
            }
            Write::Delete { key, .. } => {
                let old = self.documents.remove(key);
                self.replace_secrets(old.map_or(Vec::new(), |kept| kept.secrets), &[]);
            }
            Write::Require { .. } => {}
            Write::User { next, devices } => {
                let old = self.users.remove(&next.owner);
                let mut secrets = old.map_or(Vec::new(), |kept| kept.secrets);
                if *devices {
                    // The key of the names is the first, and stays.
                    let key = match secrets.is_empty() {
                        true => next.names_key.clone().map(|key| self.keep_secret(key)),
                        false => Some(secrets.remove(0)),
                    };
                    let of_devices = self.replace_secrets(secrets, &next.secrets());
                    secrets = key.into_iter().chain(of_devices).collect();
                }
                let record = User {
                    revision: Some(revision),
                    ..(**next).clone()
                };
                self.users.insert(record.owner.clone(), Kept { record, secrets });
            }
            Write::EraseUser(user) => {
                let row = self.users.remove(&user.owner).map(|kept| kept.secrets);
                let theirs = |key: &Key, _: &mut Kept<Document>| {
                    key.account == user.owner.account && key.user == user.owner.user
                };
                let documents = self.documents.extract_if(.., theirs);
                let secrets = row.into_iter().chain(documents.map(|(_, kept)| kept.secrets));
                for secrets in secrets.collect::<Vec<_>>() {
                    self.replace_secrets(secrets, &[]);
                }
            }
            Write::Reseal { number, new, .. } => {
                self.secrets.insert(*number, new.clone());
            }
            Write::Index { entries } => self.history.extend(entries.iter().cloned()),
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
        let of_noun = self.documents.values().filter(|kept| kept.record.key.noun == noun);
        let mut found: Vec<(Vec<u8>, &Kept<Document>)> = match list {
            List::Global { after } => of_noun
                .filter(|kept| kept.record.key.account.is_empty() && *kept.record.key.id > **after)
                .map(|kept| (Vec::new(), kept))
                .collect(),
            List::Expired(at) => of_noun
                .filter_map(|kept| Some((kept.record.expires_at.filter(|end| end < at)?, kept)))
                // Times before 1970 come first, too.
                .map(|(end, kept)| ((end.get() ^ i64::MIN).to_be_bytes().to_vec(), kept))
                .collect(),
            List::Lookup { name, prefix, after } => {
                let (from, to) = List::between(prefix, after);
                let values = |kept: &Kept<Document>| {
                    let lookups = kept.record.lookups.iter().filter(|lookup| lookup.name == *name);
                    lookups.map(|lookup| lookup.value.clone()).collect::<Vec<_>>()
                };
                of_noun
                    .flat_map(|kept| values(kept).into_iter().map(move |value| (value, kept)))
                    .filter(|(value, _)| *value >= from && *value < to)
                    .map(|(value, kept)| (value.into_bytes(), kept))
                    .collect()
            }
        };
        found.sort_by(|(a, one), (b, other)| a.cmp(b).then(one.record.key.cmp(&other.record.key)));
        let found = found.into_iter().take(limit as usize);
        found.map(|(_, kept)| self.whole(kept)).collect()
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
