//! The history's index: which events of the trail are about a user, a device or a token.
//!
//! It is filled behind the writer by a [`TrailReader`](crate::TrailReader): an entry is derived from an event that is there,
//! so it has no event of its own, and writing it twice is writing it once. What is behind the reader's cursor is in the
//! index; what is after it stands in the trail alone.

use crate::{Id, Pending, audit::Cursor};

/// What an event is about.
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
    /// As engines keep it: a letter, then the 16 bytes of the id or the serial number.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (kind, which) = match self {
            Self::User(id) => (b'u', &id.as_bytes()[..]),
            Self::Device(id) => (b'd', &id.as_bytes()[..]),
            Self::Token(serial_number) => (b't', serial_number.as_bytes()),
        };
        [&[kind], which].concat()
    }
}

/// Where an event stands in the order of commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventCursor {
    /// Its row.
    pub row: Cursor,
    /// Which of the row's events it is, from 1.
    pub index: u32,
}

/// One line of the index: this event is about this subject.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// What it is about.
    pub subject: Subject,
    /// The event.
    pub event: EventCursor,
}

/// Reading the index.
pub trait History: Send + Sync {
    /// Up to `limit` events of this subject before this one, the newest first; from the last for `None`.
    fn events_of(&self, subject: Subject, before: Option<EventCursor>, limit: u32) -> Pending<'_, Vec<EventCursor>>;
}
