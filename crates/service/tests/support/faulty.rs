//! An engine that refuses when it is told to.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use service::Id;
use store::{
    Checked, Commit, Damage, Document, Documents, Health, Key, List, Named, Outcome, Owner, Pending, Sealed, Secrets,
    Store, StoreError, Summary, User, Users,
    audit::{Chain, Closing, Cursor, Head, Newest, Place, Row, Trail},
    history::{EventCursor, History, Subject},
};
use tokio::sync::Semaphore;

/// What is wrong with it.
#[derive(Clone, Default)]
pub(crate) enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Somebody else is faster, whatever is written.
    Missed,
    /// Somebody else is faster once.
    MissedOnce,
    /// Nothing is written.
    Writing(StoreError),
    /// So many writes are written, and then nothing.
    WritingAfter(u32, StoreError),
    /// Everything is written, and nobody is told.
    Lost(StoreError),
    /// Nothing is read, nor written.
    Reading(StoreError),
    /// Whoever writes waits at this gate.
    Slow(Arc<Gate>),
    /// Whoever writes falls over.
    Panics,
}

/// Where writes wait until it is opened.
pub(crate) struct Gate {
    opened: Semaphore,
    arrived: AtomicUsize,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            opened: Semaphore::new(0),
            arrived: AtomicUsize::new(0),
        }
    }
}

impl Gate {
    /// How many writes came here so far.
    pub(crate) fn arrived(&self) -> usize {
        self.arrived.load(Ordering::SeqCst)
    }

    /// Lets so many through.
    pub(crate) fn open(&self, writes: usize) {
        self.opened.add_permits(writes);
    }

    async fn pass(&self) {
        self.arrived.fetch_add(1, Ordering::SeqCst);
        self.opened.acquire().await.expect("it is never closed").forget();
    }
}

/// An engine behind a fault.
pub(crate) struct Faulty {
    engine: Arc<dyn Store>,
    fault: Mutex<Fault>,
}

fn fails<'a, T: Send + 'a>(error: StoreError) -> Pending<'a, T> {
    Box::pin(std::future::ready(Err(error)))
}

impl Faulty {
    pub(crate) fn new(engine: Arc<dyn Store>) -> Self {
        Self {
            engine,
            fault: Mutex::default(),
        }
    }

    pub(crate) fn becomes(&self, fault: Fault) {
        *self.fault.lock().expect("no test panics in here") = fault;
    }

    fn fault(&self) -> Fault {
        self.fault.lock().expect("no test panics in here").clone()
    }

    fn read<'a, T: Send + 'a>(&'a self, read: impl FnOnce(&'a dyn Store) -> Pending<'a, T>) -> Pending<'a, T> {
        match self.fault() {
            Fault::Reading(error) => fails(error),
            _ => read(&*self.engine),
        }
    }
}

impl Commit for Faulty {
    fn apply(&self, changes: Vec<Checked>) -> Pending<'_, Vec<Outcome>> {
        match self.fault() {
            Fault::None => self.engine.apply(changes),
            Fault::Writing(error) | Fault::Reading(error) => fails(error),
            Fault::WritingAfter(0, error) => fails(error),
            Fault::WritingAfter(left, error) => {
                self.becomes(Fault::WritingAfter(left - 1, error));
                self.engine.apply(changes)
            }
            Fault::Lost(error) => Box::pin(async move {
                self.engine.apply(changes).await?;
                Err(error)
            }),
            Fault::Slow(gate) => Box::pin(async move {
                gate.pass().await;
                self.engine.apply(changes).await
            }),
            Fault::Panics => panic!("as it was told to"),
            Fault::MissedOnce => {
                self.becomes(Fault::None);
                Box::pin(std::future::ready(Ok(vec![Outcome::Missed; changes.len()])))
            }
            Fault::Missed => Box::pin(async move {
                let mut outcomes = Vec::with_capacity(changes.len());
                for change in changes {
                    // What is only said depends on nobody.
                    match change.writes().is_empty() {
                        true => outcomes.extend(self.engine.apply(vec![change]).await?),
                        false => outcomes.push(Outcome::Missed),
                    }
                }
                Ok(outcomes)
            }),
        }
    }
}

