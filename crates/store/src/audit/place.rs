//! Places in the trail: of a row, and of an event.

use std::{fmt, str::FromStr};

/// The place of a row: its chain and its position in that, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The chain.
    pub chain: i64,
    /// Its place in the chain.
    pub position: u64,
}

/// The id of an event: the place of its row, and its own among the row's events, from 1; written `chain.position.index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// The row.
    pub place: Place,
    /// The event's number.
    pub index: u32,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.place.chain, self.place.position, self.index)
    }
}

/// The error of reading an [`EventId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id of an event is `chain.position.index`")]
pub struct NoEventId;

impl FromStr for EventId {
    type Err = NoEventId;

    fn from_str(text: &str) -> Result<Self, NoEventId> {
        let mut parts = text.split('.');
        let mut part = || {
            parts
                .next()
                .filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let (chain, position, index) = (part(), part(), part());
        let parsed = (|| {
            let place = Place {
                chain: chain?.parse().ok()?,
                position: position?.parse().ok()?,
            };
            let index = index?.parse().ok()?;
            Some(Self { place, index })
        })();
        parsed.filter(|_| parts.next().is_none()).ok_or(NoEventId)
    }
}
