//! A connection that asks, and what came of it.

use std::time::Instant;

use crate::{
    Any, challenge,
    client::Connection,
    heads::Heads,
    scenario::{Scenario, Slice},
    shots::Shots,
};

/// A connection with one request at a time, and the figures of all it asked.
pub(crate) struct Asker<'a> {
    pub(crate) heads: &'a Heads,
    pub(crate) shots: &'a Shots,
    pub(crate) connection: &'a mut Connection,
    pub(crate) body: Vec<u8>,
    pub(crate) slice: Slice,
}

impl<'a> Asker<'a> {
    pub(crate) fn new(heads: &'a Heads, shots: &'a Shots, connection: &'a mut Connection) -> Self {
        Self {
            heads,
            shots,
            connection,
            body: Vec::new(),
            slice: Slice::default(),
        }
    }

    /// One request and the check of its answer. Its latency counts from when it was due, or from when it is sent. A page
    /// has a head of its own.
    pub(crate) async fn ask(&mut self, scenario: Scenario, due: Option<Instant>, page: Option<&[u8]>) -> Any<()> {
        let scenario = self.shots.drawn(scenario);
        let expected = self.shots.next(scenario, &mut self.body)?;
        let since = due.unwrap_or_else(Instant::now);
        let wrong = if scenario == Scenario::ChallengeAnswer {
            challenge::ask_and_answer(self, &expected).await?
        } else {
            let head = page.unwrap_or_else(|| self.heads.of(scenario));
            let (status, answer) = self.connection.post(head, &self.body).await?;
            expected.errors(self.shots, status, answer)
        };
        self.slice.latencies_us.push(since.elapsed().as_micros() as u32);
        self.slice.items += u64::from(expected.items());
        if let Some((errors, first)) = wrong {
            self.slice.errors += u64::from(errors);
            self.slice.first_error.get_or_insert(first);
        }
        Ok(())
    }
}