impl Users for Faulty {
    fn users(&self, owners: Vec<Owner>) -> Pending<'_, Vec<Option<User>>> {
        self.read(|engine| engine.users(owners))
    }

    fn named(&self, users: Vec<Id>) -> Pending<'_, Vec<Option<Named>>> {
        self.read(|engine| engine.named(users))
    }

    fn users_after(&self, after: Option<Owner>, limit: u32) -> Pending<'_, Vec<User>> {
        self.read(move |engine| engine.users_after(after, limit))
    }
}

impl Documents for Faulty {
    fn documents(&self, keys: Vec<Key>) -> Pending<'_, Vec<Option<Document>>> {
        self.read(|engine| engine.documents(keys))
    }

    fn documents_in(&self, noun: &'static str, list: List, limit: u32) -> Pending<'_, Vec<Document>> {
        self.read(move |engine| engine.documents_in(noun, list, limit))
    }

    fn summaries_in(&self, noun: &'static str, after: String, limit: u32) -> Pending<'_, Vec<Summary>> {
        self.read(move |engine| engine.summaries_in(noun, after, limit))
    }

    fn count_in(&self, noun: &'static str, list: List, most: u32) -> Pending<'_, u32> {
        self.read(move |engine| engine.count_in(noun, list, most))
    }
}

impl Secrets for Faulty {
    fn sealed_under(&self, key_id: u32, after: i64, limit: u32) -> Pending<'_, Vec<(i64, Sealed)>> {
        self.read(move |engine| engine.sealed_under(key_id, after, limit))
    }
}

impl Trail for Faulty {
    fn rows(&self, after: Option<Cursor>, limit: u32) -> Pending<'_, Vec<Row>> {
        self.read(move |engine| engine.rows(after, limit))
    }

    fn rows_before(&self, before: Option<Cursor>, limit: u32) -> Pending<'_, Vec<Row>> {
        self.read(move |engine| engine.rows_before(before, limit))
    }

    fn rows_at(&self, cursors: Vec<Cursor>) -> Pending<'_, Vec<Option<Row>>> {
        self.read(|engine| engine.rows_at(cursors))
    }

    fn row(&self, place: Place) -> Pending<'_, Option<Row>> {
        self.read(move |engine| engine.row(place))
    }

    fn chains(&self) -> Pending<'_, Vec<Chain>> {
        self.read(|engine| engine.chains())
    }

    fn head(&self) -> Head {
        self.engine.head()
    }

    fn newest(&self) -> Pending<'_, Option<Newest>> {
        self.read(|engine| engine.newest())
    }

    fn last_of(&self, chain: i64) -> Pending<'_, Option<Head>> {
        self.read(move |engine| engine.last_of(chain))
    }

    fn close_chain(&self, closing: Closing) -> Pending<'_, ()> {
        match self.fault() {
            Fault::Writing(error) | Fault::Lost(error) | Fault::Reading(error) => fails(error),
            Fault::None
            | Fault::Missed
            | Fault::MissedOnce
            | Fault::WritingAfter(..)
            | Fault::Slow(_)
            | Fault::Panics => self.engine.close_chain(closing),
        }
    }
}

impl History for Faulty {
    fn events_of(&self, subject: Subject, before: Option<EventCursor>, limit: u32) -> Pending<'_, Vec<EventCursor>> {
        self.read(move |engine| engine.events_of(subject, before, limit))
    }

    fn events_after(&self, subject: Subject, after: Option<EventCursor>, limit: u32) -> Pending<'_, Vec<EventCursor>> {
        self.read(move |engine| engine.events_after(subject, after, limit))
    }
}

impl Health for Faulty {
    fn trusted(&self) -> Result<(), StoreError> {
        match self.fault() {
            Fault::Writing(StoreError::Untrusted(why)) => Err(StoreError::Untrusted(why)),
            _ => self.engine.trusted(),
        }
    }

    fn api_key_generation(&self) -> Result<u64, StoreError> {
        self.engine.api_key_generation()
    }

    fn damage(&self) -> Damage {
        self.engine.damage()
    }
}
