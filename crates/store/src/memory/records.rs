//! The records of the in-memory engine, and what a change does to them.

use std::collections::{BTreeMap, BTreeSet};

use verify::UnixMs;

use crate::{
    Checked, Document, Id, Key, List, Outcome, Owner, Revision, Sealed, Summary, User, Write,
    audit::{Chain, Cursor, Hash, Head, Payload, Recorded, Row},
    codec,
    history::Entry,
};

/// Everything that the engine keeps.
#[derive(Default)]
pub(super) struct Records {
    pub(super) documents: BTreeMap<Key, Kept<Document>>,
    pub(super) users: BTreeMap<Owner, Kept<User>>,
    pub(super) secrets: BTreeMap<i64, Sealed>,
    pub(super) chains: Vec<Chain>,
    pub(super) ends: Vec<Head>,
    pub(super) rows: Vec<Row>,
    pub(super) history: BTreeSet<Entry>,
    pub(super) api_key_generation: u64,
}

/// The events and states of a call so far.
#[derive(Default)]
pub(super) struct Commitment {
    pub(super) events: Vec<Recorded>,
    pub(super) covered: Vec<(UnixMs, Hash)>,
    pub(super) states: Vec<(Id, Box<[u8]>)>,
}

/// A record, and the numbers of its secrets, which are looked up when it is read.
pub(super) struct Kept<R> {
    pub(super) record: R,
    pub(super) secrets: Vec<i64>,
}

impl Records {
    fn version(&self, key: &Key) -> Option<u64> {
        self.documents.get(key).map(|kept| kept.record.version)
    }

    /// The document with its secrets.
    pub(super) fn whole(&self, kept: &Kept<Document>) -> Document {
        Document {
            secrets: self.secrets_of(&kept.secrets),
            ..kept.record.clone()
        }
    }

    /// The user with the secrets of their devices.
    pub(super) fn whole_user(&self, kept: &Kept<User>) -> User {
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

    /// Replaces a record's secrets: the same ones keep their numbers, others are erased.
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
            Write::RenameUser { from, next } => {
                let found = self.users.get(from).map(|kept| &kept.record);
                found.is_some_and(|found| (found.id, found.revision) == (next.id, next.revision))
                    && !self.users.contains_key(&next.owner)
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
            Write::User { next, devices } => self.write_user(next, *devices, revision),
            Write::RenameUser { from, next } => {
                if let Some(kept) = self.users.remove(from) {
                    self.users.insert(next.owner.clone(), kept);
                }
                self.write_user(next, true, revision);
            }
            Write::EraseUser(user) => self.erase_user(user),
            Write::Reseal { number, new, .. } => {
                self.secrets.insert(*number, new.clone());
            }
            Write::Index { entries } => self.history.extend(entries.iter().cloned()),
        }
    }

    fn write_user(&mut self, next: &User, devices: bool, revision: Revision) {
        let old = self.users.remove(&next.owner);
        let mut secrets = old.map_or(Vec::new(), |kept| kept.secrets);
        if devices {
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
            ..next.clone()
        };
        self.users.insert(record.owner.clone(), Kept { record, secrets });
    }

    fn erase_user(&mut self, user: &User) {
        let row = self.users.remove(&user.owner).map(|kept| kept.secrets);
        let theirs =
            |key: &Key, _: &mut Kept<Document>| key.account == user.owner.account && key.user == user.owner.user;
        let documents = self.documents.extract_if(.., theirs);
        let secrets = row.into_iter().chain(documents.map(|(_, kept)| kept.secrets));
        for secrets in secrets.collect::<Vec<_>>() {
            self.replace_secrets(secrets, &[]);
        }
    }

    pub(super) fn apply(&mut self, chain: i64, change: &Checked, row: &mut Commitment) -> Outcome {
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
    pub(super) fn append(&mut self, chain: i64, row: Commitment) {
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

    pub(super) fn summaries(&self, noun: &str, after: &str, limit: u32) -> Vec<Summary> {
        let of_noun = self
            .documents
            .values()
            .filter(|kept| kept.record.key.noun == noun && *kept.record.key.id > *after);
        let summary = |kept: &Kept<Document>| {
            Some(Summary {
                id: kept.record.key.id.to_string(),
                text: kept.record.summary.clone()?,
                sealed: self.secrets_of(&kept.secrets).pop()?,
            })
        };
        of_noun.filter_map(summary).take(limit as usize).collect()
    }

    pub(super) fn list(&self, noun: &str, list: &List, limit: u32) -> Vec<Document> {
        let of_noun = self.documents.values().filter(|kept| kept.record.key.noun == noun);
        let mut found: Vec<(Vec<u8>, &Kept<Document>)> = match list {
            List::Global { after } => of_noun
                .filter(|kept| kept.record.key.account.is_empty() && *kept.record.key.id > **after)
                .map(|kept| (Vec::new(), kept))
                .collect(),
            List::Every { after } => of_noun
                .filter(|kept| after.as_ref().is_none_or(|after| kept.record.key > *after))
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
