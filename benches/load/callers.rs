//! The connections, and how a scenario is run over them.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use futures_util::future::join_all;

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
    /// Of the pages that were prepared last, one a connection.
    visits: Vec<pages::Visit>,
}

/// Sessions that are checked in turns.
const SESSIONS: u32 = 1_024;
/// Moves of the clock after which they are begun anew: half an hour, of the two that one may be idle.
const SESSION_MOVES: u64 = 60;

/// Begins a session of each of the first users, who have no login protection here.
async fn begin_sessions(connections: &mut [Connection], heads: &Heads, shots: &Shots) -> Any<Vec<String>> {
    let many = connections.len();
    let one = async |(first, connection): (usize, &mut Connection)| {
        let mut tokens = Vec::new();
        for number in (first as u32..SESSIONS.min(shots.devices)).step_by(many) {
            tokens.push(begin_session(connection, heads, number).await?);
        }
        Any::Ok(tokens)
    };
    let begun = join_all(connections.iter_mut().enumerate().map(one)).await;
    Ok(begun.into_iter().collect::<Any<Vec<_>>>()?.concat())
}

/// The token of a new session of the user of this number.
async fn begin_session(connection: &mut Connection, heads: &Heads, number: u32) -> Any<String> {
    let body = br#"{"actor":{"id":"load","kind":"service"}}"#;
    let (account, user) = (population::account(number), population::user(number));
    let path = format!("/v1/accounts/{account}/users/{user}/sessions");
    let (status, answer) = connection.post(&heads.at(&path), body).await?;
    let answer: serde_json::Value = serde_json::from_slice(answer)?;
    let token = answer["token"].as_str().ok_or_else(|| format!("{status} {answer}"))?;
    Ok(token.to_owned())
}

impl Callers {
    pub(crate) async fn connect(shots: &Shots) -> Any<Self> {
        let (address, key) = {
            let process = shots.process();
            (process.address, process.api_key.clone())
        };
        let mut callers = Self {
            connections: Vec::new(),
            heads: Heads::new(address, key),
            visits: Vec::new(),
        };
        callers.connect_anew().await?;
        Ok(callers)
    }

    pub(crate) async fn connect_anew(&mut self) -> Any<()> {
        self.connections.clear();
        for _ in 0..CONNECTIONS {
            self.connections.push(Connection::open(self.heads.address).await?);
        }
        Ok(())
    }

    /// All connections of the scenario, which was prepared, for this long.
    pub(crate) async fn slice(&mut self, shots: &Shots, scenario: Scenario, length: Duration) -> Any<Slice> {
        let connections = scenario.connections(shots.devices);
        let begun = Instant::now();
        self.run(shots, scenario, connections, &|| begun.elapsed() < length)
            .await
    }

    /// One connection and nobody beside it, for this long.
    pub(crate) async fn one_browser(&mut self, shots: &Shots, scenario: Scenario, length: Duration) -> Any<Slice> {
        let begun = Instant::now();
        self.run(shots, scenario, 1, &|| begun.elapsed() < length).await
    }

    /// One connection and nobody beside it, this many times.
    pub(crate) async fn lone(&mut self, shots: &Shots, scenario: Scenario, times: usize) -> Any<Slice> {
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
            visits: &[],
        };
        (&mut self.connections, context)
    }

    /// What the scenario needs before it is asked by so many connections: sessions that go on, visits, and the history's index.
    pub(crate) async fn prepare(&mut self, shots: &Shots, scenario: Scenario, connections: usize) -> Any<()> {
        match scenario {
            Scenario::SessionCheck | Scenario::Mixed => self.renew_sessions(shots).await,
            Scenario::Pages(paths) => self.visit(shots, paths, connections as u32).await,
            _ => Ok(()),
        }
    }

    /// Begins sessions anew where the clock has been moved on far since: idle ones end.
    async fn renew_sessions(&mut self, shots: &Shots) -> Any<()> {
        let is_old = shots.moves() - shots.sessions_begun.get() > SESSION_MOVES;
        if is_old || shots.sessions.borrow().is_empty() {
            let begun = begin_sessions(&mut self.connections, &self.heads, shots).await?;
            shots.sessions.replace(begun);
            shots.sessions_begun.set(shots.moves());
        }
        Ok(())
    }

    /// New visits each time: the clock that other scenarios move on has ended those of before.
    async fn visit(&mut self, shots: &Shots, paths: &[&str], browsers: u32) -> Any<()> {
        if pages::has_history(paths) {
            shots.process().fill_index()?;
            // It may take longer than the server keeps idle connections.
            self.connect_anew().await?;
        }
        self.visits.clear();
        for number in 0..browsers {
            let connection = &mut self.connections[0];
            let visit = pages::begin(connection, &self.heads, shots, number, paths).await?;
            self.visits.push(visit);
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
        let visits = match scenario {
            Scenario::Pages(_) => &self.visits[..],
            _ => &[],
        };
        let context = Context {
            heads: &self.heads,
            shots,
            visits,
        };
        closed::run(&mut self.connections[..connections], context, |_| scenario, goes_on).await
    }
}
