//! Readers of the trail, each with the cursor that it has come to.

use serde::{Deserialize, Serialize};

use crate::{Key, List, Noun, Pending, Store, audit::Cursor, shape};

/// A reader of the trail, from its first row on, and how far it has come. What is made of a row becomes durable together
/// with the cursor, so that a reader who was killed goes on where it stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailReader {
    /// The reader's name.
    pub name: String,
    /// Raised by every change.
    pub version: u64,
    /// Every row up to this one is read; `None` before the first.
    #[serde(with = "shape::cursor")]
    pub through: Option<Cursor>,
}

impl TrailReader {
    /// The reader that fills the [history](crate::history)'s index.
    pub const HISTORY: &str = "history";

    /// Its next version, once every row up to this one is read.
    #[must_use]
    pub fn next(read: Option<&Self>, name: &str, through: Option<Cursor>) -> Self {
        Self {
            name: name.to_owned(),
            version: read.map_or(1, |read| read.version + 1),
            through,
        }
    }

    pub(crate) fn key_of(name: &str) -> Key {
        Key::global(Self::NAME, name)
    }
}

impl Noun for TrailReader {
    const NAME: &'static str = "trail_reader";

    fn key(&self) -> Key {
        Self::key_of(&self.name)
    }

    fn version(&self) -> u64 {
        self.version
    }
}

/// Reading the trail's readers.
impl dyn Store + '_ {
    /// The reader of this name; `None` for one that has not begun.
    pub fn trail_reader(&self, name: &str) -> Pending<'_, Option<TrailReader>> {
        self.one(TrailReader::key_of(name))
    }

    /// All readers: no row after the lowest of their cursors may be taken away.
    pub fn trail_readers(&self) -> Pending<'_, Vec<TrailReader>> {
        let after = String::new();
        self.list(List::Global { after }, u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::golden;

    #[test]
    fn golden_files() {
        golden(
            "reading",
            &TrailReader {
                name: TrailReader::HISTORY.into(),
                version: 7,
                through: Some(Cursor(40_000)),
            },
        );
    }
}
