//! Allowances: counters of questions that may be asked only so often.

use serde::{Deserialize, Serialize};
use verify::UnixMs;

use crate::{Key, Noun, Pending, Store, shape};

/// A counter of how often somebody has asked a question that may be asked only so often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// The question, and who asks.
    pub name: String,
    /// Raised by every change.
    pub version: u64,
    /// Since when it is counted.
    #[serde(rename = "since_ms", with = "shape::ms")]
    pub since: UnixMs,
    /// The count since then.
    pub used: u32,
}

impl Allowance {
    fn key_of(name: &str) -> Key {
        Key::global(Self::NAME, name)
    }
}

impl Noun for Allowance {
    const NAME: &'static str = "allowance";

    fn key(&self) -> Key {
        Self::key_of(&self.name)
    }

    fn version(&self) -> u64 {
        self.version
    }
}

/// Reading allowances.
impl dyn Store + '_ {
    /// The allowance of this name; `None` for one that was never used.
    pub fn allowance(&self, name: String) -> Pending<'_, Option<Allowance>> {
        self.one(Allowance::key_of(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{NOW, golden};

    #[test]
    fn golden_files() {
        golden(
            "used",
            &Allowance {
                name: "find_by_code/actor/person/kim".into(),
                version: 3,
                since: NOW,
                used: 3,
            },
        );
    }
}
