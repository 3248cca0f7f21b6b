//! A store in which every user stands under the one spelling of their name: the guard behind the door that folds.

use std::{future::ready, sync::Arc};

use crate::{
    Checked, Commit, Damage, Document, Documents, Health, Id, Key, List, Named, Owner, Pending, Sealed, Secrets, Store,
    StoreError, Summary, User, UserNames, Users, Write,
    audit::{Chain, Closing, Cursor, Head, Newest, Place, Row, Trail},
    history::{EventCursor, History, Subject},
};

/// A store of a service that folds the case of users' names. It folds nothing by itself, for what is sealed and hashed names
/// its user, too; it refuses whoever would read or write a user under another spelling. To find nobody there would be to
/// take `Joe` for somebody whom nothing protects (A3b).
pub struct OneSpelling {
    store: Arc<dyn Store>,
    names: UserNames,
}

impl OneSpelling {
    /// Over this store. Where names are compared byte for byte there is nothing to guard, nor anything in between.
    pub fn over(store: Arc<dyn Store>, names: UserNames) -> Arc<dyn Store> {
        match names {
            UserNames::Exact => store,
            UserNames::CaseInsensitive => Arc::new(Self { store, names }),
        }
    }

    fn passes<'u>(&self, mut users: impl Iterator<Item = &'u str>) -> Result<(), StoreError> {
        match users.all(|user| self.names.is_spelling(user)) {
            true => Ok(()),
            // A programming error of the caller; failing closed is all that is left.
            false => Err(StoreError::Unavailable("a user's name was not folded".into())),
        }
    }
}

fn refused<'a, T: Send + 'a>(error: StoreError) -> Pending<'a, T> {
    Box::pin(ready(Err(error)))
}

fn user_of(write: &Write) -> Option<&str> {
    match write {
        Write::Put { document, .. } => Some(&document.key.user),
        Write::Delete { key, .. } | Write::Require { key, .. } => Some(&key.user),
        Write::User { next, .. } | Write::RenameUser { next, .. } => Some(&next.owner.user),
        Write::EraseUser(user) => Some(&user.owner.user),
        Write::Reseal { .. } | Write::Index { .. } => None,
    }
}

impl Users for OneSpelling {
    fn users(&self, owners: Vec<Owner>) -> Pending<'_, Vec<Option<User>>> {
        match self.passes(owners.iter().map(|owner| &*owner.user)) {
            Ok(()) => self.store.users(owners),
            Err(error) => refused(error),
        }
    }

    fn named(&self, users: Vec<Id>) -> Pending<'_, Vec<Option<Named>>> {
        self.store.named(users)
    }

    fn users_after(&self, after: Option<Owner>, limit: u32) -> Pending<'_, Vec<User>> {
        self.store.users_after(after, limit)
    }
}

impl Documents for OneSpelling {
    fn documents(&self, keys: Vec<Key>) -> Pending<'_, Vec<Option<Document>>> {
        match self.passes(keys.iter().map(|key| &*key.user)) {
            Ok(()) => self.store.documents(keys),
            Err(error) => refused(error),
        }
    }

    fn documents_in(&self, noun: &'static str, list: List, limit: u32) -> Pending<'_, Vec<Document>> {
        self.store.documents_in(noun, list, limit)
    }

    fn summaries_in(&self, noun: &'static str, after: String, limit: u32) -> Pending<'_, Vec<Summary>> {
        self.store.summaries_in(noun, after, limit)
    }

    fn count_in(&self, noun: &'static str, list: List, most: u32) -> Pending<'_, u32> {
        self.store.count_in(noun, list, most)
    }
}

impl Secrets for OneSpelling {
    fn sealed_under(&self, key_id: u32, after: i64, limit: u32) -> Pending<'_, Vec<(i64, Sealed)>> {
        self.store.sealed_under(key_id, after, limit)
    }
}

impl Trail for OneSpelling {
    fn rows(&self, after: Option<Cursor>, limit: u32) -> Pending<'_, Vec<Row>> {
        self.store.rows(after, limit)
    }

    fn rows_before(&self, before: Option<Cursor>, limit: u32) -> Pending<'_, Vec<Row>> {
        self.store.rows_before(before, limit)
    }

    fn rows_at(&self, cursors: Vec<Cursor>) -> Pending<'_, Vec<Option<Row>>> {
        self.store.rows_at(cursors)
    }

    fn row(&self, place: Place) -> Pending<'_, Option<Row>> {
        self.store.row(place)
    }

    fn chains(&self) -> Pending<'_, Vec<Chain>> {
        self.store.chains()
    }

    fn head(&self) -> Head {
        self.store.head()
    }

    fn newest(&self) -> Pending<'_, Option<Newest>> {
        self.store.newest()
    }

    fn last_of(&self, chain: i64) -> Pending<'_, Option<Head>> {
        self.store.last_of(chain)
    }

    fn close_chain(&self, closing: Closing) -> Pending<'_, ()> {
        self.store.close_chain(closing)
    }
}

impl History for OneSpelling {
    fn events_of(&self, subject: Subject, before: Option<EventCursor>, limit: u32) -> Pending<'_, Vec<EventCursor>> {
        self.store.events_of(subject, before, limit)
    }

    fn events_after(&self, subject: Subject, after: Option<EventCursor>, limit: u32) -> Pending<'_, Vec<EventCursor>> {
        self.store.events_after(subject, after, limit)
    }
}

impl Health for OneSpelling {
    fn trusted(&self) -> Result<(), StoreError> {
        self.store.trusted()
    }

    fn api_key_generation(&self) -> Result<u64, StoreError> {
        self.store.api_key_generation()
    }

    fn damage(&self) -> Damage {
        self.store.damage()
    }
}

impl Commit for OneSpelling {
    fn apply(&self, changes: Vec<Checked>) -> Pending<'_, Vec<crate::Outcome>> {
        let writes = changes.iter().flat_map(Checked::writes);
        match self.passes(writes.filter_map(user_of)) {
            Ok(()) => self.store.apply(changes),
            Err(error) => refused(error),
        }
    }
}
