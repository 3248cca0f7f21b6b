//! The body of a document: a noun written as JSON, and read back.

use serde::{Deserialize, Serialize};

use super::{Document, Noun};
use crate::StoreError;

#[derive(Serialize)]
struct Written<'a, N> {
    v: u32,
    #[serde(flatten)]
    noun: &'a N,
}

#[derive(Deserialize)]
struct Format {
    v: u32,
}

impl Document {
    /// The record as it is kept. One that `serde` cannot write has no body, and no engine is given it.
    pub fn of<N: Noun>(noun: &N) -> Self {
        let written = Written { v: N::FORMAT, noun };
        Self {
            key: noun.key(),
            version: noun.version(),
            expires_at: noun.expires_at(),
            lookups: noun.lookups(),
            summary: noun.summary(),
            body: serde_json::to_string(&written).unwrap_or_default(),
            secrets: noun.secrets().into_iter().cloned().collect(),
        }
    }

    /// The record that was kept.
    pub fn read<N: Noun>(self) -> Result<N, StoreError> {
        if format(&self.body).map_err(|error| self.unreadable(&error))? > N::FORMAT {
            return Err(self.damaged("it was written by a newer version of this program"));
        }
        let mut noun: N = serde_json::from_str(&self.body).map_err(|error| self.unreadable(&error))?;
        if noun.secrets().len() != self.secrets.len() {
            return Err(self.damaged("its secrets are not all there"));
        }
        if noun.version() != self.version || noun.key() != self.key {
            return Err(self.damaged("it is another record's"));
        }
        noun.secrets_mut()
            .into_iter()
            .zip(self.secrets)
            .for_each(|(place, sealed)| *place = sealed);
        Ok(noun)
    }

    /// Tells the place where the body cannot be read, without a word of what stands there.
    fn unreadable(&self, error: &serde_json::Error) -> StoreError {
        self.damaged(&format!("its body cannot be read at character {}", error.column()))
    }

    fn damaged(&self, why: &str) -> StoreError {
        StoreError::Damaged(format!("{:?}: {why}", self.key))
    }
}

/// The format of a body. It stands first where we wrote it, so that the rest is read once.
fn format(body: &str) -> Result<u32, serde_json::Error> {
    let first = body
        .strip_prefix("{\"v\":")
        .and_then(|rest| rest.split_once([',', '}']));
    match first.map(|(v, _)| v.parse()) {
        Some(Ok(v)) => Ok(v),
        _ => serde_json::from_str::<Format>(body).map(|format| format.v),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{owner, sealed};
    use crate::{Protection, StoreError};

    #[test]
    fn a_spoiled_document_is_damage() {
        let document = Document::of(&Protection {
            version: 4,
            ..Protection::none(owner())
        });
        let spoiled = [
            document.body.replace("true", "\"hunter2\""),
            document.body.replace("\"v\":2", "\"v\":3"),
            document.body.replace("\"version\":4", "\"version\":5"),
            document.body.replace("acme", "hunter2"),
            "{}".into(),
            String::new(),
        ];
        for body in spoiled {
            let read = Document {
                body,
                ..document.clone()
            }
            .read::<Protection>();
            let Err(StoreError::Damaged(why)) = read else {
                panic!("it is read");
            };
            assert!(
                why.starts_with("protection/acme/álice: ") && !why.contains("hunter2"),
                "{why}"
            );
        }
        let secret = vec![sealed(1)];
        let more = Document {
            secrets: secret,
            ..document
        };
        assert!(more.read::<Protection>().is_err(), "a secret that nobody named");
    }
}
