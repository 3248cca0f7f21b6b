//! A store whose reads linger: between what a use case reads and what it does about it, others get their turn. What
//! is a race of microseconds elsewhere is one of milliseconds here, so that it is lost in a test and not in the field.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use store::{
    Checked, Commit, Damage, Document, Documents, Health, Id, Key, List, Named, Outcome, Owner, Pending, Sealed,
    Secrets, StoreError, Summary, User, Users,
    audit::{Chain, Closing, Cursor, Head, Newest, Place, Row, Trail},
    history::{EventCursor, History, Subject},
};
use store_sqlite::Sqlite;

/// Enough for the reads and the commit of somebody else.
const LONG: Duration = Duration::from_millis(30);

pub(crate) struct Lingering {
    pub(crate) engine: Arc<Sqlite>,
    pub(crate) reads: AtomicU64,
}

impl Lingering {
    /// One answer in three comes long after it was true: others have done whole changes meanwhile.
    fn late<'a, T: Send + 'a>(&'a self, read: Pending<'a, T>) -> Pending<'a, T> {
        let nth = self.reads.fetch_add(1, Relaxed);
        Box::pin(async move {
            let answer = read.await;
            // Fibonacci hashing: in no step with the order of reads in a use case.
            if (nth.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32).is_multiple_of(3) {
                tokio::time::sleep(LONG).await;
            }
            answer
        })
    }
}

impl Users for Lingering {
    fn users(&self, owners: Vec<Owner>) -> Pending<'_, Vec<Option<User>>> {
        self.late(self.engine.users(owners))
    }

    fn named(&self, users: Vec<Id>) -> Pending<'_, Vec<Option<Named>>> {
        self.late(self.engine.named(users))
    }

    fn users_after(&self, after: Option<Owner>, limit: u32) -> Pending<'_, Vec<User>> {
        self.late(self.engine.users_after(after, limit))
    }
}

impl Documents for Lingering {
    fn documents(&self, keys: Vec<Key>) -> Pending<'_, Vec<Option<Document>>> {
        self.late(self.engine.documents(keys))
    }

    fn documents_in(&self, noun: &'static str, list: List, limit: u32) -> Pending<'_, Vec<Document>> {
        self.late(self.engine.documents_in(noun, list, limit))
    }

    fn summaries_in(&self, noun: &'static str, after: String, limit: u32) -> Pending<'_, Vec<Summary>> {
        self.late(self.engine.summaries_in(noun, after, limit))
    }

    fn count_in(&self, noun: &'static str, list: List, most: u32) -> Pending<'_, u32> {
        self.late(self.engine.count_in(noun, list, most))
    }
}

impl Secrets for Lingering {
    fn sealed_under(&self, key_id: u32, after: i64, limit: u32) -> Pending<'_, Vec<(i64, Sealed)>> {
        self.late(self.engine.sealed_under(key_id, after, limit))
    }
}

impl Health for Lingering {
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

impl History for Lingering {
    fn events_of(&self, subject: Subject, before: Option<EventCursor>, limit: u32) -> Pending<'_, Vec<EventCursor>> {
        self.late(self.engine.events_of(subject, before, limit))
    }

    fn events_after(&self, subject: Subject, after: Option<EventCursor>, limit: u32) -> Pending<'_, Vec<EventCursor>> {
        self.late(self.engine.events_after(subject, after, limit))
    }
}

impl Trail for Lingering {
    fn rows(&self, after: Option<Cursor>, limit: u32) -> Pending<'_, Vec<Row>> {
        self.late(self.engine.rows(after, limit))
    }

    fn rows_before(&self, before: Option<Cursor>, limit: u32) -> Pending<'_, Vec<Row>> {
        self.late(self.engine.rows_before(before, limit))
    }

    fn rows_at(&self, cursors: Vec<Cursor>) -> Pending<'_, Vec<Option<Row>>> {
        self.late(self.engine.rows_at(cursors))
    }

    fn row(&self, place: Place) -> Pending<'_, Option<Row>> {
        self.late(self.engine.row(place))
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

impl Commit for Lingering {
    fn apply(&self, changes: Vec<Checked>) -> Pending<'_, Vec<Outcome>> {
        self.engine.apply(changes)
    }
}
