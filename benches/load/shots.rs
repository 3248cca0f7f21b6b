//! What is asked next, and what the answer must be.

use std::{
    cell::{Cell, RefCell, RefMut},
    ops::Range,
};

use otp::Step;

use crate::{
    Any, challenge,
    expected::Expected,
    flood, mixed,
    population::{self, Device, LOCKED, item},
    scenario::Scenario,
    server_process::ServerProcess,
};

/// Makes neighbours in time strangers in the store: a prime, so the walk meets every user once.
const STRIDE: u64 = 2_147_483_647;

/// The users with what their devices show, and the clock by which they do.
pub(crate) struct Shots {
    process: RefCell<ServerProcess>,
    pub(crate) devices: u32,
    turns: RefCell<Turns>,
    /// Tokens of sessions, each of another user.
    pub(crate) sessions: RefCell<Vec<String>>,
    /// How often the clock had moved when they began.
    pub(crate) sessions_begun: Cell<u64>,
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
    /// Requests of mixed traffic.
    drawn: u64,
    /// Wrong codes of the flood.
    flood: u64,
}

impl Shots {
    pub(crate) fn new(process: ServerProcess, devices: u32) -> Self {
        Self {
            process: RefCell::new(process),
            devices,
            turns: RefCell::default(),
            sessions: RefCell::default(),
            sessions_begun: Cell::default(),
        }
    }

    /// The process that serves, once nothing is asked any more.
    pub(crate) fn into_process(self) -> ServerProcess {
        self.process.into_inner()
    }

    pub(crate) fn process(&self) -> RefMut<'_, ServerProcess> {
        self.process.borrow_mut()
    }

    /// How often the clock moved.
    pub(crate) fn moves(&self) -> u64 {
        self.turns.borrow().moves
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
        let counters = u64::from(population::counters(self.devices));
        let (place, counter) = (turns.counted % counters, turns.counted / counters + 1);
        turns.counted += 1;
        (self.devices + LOCKED + place as u32, Step::new(counter))
    }

    pub(crate) fn number(&self, turn: u64) -> u32 {
        (turn * STRIDE % u64::from(self.devices)) as u32
    }

    /// What is asked next: of mixed traffic one of its scenarios.
    pub(crate) fn drawn(&self, scenario: Scenario) -> Scenario {
        if scenario != Scenario::Mixed {
            return scenario;
        }
        let mut turns = self.turns.borrow_mut();
        turns.drawn += 1;
        mixed::drawn(turns.drawn)
    }

    /// Writes the next request's body, of a scenario that was [`drawn`](Self::drawn).
    pub(crate) fn next(&self, scenario: Scenario, body: &mut Vec<u8>) -> Any<Expected> {
        body.clear();
        Ok(match scenario {
            Scenario::Echo => self.echoed(body),
            Scenario::Single => self.right(body)?,
            Scenario::Counter => self.right_counter(body),
            Scenario::Wrong => self.perhaps_wrong(body)?,
            Scenario::Guess => self.wrong(0, body),
            Scenario::Stranger => self.wrong(population::nobody(self.devices), body),
            Scenario::Locked => self.locked(body),
            Scenario::Batch(count) => self.batch(count.min(self.devices), body)?,
            Scenario::SessionCheck => self.session(body)?,
            Scenario::ChallengeAllow => {
                challenge::login(body, self.number(self.stale().0));
                Expected::Allowed
            }
            Scenario::ChallengeAnswer => {
                let (turns, moves) = self.fresh(1)?;
                challenge::identity(body, self.number(turns.start.into()));
                Expected::Answered(turns.start, moves)
            }
            Scenario::Flood | Scenario::FloodUser => self.flood(scenario, body),
            Scenario::Pages(_) => Expected::Page,
            Scenario::Mixed => return Err("mixed traffic is asked as what was drawn of it".into()),
        })
    }

    fn echoed(&self, body: &mut Vec<u8>) -> Expected {
        let (turn, moves) = self.stale();
        let number = self.number(turn);
        item(body, number, &Device::of(number).shown(population::step(moves)));
        Expected::Echoed
    }

    fn right(&self, body: &mut Vec<u8>) -> Any<Expected> {
        let (turns, moves) = self.fresh(1)?;
        let number = self.number(turns.start.into());
        item(body, number, &Device::of(number).shown(population::step(moves)));
        Ok(Expected::Accepted(turns, moves))
    }

    fn perhaps_wrong(&self, body: &mut Vec<u8>) -> Any<Expected> {
        let (turns, moves) = self.fresh(1)?;
        let number = self.number(turns.start.into());
        let (device, step) = (Device::of(number), population::step(moves));
        // Never so often in a row that a device locks.
        let wrong = (u64::from(number) + moves).is_multiple_of(4);
        if wrong {
            item(body, number, &device.not_shown(step));
            return Ok(Expected::Refused);
        }
        item(body, number, &device.shown(step));
        Ok(Expected::Accepted(turns, moves))
    }

    fn batch(&self, count: u32, body: &mut Vec<u8>) -> Any<Expected> {
        let (turns, moves) = self.fresh(count)?;
        body.extend(b"{\"items\":[");
        for turn in turns.clone() {
            let number = self.number(turn.into());
            item(body, number, &Device::of(number).shown(population::step(moves)));
            body.push(b',');
        }
        body.pop();
        body.extend(b"]}");
        Ok(Expected::Accepted(turns, moves))
    }

    fn session(&self, body: &mut Vec<u8>) -> Any<Expected> {
        let (turn, _) = self.stale();
        let sessions = self.sessions.borrow();
        let token = &sessions[usize::try_from(turn)? % sessions.len()];
        body.extend(br#"{"token":""#);
        body.extend(token.as_bytes());
        body.extend(br#""}"#);
        Ok(Expected::Active)
    }

    fn right_counter(&self, body: &mut Vec<u8>) -> Expected {
        let (number, counter) = self.counted();
        item(body, number, &Device::of(number).shown(counter));
        Expected::Counted(number, counter)
    }

    /// Of the users from this number on.
    fn wrong(&self, from: u32, body: &mut Vec<u8>) -> Expected {
        let (turn, moves) = self.stale();
        let number = from + self.number(turn);
        item(body, number, &Device::of(number).not_shown(population::step(moves)));
        Expected::Refused
    }

    fn locked(&self, body: &mut Vec<u8>) -> Expected {
        let (turn, moves) = self.stale();
        let number = self.devices + (turn % u64::from(LOCKED)) as u32;
        let step = population::step(moves).offset(1_000);
        item(body, number, &Device::of(number).shown(step));
        Expected::Locked
    }

    fn flood(&self, scenario: Scenario, body: &mut Vec<u8>) -> Expected {
        let mut turns = self.turns.borrow_mut();
        turns.flood += 1;
        let number = flood::user(scenario, turns.flood);
        let guess = Device::of(number).guess(population::step(turns.moves), turns.flood);
        item(body, number, &guess);
        Expected::Flooded
    }
}
