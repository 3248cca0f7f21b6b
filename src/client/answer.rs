//! What a service answered: as this version reads it, and as it came.

use std::{borrow::Cow, ops::Deref};

use serde::{Serialize, Serializer, de::DeserializeOwned};
use serde_json::Value;
use vault::shown;
use zeroize::Zeroize as _;

/// An answer that was read, its texts made fit to be shown on a terminal. Written, it is as it came: `--json`, which escapes
/// what a terminal does not show, has what only a newer version knows, too.
pub(crate) struct Answer<T> {
    read: T,
    raw: Raw,
}

impl<T: DeserializeOwned> Answer<T> {
    /// An error of serde would repeat values, which may be secrets.
    pub(super) fn read(raw: Raw) -> Option<Self> {
        let mut tidied = Raw(raw.0.clone());
        tidy(&mut tidied.0);
        let read = T::deserialize(&tidied.0).ok()?;
        Some(Self { read, raw })
    }
}

impl<T> Answer<T> {
    /// All of it, its texts made fit to be shown on a terminal.
    pub(crate) fn shown(&self) -> Value {
        let mut tidied = self.raw.0.clone();
        tidy(&mut tidied);
        tidied
    }

    /// As it came, for what goes back to the service; never shown without JSON's escapes.
    pub(crate) fn raw(&self) -> &Value {
        &self.raw.0
    }
}

impl<T> Deref for Answer<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.read
    }
}

impl<T> Serialize for Answer<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.raw.0.serialize(serializer)
    }
}

/// JSON of a service as it came; wiped when dropped, for there may be secrets in it.
#[derive(Default)]
pub(super) struct Raw(Value);

impl Raw {
    /// The only way in. Null where it is no JSON.
    pub(super) fn read(bytes: &[u8]) -> Self {
        Self(serde_json::from_slice(bytes).unwrap_or_default())
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn tidy(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(tidied) = shown(text) {
                text.zeroize();
                *text = tidied;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(tidy),
        Value::Object(fields) => {
            fields.retain(|name, _| shown(name) == *name);
            fields.values_mut().for_each(tidy);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use api::Probe;

    use super::*;

    #[test]
    fn an_answer_is_harmless_and_keeps_what_only_a_newer_version_knows() {
        let bytes = br#"{"status": "ok", "damaged": ["\u001b[2Jone\u202e"], "\u001b[31m": 1, "newer": {"two": 2}}"#;
        let answer = Answer::<Probe>::read(Raw::read(bytes)).expect("a probe");
        assert_eq!(answer.damaged, ["\\u{1b}[2Jone\\u{202e}"]);
        let raw: Value = serde_json::from_slice(bytes).expect("JSON");
        assert_eq!(*answer.raw(), raw);
        assert_eq!(serde_json::to_value(&answer).expect("JSON"), raw);
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for bytes in [&b"<html>"[..], b"", b"{}", br#"{"status": "well"}"#] {
            assert!(Answer::<Probe>::read(Raw::read(bytes)).is_none());
        }
    }
}
