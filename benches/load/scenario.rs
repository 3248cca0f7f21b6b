//! What is asked, by how many connections, and what came of it.

use std::time::Duration;

/// Connections of all but batches and a lone login.
pub(crate) const CONNECTIONS: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// The ceiling.
    Echo,
    /// One right and fresh code a request.
    Single,
    /// The same of counter tokens.
    Counter,
    /// One in four is wrong.
    Wrong,
    /// A wrong code.
    Guess,
    /// The same for somebody who is no user.
    Stranger,
    /// Wrong codes for locked devices.
    Locked,
    /// This many right and fresh codes a request.
    Batch(u32),
    /// Whether a session goes on, in which the user does something.
    SessionCheck,
    /// A login that nothing asks: decided, recorded, its grant signed.
    ChallengeAllow,
    /// A challenge that has to be answered, then its right and fresh code: two requests, told as one.
    ChallengeAnswer,
    /// All that a day brings, by shares.
    Mixed,
    /// A wrong code, of anybody in the account that is flooded; each another one.
    Flood,
    /// The same of one and the same user there.
    FloodUser,
    /// Hosted pages, these in turn, each connection a browser of its own.
    Pages(&'static [&'static str]),
}

impl Scenario {
    pub(crate) fn connections(self, devices: u32) -> usize {
        match self {
            // One is parsed while the other is judged, as long as no user stands in both.
            Self::Batch(count) => {
                if count <= devices / 4 {
                    2
                } else {
                    1
                }
            }
            _ => CONNECTIONS,
        }
    }
}

/// What came of a slice.
#[derive(Default)]
pub(crate) struct Slice {
    pub(crate) took: Duration,
    /// Codes that were decided, or echoed.
    pub(crate) items: u64,
    /// Of each request, in microseconds.
    pub(crate) latencies_us: Vec<u32>,
    /// Codes that were not answered as they should have been.
    pub(crate) errors: u64,
    /// The first of them.
    pub(crate) first_error: Option<String>,
}

impl Slice {
    pub(crate) fn per_s(&self) -> f64 {
        self.items as f64 / self.took.as_secs_f64()
    }

    pub(crate) fn add(&mut self, part: Self) {
        self.took += part.took;
        self.items += part.items;
        self.errors += part.errors;
        self.latencies_us.extend(part.latencies_us);
        self.first_error = self.first_error.take().or(part.first_error);
    }
}
