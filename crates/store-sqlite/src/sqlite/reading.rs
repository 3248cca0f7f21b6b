//! Reading: each trait's questions, put to the threads that answer them.

use std::future::ready;

use store::{
    Damage, Document, Documents, Health, Id, Key, List, Named, Owner, Pending, Sealed, Secrets, StoreError, Summary,
    User, Users,
    audit::{Chain, Closing, Cursor, Head, Newest, Place, Row, Trail},
    history::{EventCursor, History, Subject},
};

use super::{
    Sqlite,
    users::{page_of_users, users},
};
use crate::{
    register,
    shared::lock,
    tables::{audit, document, history, secret, summary, user},
    writer::Message,
};

impl Users for Sqlite {
    fn users(&self, owners: Vec<Owner>) -> Pending<'_, Vec<Option<User>>> {
        let shared = self.shared.clone();
        if !shared.owner {
            return self.readers.read(move |conn| users(conn, &shared, &owners));
        }
        let mut rows = shared.known.rows_of(&owners);
        let asked = owners.into_iter().zip(&rows);
        let unknown: Vec<Owner> = asked
            .filter_map(|(owner, row)| row.is_none().then_some(owner))
            .collect();
        if unknown.is_empty() {
            return Box::pin(ready(Ok(rows.into_iter().map(Option::flatten).collect())));
        }
        // A reader's page cache is void after every commit of the writer, the writer's own is not. And the lane
        // that asks has nothing to commit until it knows the answer.
        self.ask(|reply| {
            Message::Read(Box::new(move |conn| {
                let read = users(conn, &shared, &unknown).map_err(StoreError::from);
                let read = shared.damage.note(read).map(|read| {
                    shared.known.read(&unknown, &read);
                    let mut read = read.into_iter();
                    for row in rows.iter_mut().filter(|row| row.is_none()) {
                        *row = read.next();
                    }
                    rows.into_iter().map(Option::flatten).collect()
                });
                let _nobody_may_wait = reply.send(read);
            }))
        })
    }

    fn named(&self, users: Vec<Id>) -> Pending<'_, Vec<Option<Named>>> {
        if !self.shared.owner {
            return self.readers.read(move |conn| user::named(conn, &users));
        }
        // By the writer, as `users` are.
        let damage = self.shared.damage.clone();
        self.ask(|reply| {
            Message::Read(Box::new(move |conn| {
                let found = user::named(conn, &users).map_err(StoreError::from);
                let _nobody_may_wait = reply.send(damage.note(found));
            }))
        })
    }

    fn users_after(&self, after: Option<Owner>, limit: u32) -> Pending<'_, Vec<User>> {
        let shared = self.shared.clone();
        self.readers
            .read(move |conn| page_of_users(conn, &shared, after.as_ref(), limit))
    }
}

impl Documents for Sqlite {
    fn documents(&self, keys: Vec<Key>) -> Pending<'_, Vec<Option<Document>>> {
        // A document and its secrets are of one moment.
        self.readers
            .read(move |conn| document::each(&*conn.transaction()?, &keys))
    }

    fn documents_in(&self, noun: &'static str, list: List, limit: u32) -> Pending<'_, Vec<Document>> {
        self.readers
            .read(move |conn| document::list(&*conn.transaction()?, noun, &list, limit))
    }

    fn summaries_in(&self, noun: &'static str, after: String, limit: u32) -> Pending<'_, Vec<Summary>> {
        self.readers
            .read(move |conn| summary::list(&*conn.transaction()?, noun, &after, limit))
    }

    fn count_in(&self, noun: &'static str, list: List, most: u32) -> Pending<'_, u32> {
        self.readers.read(move |conn| document::count(conn, noun, &list, most))
    }
}

impl Secrets for Sqlite {
    fn sealed_under(&self, key_id: u32, after: i64, limit: u32) -> Pending<'_, Vec<(i64, Sealed)>> {
        self.readers.read(move |conn| secret::under(conn, key_id, after, limit))
    }
}

impl Health for Sqlite {
    fn trusted(&self) -> Result<(), StoreError> {
        self.shared.trust.ask()
    }

    fn api_key_generation(&self) -> Result<u64, StoreError> {
        self.shared.trust.ask()?;
        let generation = self.shared.generation.as_ref().ok_or(StoreError::Closed)?;
        generation.read()
    }

    fn damage(&self) -> Damage {
        self.shared.damage.so_far()
    }
}

impl Trail for Sqlite {
    fn rows(&self, after: Option<Cursor>, limit: u32) -> Pending<'_, Vec<Row>> {
        self.readers.read(move |conn| audit::rows(conn, after, limit))
    }

    fn rows_before(&self, before: Option<Cursor>, limit: u32) -> Pending<'_, Vec<Row>> {
        self.readers.read(move |conn| audit::rows_before(conn, before, limit))
    }

    fn rows_at(&self, cursors: Vec<Cursor>) -> Pending<'_, Vec<Option<Row>>> {
        self.readers.read(move |conn| audit::rows_at(conn, &cursors))
    }

    fn row(&self, place: Place) -> Pending<'_, Option<Row>> {
        self.readers.read(move |conn| audit::row(&*conn.transaction()?, place))
    }

    fn chains(&self) -> Pending<'_, Vec<Chain>> {
        self.readers.read(|conn| register::all(conn))
    }

    fn head(&self) -> Head {
        *lock(&self.shared.head)
    }

    fn newest(&self) -> Pending<'_, Option<Newest>> {
        self.readers.read(|conn| audit::newest_row(conn))
    }

    fn last_of(&self, chain: i64) -> Pending<'_, Option<Head>> {
        self.readers
            .read(move |conn| register::last_of(&*conn.transaction()?, chain))
    }

    fn close_chain(&self, closing: Closing) -> Pending<'_, ()> {
        self.ask(|reply| Message::CloseChain(closing, reply))
    }
}

impl History for Sqlite {
    fn events_of(&self, subject: Subject, before: Option<EventCursor>, limit: u32) -> Pending<'_, Vec<EventCursor>> {
        self.readers
            .read(move |conn| history::events_of(conn, &subject, before, limit))
    }

    fn events_after(&self, subject: Subject, after: Option<EventCursor>, limit: u32) -> Pending<'_, Vec<EventCursor>> {
        self.readers
            .read(move |conn| history::events_after(conn, &subject, after, limit))
    }
}
