//! Closings: a user's account that ends after a time in which it can be taken back.

use serde::{Deserialize, Serialize};
use verify::UnixMs;

use crate::{Key, List, Noun, Owner, Pending, Store, shape};

/// The closing of a user: they cannot log in until it is taken back, or until everything of theirs has ended (P9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// The user who goes.
    pub owner: Owner,
    /// Raised by every change.
    pub version: u64,
    /// When it began.
    #[serde(rename = "started_at_ms", with = "shape::ms")]
    pub started_at: UnixMs,
    /// Until then it can be taken back.
    #[serde(rename = "ends_at_ms", with = "shape::ms")]
    pub ends_at: UnixMs,
    /// Its state.
    pub state: ClosingState,
}

/// `closing -> withdrawn | ended`, and from either to `closing` once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosingState {
    /// Nobody logs in, and it can be taken back.
    Closing,
    /// It was taken back.
    Withdrawn,
    /// Everything of the user has ended.
    Ended,
}

impl Closing {
    /// The next version of it, in another state.
    #[must_use]
    pub fn become_state(self, state: ClosingState) -> Self {
        Self {
            version: self.version + 1,
            state,
            ..self
        }
    }

    /// The key of a user's closing, whether there is one or not.
    pub fn key_of(owner: &Owner) -> Key {
        Key::of_user(owner, Self::NAME, "")
    }
}

impl Noun for Closing {
    const NAME: &'static str = "closing";

    fn key(&self) -> Key {
        Self::key_of(&self.owner)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn expires_at(&self) -> Option<UnixMs> {
        (self.state == ClosingState::Closing).then_some(self.ends_at)
    }
}

/// Reading closings.
impl dyn Store + '_ {
    /// The closing of this owner; `None` for one who never was to go.
    pub fn closing(&self, owner: &Owner) -> Pending<'_, Option<Closing>> {
        self.one(Closing::key_of(owner))
    }

    /// Up to `limit` closings whose time is over, the longest overdue first.
    pub fn due_closings(&self, now: UnixMs, limit: u32) -> Pending<'_, Vec<Closing>> {
        self.list(List::Expired(now), limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{NOW, golden, owner};

    #[test]
    fn golden_files() {
        let closing = Closing {
            owner: owner(),
            version: 1,
            started_at: NOW,
            ends_at: NOW.plus(15 * UnixMs::DAY),
            state: ClosingState::Closing,
        };
        golden("closing", &closing);
        golden("withdrawn", &closing.clone().become_state(ClosingState::Withdrawn));
        golden("ended", &closing.become_state(ClosingState::Ended));
    }
}
