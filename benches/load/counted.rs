//! The engine, with what is asked of it counted.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Instant,
};

use service::Owner;
use store::{
    Checked, Commit, Damage, Document, Documents, Health, Id, Key, List, Named, Outcome, Pending, Sealed, Secrets,
    StoreError, Summary, User, Users,
    audit::{Chain, Closing, Cursor, Head, Newest, Place, Row, Trail},
    history::{EventCursor, History, Subject},
};
use store_sqlite::Sqlite;

/// Counts the commits and reads of the lane.
pub(crate) struct Counted {
    engine: Arc<Sqlite>,
    commits: AtomicU64,
    /// Rows of the trail in these commits: one a verification.
    events: AtomicU64,
    commit_us: AtomicU64,
    load_us: AtomicU64,
}

impl Counted {
    pub(crate) fn new(engine: Arc<Sqlite>) -> Self {
        Self {
            engine,
            commits: AtomicU64::default(),
            events: AtomicU64::default(),
            commit_us: AtomicU64::default(),
            load_us: AtomicU64::default(),
        }
    }

    /// Commits, events in them, and microseconds of waiting for commits and for reads.
    pub(crate) fn so_far(&self) -> [u64; 4] {
        [&self.commits, &self.events, &self.commit_us, &self.load_us].map(|count| count.load(SeqCst))
    }
}

impl Commit for Counted {
    fn apply(&self, changes: Vec<Checked>) -> Pending<'_, Vec<Outcome>> {
        let begun = Instant::now();
        let events: usize = changes.iter().map(|change| change.events().len()).sum();
        self.commits.fetch_add(1, SeqCst);
        self.events.fetch_add(events as u64, SeqCst);
        let committed = self.engine.apply(changes);
        Box::pin(async move {
            let outcomes = committed.await;
            self.commit_us.fetch_add(begun.elapsed().as_micros() as u64, SeqCst);
            outcomes
        })
    }
}

impl Users for Counted {
    fn users(&self, owners: Vec<Owner>) -> Pending<'_, Vec<Option<User>>> {
        let begun = Instant::now();
        let read = self.engine.users(owners);
        Box::pin(async move {
            let found = read.await;
            self.load_us.fetch_add(begun.elapsed().as_micros() as u64, SeqCst);
            found
        })
    }

    fn named(&self, users: Vec<Id>) -> Pending<'_, Vec<Option<Named>>> {
        self.engine.named(users)
    }

    fn users_after(&self, after: Option<Owner>, limit: u32) -> Pending<'_, Vec<User>> {
        self.engine.users_after(after, limit)
    }
}

impl Documents for Counted {
    fn documents(&self, keys: Vec<Key>) -> Pending<'_, Vec<Option<Document>>> {
        self.engine.documents(keys)
    }

    fn documents_in(&self, noun: &'static str, list: List, limit: u32) -> Pending<'_, Vec<Document>> {
        self.engine.documents_in(noun, list, limit)
    }

    fn summaries_in(&self, noun: &'static str, after: String, limit: u32) -> Pending<'_, Vec<Summary>> {
        self.engine.summaries_in(noun, after, limit)
    }

    fn count_in(&self, noun: &'static str, list: List, most: u32) -> Pending<'_, u32> {
        self.engine.count_in(noun, list, most)
    }
}

impl Secrets for Counted {
    fn sealed_under(&self, key_id: u32, after: i64, limit: u32) -> Pending<'_, Vec<(i64, Sealed)>> {
        self.engine.sealed_under(key_id, after, limit)
    }
}

impl Health for Counted {
    fn api_key_generation(&self) -> Result<u64, StoreError> {
        self.engine.api_key_generation()
    }

    fn trusted(&self) -> Result<(), StoreError> {
        self.engine.trusted()
    }

    fn damage(&self) -> Damage {
        self.engine.damage()
    }
}

impl History for Counted {
    fn events_of(&self, subject: Subject, before: Option<EventCursor>, limit: u32) -> Pending<'_, Vec<EventCursor>> {
        self.engine.events_of(subject, before, limit)
    }

    fn events_after(&self, subject: Subject, after: Option<EventCursor>, limit: u32) -> Pending<'_, Vec<EventCursor>> {
        self.engine.events_after(subject, after, limit)
    }
}

impl Trail for Counted {
    fn rows(&self, after: Option<Cursor>, limit: u32) -> Pending<'_, Vec<Row>> {
        self.engine.rows(after, limit)
    }

    fn rows_before(&self, before: Option<Cursor>, limit: u32) -> Pending<'_, Vec<Row>> {
        self.engine.rows_before(before, limit)
    }

    fn rows_at(&self, cursors: Vec<Cursor>) -> Pending<'_, Vec<Option<Row>>> {
        self.engine.rows_at(cursors)
    }

    fn row(&self, place: Place) -> Pending<'_, Option<Row>> {
        self.engine.row(place)
    }

    fn chains(&self) -> Pending<'_, Vec<Chain>> {
        self.engine.chains()
    }

    fn head(&self) -> Head {
        self.engine.head()
    }

    fn newest(&self) -> Pending<'_, Option<Newest>> {
        self.engine.newest()
    }

    fn last_of(&self, chain: i64) -> Pending<'_, Option<Head>> {
        self.engine.last_of(chain)
    }

    fn close_chain(&self, closing: Closing) -> Pending<'_, ()> {
        self.engine.close_chain(closing)
    }
}
