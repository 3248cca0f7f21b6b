//! The connections, and how a scenario is run over them.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use crate::{
    Any,
    client::Connection,
    closed::{self, Context},
    heads::Heads,
    open, pages, population,
    scenario::{CONNECTIONS, Scenario, Slice},
    shots::Shots,
};

/// The connections, and what every request begins with.
pub(crate) struct Callers {
    connections: Vec<Connection>,
    heads: Heads,
    /// Of the scenario that was prepared, one a connection.
    visits: Vec<pages::Visit>,
}

/// Sessions that are checked in turns.
const SESSIONS: u32 = 1_024;
/// Moves of the clock after which they are begun anew: half an hour, of the two that one may be idle.
const SESSION_MOVES: u64 = 60;

/// Begins a session of each of the first users, who have no login protection here.
async fn begin_sessions(connection: &mut Connection, heads: &Heads, shots: &Shots) -> Any<Vec<String>> {
    let body = br#"{"actor":{"id":"load","kind":"service"}}"#;
    let mut tokens = Vec::new();
    for number in 0..SESSIONS.min(shots.devices) {
        let (account, user) = (population::account(number), population::user(number));
        let path = format!("/v1/accounts/{account}/users/{user}/sessions");
        let (status, answer) = connection.post(&heads.at(&path), body).await?;
        let answer: serde_json::Value = serde_json::from_slice(answer)?;
        let token = answer["token"].as_str().ok_or_else(|| format!("{status} {answer}"))?;
        tokens.push(token.to_owned());
    }
    Ok(tokens)
}

impl Callers {
    pub(crate) async fn connect(shots: &Shots) -> Any<Self> {
        let (address, key) = {
            let process = shots.process();
            (process.address, process.api_key.clone())
        };
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(Connection::open(address).await?);
        }
        Ok(Self {
            connections,
            heads: Heads::new(address, key),
            visits: Vec::new(),
        })
    }

    /// All connections of the scenario, for this long.
    pub(crate) async fn slice(&mut self, shots: &Shots, scenario: Scenario, length: Duration) -> Any<Slice> {
        let connections = scenario.connections(shots.devices);
        self.prepare(shots, scenario, connections).await?;
        let begun = Instant::now();
        self.run(shots, scenario, connections, &|| begun.elapsed() < length)
            .await
    }

    /// One connection and nobody beside it, for this long.
    pub(crate) async fn one_browser(&mut self, shots: &Shots, scenario: Scenario, length: Duration) -> Any<Slice> {
        self.prepare(shots, scenario, 1).await?;
        let begun = Instant::now();
        self.run(shots, scenario, 1, &|| begun.elapsed() < length).await
    }

    /// One connection and nobody beside it, this many times.
    pub(crate) async fn lone(&mut self, shots: &Shots, scenario: Scenario, times: usize) -> Any<Slice> {
        self.visits.clear();
        let left = Cell::new(times);
        let goes_on = || left.replace(left.get().saturating_sub(1)) > 0;
        self.run(shots, scenario, 1, &goes_on).await
    }

    /// All connections, at a fixed rate for this long.
    pub(crate) async fn at_rate(
        &mut self,
        shots: &Shots,
        scenario: Scenario,
        per_s: f64,
        length: Duration,
    ) -> Any<Slice> {
        let (connections, context) = self.with_context(shots);
        open::run(connections, context, scenario, per_s, length).await
    }

    /// The connections, and what they ask with.
    pub(crate) fn with_context<'a>(&'a mut self, shots: &'a Shots) -> (&'a mut [Connection], Context<'a>) {
        let context = Context {
            heads: &self.heads,
            shots,
            visits: &self.visits,
        };
        (&mut self.connections, context)
    }

    /// Begins sessions anew where the clock has been moved on far since: idle ones end.
    pub(crate) async fn renew_sessions(&mut self, shots: &Shots) -> Any<()> {
        let is_old = shots.moves() - shots.sessions_begun.get() > SESSION_MOVES;
        if is_old || shots.sessions.borrow().is_empty() {
            let begun = begin_sessions(&mut self.connections[0], &self.heads, shots).await?;
            shots.sessions.replace(begun);
            shots.sessions_begun.set(shots.moves());
        }
        Ok(())
    }

    /// New visits each time: the clock that other scenarios move on has ended those of before.
    async fn prepare(&mut self, shots: &Shots, scenario: Scenario, connections: usize) -> Any<()> {
        self.visits.clear();
        if let Scenario::Pages(paths) = scenario {
            if pages::has_history(paths) {
                shots.process().fill_index()?;
            }
            for number in 0..connections as u32 {
                let connection = &mut self.connections[0];
                let visit = pages::begin(connection, &self.heads, shots, number, paths).await?;
                self.visits.push(visit);
            }
        }
        Ok(())
    }

    async fn run(
        &mut self,
        shots: &Shots,
        scenario: Scenario,
        connections: usize,
        goes_on: &impl Fn() -> bool,
    ) -> Any<Slice> {
        let (all, context) = self.with_context(shots);
        closed::run(&mut all[..connections], context, |_| scenario, goes_on).await
    }
}
