//! The history's index: the events of the trail by user, device and token.
//!
//! It is filled behind the writer by a [`TrailReader`](crate::TrailReader): an entry is derived from an event that is there,
//! so it has no event of its own, and writing it twice is writing it once. What is behind the reader's cursor is in the
//! index; what is after it stands in the trail alone.

use crate::{Id, Pending, audit::Cursor};

/// The subject of an event: a user, a device or a token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A user, by the id of their row.
    User(Id),
    /// A device.
    Device(Id),
    /// A token, by its serial number.
    Token(String),
}

impl Subject {
    /// The bytes that engines keep: a letter, then the 16 bytes of the id or the serial number.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (kind, which) = match self {
            Self::User(id) => (b'u', &id.as_bytes()[..]),
            Self::Device(id) => (b'd', &id.as_bytes()[..]),
            Self::Token(serial_number) => (b't', serial_number.as_bytes()),
        };
        [&[kind], which].concat()
    }
}

/// The place of an event in the order of commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventCursor {
    /// Its row.
    pub row: Cursor,
    /// Its number among the row's events, from 1.
    pub index: u32,
}

/// One line of the index: this event is about this subject.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its subject.
    pub subject: Subject,
    /// The event.
    pub event: EventCursor,
}

/// Reading the index.
pub trait History: Send + Sync {
    /// Up to `limit` events of this subject before this one, the newest first; from the last for `None`.
    fn events_of(&self, subject: Subject, before: Option<EventCursor>, limit: u32) -> Pending<'_, Vec<EventCursor>>;

    /// Up to `limit` events of this subject after this one, the oldest first; from the first for `None`.
    fn events_after(&self, subject: Subject, after: Option<EventCursor>, limit: u32) -> Pending<'_, Vec<EventCursor>>;
}
