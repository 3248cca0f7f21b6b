//! The connections, and how a scenario is run over them.

use std::{
    cell::Cell,
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::future::join_all;

use crate::{
    Any, challenge,
    client::{Connection, head},
    pages, population,
    scenario::{CONNECTIONS, Scenario, Shots, Slice},
};

/// The connections, and what every request begins with.
pub(crate) struct Callers {
    connections: Vec<Connection>,
    heads: Heads,
    /// Of the scenario that was prepared, one a connection.
    visits: Vec<pages::Visit>,
}

/// What requests begin with, by what they ask.
pub(crate) struct Heads {
    pub(crate) address: SocketAddr,
    pub(crate) key: String,
    verify: Vec<u8>,
    batch: Vec<u8>,
    echo: Vec<u8>,
    session_check: Vec<u8>,
    pub(crate) challenge: Vec<u8>,
}

impl Heads {
    fn new(address: SocketAddr, key: String) -> Self {
        let [verify, batch, echo, session_check, challenge] = [
            "/v1/verify",
            "/v1/verify/batch",
            "/echo",
            "/v1/sessions/check",
            "/v1/challenges",
        ]
        .map(|path| head(address, &key, path));
        Self {
            address,
            key,
            verify,
            batch,
            echo,
            session_check,
            challenge,
        }
    }

    fn of(&self, scenario: Scenario) -> &[u8] {
        match scenario {
            Scenario::Echo => &self.echo,
            Scenario::Batch(_) => &self.batch,
            Scenario::SessionCheck => &self.session_check,
            Scenario::ChallengeAllow | Scenario::ChallengeAnswer => &self.challenge,
            _ => &self.verify,
        }
    }

    /// Of a path that is asked once.
    pub(crate) fn at(&self, path: &str) -> Vec<u8> {
        head(self.address, &self.key, path)
    }
}

/// Sessions that are checked in turns.
const SESSIONS: u32 = 1_024;

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
        let heads = Heads::new(address, key);
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(Connection::open(address).await?);
        }
        if shots.sessions.borrow().is_empty() {
            let begun = begin_sessions(&mut connections[0], &heads, shots).await?;
            shots.sessions.replace(begun);
        }
        let visits = Vec::new();
        Ok(Self {
            connections,
            heads,
            visits,
        })
    }

    /// All connections of the scenario, for this long.
    pub(crate) async fn slice(&mut self, shots: &Shots, scenario: Scenario, length: Duration) -> Any<Slice> {
        let connections = scenario.connections(shots.devices);
        self.prepare(shots, scenario, connections).await?;
        let begun = Instant::now();
        let goes_on = || begun.elapsed() < length;
        self.run(shots, scenario, connections, &goes_on).await
    }

    /// One connection and nobody beside it, for this long.
    pub(crate) async fn one_browser(&mut self, shots: &Shots, scenario: Scenario, length: Duration) -> Any<Slice> {
        self.prepare(shots, scenario, 1).await?;
        let begun = Instant::now();
        let goes_on = || begun.elapsed() < length;
        self.run(shots, scenario, 1, &goes_on).await
    }

    /// One connection and nobody beside it, this many times.
    pub(crate) async fn lone(&mut self, shots: &Shots, scenario: Scenario, times: usize) -> Any<Slice> {
        self.visits.clear();
        let left = Cell::new(times);
        let goes_on = || left.replace(left.get().saturating_sub(1)) > 0;
        self.run(shots, scenario, 1, &goes_on).await
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
        let Self {
            connections: all,
            heads,
            visits,
        } = self;
        let head = heads.of(scenario);
        let begun = Instant::now();
        let one = async |(number, connection): (usize, &mut Connection)| {
            let mut part = Slice::default();
            let mut body = Vec::new();
            while goes_on() {
                let expected = shots.next(scenario, &mut body)?;
                let sent = Instant::now();
                let wrong = if scenario == Scenario::ChallengeAnswer {
                    challenge::ask_and_answer(heads, connection, shots, &expected, &mut body).await?
                } else {
                    let head = visits
                        .get(number)
                        .map_or(head, |visit| visit.next(number + part.latencies_us.len()));
                    let (status, answer) = connection.post(head, &body).await?;
                    expected.errors(shots, status, answer)
                };
                part.latencies_us.push(sent.elapsed().as_micros() as u32);
                part.items += u64::from(expected.items());
                if let Some((errors, first)) = wrong {
                    part.errors += u64::from(errors);
                    part.first_error.get_or_insert(first);
                }
            }
            Any::Ok(part)
        };
        let parts = join_all(all.iter_mut().take(connections).enumerate().map(one)).await;
        let mut slice = Slice::default();
        for part in parts {
            slice.add(part?);
        }
        slice.took = begun.elapsed();
        Ok(slice)
    }
}
