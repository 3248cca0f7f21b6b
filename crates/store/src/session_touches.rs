//! Touches of sessions: when those that were seen within a minute were seen last, all of them in one row.

use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use verify::UnixMs;

use crate::{Id, Key, List, Noun, Pending, Store};

/// When sessions were last seen; a later row of the same session stands above an earlier one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionTouches {
    /// UUIDv7, by which the rows are ordered.
    pub id: Id,
    /// Raised by every change.
    pub version: u64,
    /// Packed, for there may be many.
    #[serde(rename = "touches_base64", serialize_with = "packed", deserialize_with = "unpacked")]
    pub touches: Vec<(Id, UnixMs)>,
}

/// An id, and milliseconds since 1970 as eight bytes, the highest first.
const TOUCH_LEN: usize = 16 + 8;

fn packed<S: Serializer>(touches: &[(Id, UnixMs)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut bytes = Vec::with_capacity(touches.len() * TOUCH_LEN);
    for (id, at) in touches {
        bytes.extend(id.as_bytes());
        bytes.extend(at.get().to_be_bytes());
    }
    BASE64.encode(&bytes).serialize(serializer)
}

fn unpacked<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(Id, UnixMs)>, D::Error> {
    let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
    let wrong = || de::Error::custom("no touches in base64");
    let bytes = BASE64.decode(text.as_bytes()).map_err(|_| wrong())?;
    let (touches, rest) = bytes.as_chunks::<TOUCH_LEN>();
    let read = |touch: &[u8; TOUCH_LEN]| {
        let (id, at) = touch.split_first_chunk()?;
        Some((
            Id::from_bytes(*id),
            UnixMs::new(i64::from_be_bytes(at.try_into().ok()?)),
        ))
    };
    let read: Option<Vec<_>> = touches.iter().map(read).collect();
    read.filter(|_| rest.is_empty()).ok_or_else(wrong)
}

impl Noun for SessionTouches {
    const NAME: &'static str = "session_touches";

    fn key(&self) -> Key {
        Key::global(Self::NAME, self.id.to_string())
    }

    fn version(&self) -> u64 {
        self.version
    }
}

/// Reading touches of sessions.
impl dyn Store + '_ {
    /// Up to `limit` rows after this one, as they are kept: one that cannot be read is in no other's way.
    pub fn session_touches(&self, after: Option<&Key>, limit: u32) -> Pending<'_, Vec<crate::Document>> {
        let after = after.map_or_else(String::new, |key| key.id.to_string());
        self.documents_in(SessionTouches::NAME, List::Global { after }, limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Document,
        golden::{NOW, golden, id},
    };

    #[test]
    fn golden_files() {
        let touches = vec![(id(1), NOW), (id(2), NOW.plus(1))];
        golden(
            "any",
            &SessionTouches {
                id: id(9),
                version: 1,
                touches,
            },
        );
    }

    #[test]
    fn touches_that_are_cut_off_are_damage() {
        let row = SessionTouches {
            id: id(9),
            version: 1,
            touches: vec![(id(1), NOW)],
        };
        let document = Document::of(&row);
        let body = document.body.replace("\"}", "AAAA\"}");
        assert!(body != document.body, "{body}");
        assert!(Document { body, ..document }.read::<SessionTouches>().is_err());
    }
}
