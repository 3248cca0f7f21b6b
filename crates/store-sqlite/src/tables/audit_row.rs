//! A row of the table `audit`: how it is drafted, appended and read back.

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::audit::{Cursor, Event, Hash, Head, Payload, Place, Recorded, Row};
use verify::UnixMs;

use super::{Columns, Unreadable};
use crate::fault::Result;

/// An event in the column `events`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said<'a> {
    at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    salt: Option<&'a str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    event: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commitment: Option<&'a str>,
}

/// A row of the trail while its commit goes on.
#[derive(Default)]
pub(crate) struct Draft {
    events: String,
    covered: Vec<(UnixMs, Hash)>,
    states: Vec<u8>,
}

impl Draft {
    pub(crate) fn say(&mut self, event: &Event, commitment: &Hash) {
        let events = &mut self.events;
        events.reserve(event.payload.len() + 96);
        events.push_str(if self.covered.is_empty() {
            "[{\"at\":"
        } else {
            ",{\"at\":"
        });
        events.push_str(itoa::Buffer::new().format(event.at.get()));
        events.push_str(",\"salt\":\"");
        HEXLOWER.encode_append(&event.salt, events);
        // What is said is a JSON object, whoever said it.
        events.push_str("\",\"event\":");
        events.push_str(&event.payload);
        events.push('}');
        self.covered.push((event.at, *commitment));
    }

    pub(crate) fn change(&mut self, users: &[(store::Id, Box<[u8]>)]) {
        self.states.extend(store::codec::join_users(users));
    }

    /// The number of its events.
    pub(crate) fn events(&self) -> u64 {
        self.covered.len() as u64
    }

    /// Appends it; the results are the chain's new head and the row's sequence number.
    pub(crate) fn append(mut self, conn: &Connection, head: &Head) -> Result<(Head, i64)> {
        self.events.push(']');
        let next = head.next(&self.covered, &self.states);
        const SQL: &str = "INSERT INTO audit (chain, position, states, hash, events) VALUES (?, ?, ?, ?, ?)";
        conn.prepare_cached(SQL)?.execute((
            next.chain,
            next.position.cast_signed(),
            (!self.states.is_empty()).then_some(&self.states),
            next.hash,
            &self.events,
        ))?;
        Ok((next, conn.last_insert_rowid()))
    }
}

fn unhex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok()?.try_into().ok()
}

/// The columns `sequence, chain, position, states, hash, events`.
pub(super) fn read(row: &rusqlite::Row<'_>) -> Result<Row, Unreadable> {
    let mut columns = Columns::of(row);
    let cursor = Cursor(columns.get()?);
    let place = Place {
        chain: columns.get()?,
        position: columns.version()?,
    };
    let states = columns.get::<Option<Vec<u8>>>()?.unwrap_or_default();
    let hash = columns.get()?;
    let events: String = columns.get()?;
    let events: Vec<Said<'_>> = serde_json::from_str(&events).map_err(|_| Unreadable)?;
    let recorded = |said: Said<'_>| {
        let payload = match (said.salt, said.event, said.commitment) {
            (Some(salt), Some(event), None) => Payload::Kept {
                salt: unhex(salt)?,
                payload: event.get().to_owned(),
            },
            (None, None, Some(commitment)) => Payload::Erased(unhex(commitment)?),
            _ => return None,
        };
        let at = UnixMs::new(said.at);
        Some(Recorded { at, payload })
    };
    let events: Option<Vec<_>> = events.into_iter().map(recorded).collect();
    Ok(Row {
        cursor,
        place,
        events: events.filter(|events| !events.is_empty()).ok_or(Unreadable)?,
        states,
        hash,
    })
}
