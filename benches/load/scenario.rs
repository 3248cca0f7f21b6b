//! What is asked, by how many connections, and what the answer must be.

use std::{cell::RefCell, ops::Range, time::Duration};

use otp::Step;

use crate::{
    Any, challenge,
    expected::Expected,
    population::{self, COUNTERS, Device, LOCKED, item},
    server_process::ServerProcess,
};

/// Connections of all but batches and a lone login.
pub(crate) const CONNECTIONS: usize = 64;
/// Makes neighbours in time strangers in the store: a prime, so the walk meets every user once.
const STRIDE: u64 = 2_147_483_647;

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

/// The users with what their devices show, and the clock by which they do.
pub(crate) struct Shots {
    process: RefCell<ServerProcess>,
    pub(crate) devices: u32,
    turns: RefCell<Turns>,
    /// Tokens of sessions, each of another user.
    pub(crate) sessions: RefCell<Vec<String>>,
}

#[derive(Clone, Copy, Default)]
struct Turns {
    /// Codes shown by this generation: the users whose turn it was since the clock moved.
    shown: u32,
    /// How often the clock moved.
    moves: u64,
    /// Turns of those who need no fresh code.
    stale: u64,
    /// Codes of counter tokens.
    counted: u64,
}

impl Shots {
    pub(crate) fn new(process: ServerProcess, devices: u32) -> Self {
        Self {
            process: RefCell::new(process),
            devices,
            turns: RefCell::default(),
            sessions: RefCell::default(),
        }
    }

    pub(crate) fn process(&self) -> std::cell::RefMut<'_, ServerProcess> {
        self.process.borrow_mut()
    }

    /// Users, and how often the clock has moved, whose next codes are fresh.
    ///
    /// A code that is still under way when the clock moves is the one of the step before, which the window has.
    fn fresh(&self, count: u32) -> Any<(Range<u32>, u64)> {
        let mut turns = self.turns.borrow_mut();
        if turns.shown + count > self.devices {
            self.process().move_clock()?;
            turns.moves += 1;
            turns.shown = 0;
        }
        let first = turns.shown;
        turns.shown += count;
        Ok((first..first + count, turns.moves))
    }

    fn stale(&self) -> (u64, u64) {
        let mut turns = self.turns.borrow_mut();
        turns.stale += 1;
        (turns.stale, turns.moves)
    }

    /// The next counter token, and its next counter.
    fn counted(&self) -> (u32, Step) {
        let mut turns = self.turns.borrow_mut();
        let place = turns.counted % u64::from(COUNTERS);
        let counter = turns.counted / u64::from(COUNTERS) + 1;
        turns.counted += 1;
        (self.devices + LOCKED + place as u32, Step::new(counter))
    }

    pub(crate) fn number(&self, turn: u64) -> u32 {
        (turn * STRIDE % u64::from(self.devices)) as u32
    }

    /// Writes the next request's body.
    pub(crate) fn next(&self, scenario: Scenario, body: &mut Vec<u8>) -> Any<Expected> {
        body.clear();
        Ok(match scenario {
            Scenario::Echo => {
                let (turn, moves) = self.stale();
                let number = self.number(turn);
                item(body, number, &Device::of(number).shown(population::step(moves)));
                Expected::Echoed
            }
            Scenario::Single => {
                let (turns, moves) = self.fresh(1)?;
                let number = self.number(turns.start.into());
                item(body, number, &Device::of(number).shown(population::step(moves)));
                Expected::Accepted(turns, moves)
            }
            Scenario::Counter => {
                let (number, counter) = self.counted();
                item(body, number, &Device::of(number).shown(counter));
                Expected::Counted(number, counter)
            }
            Scenario::Wrong => {
                let (turns, moves) = self.fresh(1)?;
                let number = self.number(turns.start.into());
                let (device, step) = (Device::of(number), population::step(moves));
                // Never so often in a row that a device locks.
                let wrong = (u64::from(number) + moves).is_multiple_of(4);
                if wrong {
                    item(body, number, &device.not_shown(step));
                    Expected::Refused
                } else {
                    item(body, number, &device.shown(step));
                    Expected::Accepted(turns, moves)
                }
            }
            Scenario::Guess | Scenario::Stranger => {
                let (turn, moves) = self.stale();
                let behind = if scenario == Scenario::Guess {
                    0
                } else {
                    self.devices + LOCKED + COUNTERS
                };
                let number = behind + self.number(turn);
                item(body, number, &Device::of(number).not_shown(population::step(moves)));
                Expected::Refused
            }
            Scenario::Locked => {
                let (turn, moves) = self.stale();
                let number = self.devices + (turn % u64::from(LOCKED)) as u32;
                item(
                    body,
                    number,
                    &Device::of(number).shown(population::step(moves).offset(1_000)),
                );
                Expected::Locked
            }
            Scenario::Batch(count) => {
                let count = count.min(self.devices);
                let (turns, moves) = self.fresh(count)?;
                body.extend(b"{\"items\":[");
                for turn in turns.clone() {
                    let number = self.number(turn.into());
                    item(body, number, &Device::of(number).shown(population::step(moves)));
                    body.push(b',');
                }
                body.pop();
                body.extend(b"]}");
                Expected::Accepted(turns, moves)
            }
            Scenario::SessionCheck => {
                let (turn, _) = self.stale();
                let sessions = self.sessions.borrow();
                let token = &sessions[usize::try_from(turn)? % sessions.len()];
                body.extend(br#"{"token":""#);
                body.extend(token.as_bytes());
                body.extend(br#""}"#);
                Expected::Active
            }
            Scenario::ChallengeAllow => {
                let (turn, _) = self.stale();
                challenge::login(body, self.number(turn));
                Expected::Allowed
            }
            Scenario::ChallengeAnswer => {
                let (turns, moves) = self.fresh(1)?;
                challenge::identity(body, self.number(turns.start.into()));
                Expected::Answered(turns.start, moves)
            }
            Scenario::Pages(_) => Expected::Page,
        })
    }
}
