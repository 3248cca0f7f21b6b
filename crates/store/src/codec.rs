//! How a [`DeviceState`] stands in a row: a version byte, then numbers as LEB128 (signed ones zigzag),
//! absent things as a cleared flag. A fresh device takes about 20 bytes.

use otp::Step;
use verify::{
    ATTEMPTS_MAX, Budget, DeviceState, GuessMac, LastRequest, LongCount, Recent, SparseBudget, Standing, UnixMs, WEEKS,
};

use crate::{Id, StoreError};

/// What is written. The one before it, which knew neither the long count nor the times of wrong codes, is read too.
const FORMAT: u8 = 2;
const OLDEST_FORMAT: u8 = 1;

/// One state.
pub fn encode_state(state: &DeviceState) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    write_state(&mut out, state);
    out
}

/// The state of [`encode_state`].
pub fn decode_state(bytes: &[u8]) -> Result<DeviceState, StoreError> {
    let mut reader = Reader(bytes);
    let state = reader.state().ok_or_else(damaged)?;
    if reader.0.is_empty() { Ok(state) } else { Err(damaged()) }
}

/// Several states, each as [`encode_state`] wrote it, with its device's id; nothing at all for none.
pub fn join_states<S: AsRef<[u8]>>(states: &[(Id, S)]) -> Vec<u8> {
    let length = states.iter().map(|(_, state)| 16 + state.as_ref().len()).sum();
    let mut out = Vec::with_capacity(length);
    for (id, state) in states {
        out.extend(id.as_bytes());
        out.extend(state.as_ref());
    }
    out
}

/// The states of [`join_states`].
pub fn decode_states(bytes: &[u8]) -> Result<Vec<(Id, DeviceState)>, StoreError> {
    let mut reader = Reader(bytes);
    let mut states = Vec::new();
    while !reader.0.is_empty() {
        let id = reader.array().map(Id::from_bytes).ok_or_else(damaged)?;
        states.push((id, reader.state().ok_or_else(damaged)?));
    }
    Ok(states)
}

/// A budget, for the records that keep one of their own.
pub fn encode_budget(budget: &Budget) -> Vec<u8> {
    let mut out = vec![FORMAT];
    write_budget(&mut out, budget);
    out
}

/// The budget of [`encode_budget`].
pub fn decode_budget(bytes: &[u8]) -> Result<Budget, StoreError> {
    let mut reader = Reader(bytes);
    let format = reader.format().ok_or_else(damaged)?;
    let budget = reader.budget(format).ok_or_else(damaged)?;
    if reader.0.is_empty() {
        Ok(budget)
    } else {
        Err(damaged())
    }
}

/// A last request, for the records that keep one of their own.
pub fn encode_last_request(last: &LastRequest) -> Vec<u8> {
    let mut out = vec![FORMAT];
    write_last_request(&mut out, last);
    out
}

/// The last request of [`encode_last_request`]; `None` for one of before decisions had ids, which is forgotten.
pub fn decode_last_request(bytes: &[u8]) -> Result<Option<LastRequest>, StoreError> {
    let mut reader = Reader(bytes);
    let last = reader
        .format()
        .and_then(|_| reader.last_request())
        .ok_or_else(damaged)?;
    if reader.0.is_empty() { Ok(last) } else { Err(damaged()) }
}

fn damaged() -> StoreError {
    StoreError::Damaged("a device state cannot be read".into())
}

// The flags say which of the optional parts follow, in this order.
const LAST_STEP: u64 = 1;
const DRIFT_LEARNED: u64 = 1 << 1;
const LAST_SUCCESS: u64 = 1 << 2;
const VERIFICATION: u64 = 1 << 3;
const UNBINDING: u64 = 1 << 4;
const RESYNC: u64 = 1 << 5;
const LAST_REQUEST: u64 = 1 << 6;
const ALL: u64 = (1 << 7) - 1;

fn write_state(out: &mut Vec<u8>, state: &DeviceState) {
    let fresh = SparseBudget::default();
    let flag = |present: bool, flag: u64| if present { flag } else { 0 };
    out.push(FORMAT);
    out.push(match state.standing {
        Standing::Bound => 0,
        Standing::Unbound => 2,
        Standing::Lost => 3,
    });
    unsigned(
        out,
        flag(state.last_step.is_some(), LAST_STEP)
            | flag(state.drift_learned_at.is_some(), DRIFT_LEARNED)
            | flag(state.last_success_at.is_some(), LAST_SUCCESS)
            | flag(state.verification != fresh, VERIFICATION)
            | flag(state.unbinding != fresh, UNBINDING)
            | flag(state.resync != fresh, RESYNC)
            | flag(state.last_request.is_some(), LAST_REQUEST),
    );
    unsigned(out, state.version);
    signed(out, state.offset_steps.into());
    signed(out, state.drift_steps.into());
    if let Some(step) = state.last_step {
        unsigned(out, step.get());
    }
    if let Some(at) = state.drift_learned_at {
        signed(out, at.get());
    }
    if let Some(at) = state.last_success_at {
        signed(out, at.get());
    }
    for budget in [&state.verification, &state.unbinding, &state.resync] {
        if *budget != fresh {
            write_budget(out, budget);
        }
    }
    if let Some(last) = &state.last_request {
        write_last_request(out, last);
    }
}

// What follows in a budget.
const LOCKED: u64 = 1;
const LAST_WRONG: u64 = 1 << 1;
const LONG: u64 = 1 << 2;
const SUSPENDED: u64 = 1 << 3;
const LIFTED: u64 = 1 << 4;
const LIFTED_TWICE: u64 = 1 << 5;
const ALL_OF_BUDGET: u64 = (1 << 6) - 1;

fn write_budget(out: &mut Vec<u8>, budget: &Budget) {
    let flag = |present: bool, flag: u64| if present { flag } else { 0 };
    let [lifted, lifted_twice] = budget.lifted;
    unsigned(
        out,
        flag(budget.locked_until.is_some(), LOCKED)
            | flag(budget.last_wrong.is_some(), LAST_WRONG)
            | flag(budget.long != LongCount::default(), LONG)
            | flag(budget.suspended_at.is_some(), SUSPENDED)
            | flag(lifted.is_some(), LIFTED)
            | flag(lifted_twice.is_some(), LIFTED_TWICE),
    );
    unsigned(out, budget.lock_count.into());
    unsigned(out, budget.since_success.into());
    unsigned(out, budget.recent.count().into());
    let mut later = None;
    for time in budget.recent.times() {
        match later {
            None => signed(out, time.get()),
            Some(later) => unsigned(out, time_between(time, later)),
        }
        later = Some(time);
    }
    if let Some(at) = budget.locked_until {
        signed(out, at.get());
    }
    if let Some(GuessMac(last)) = budget.last_wrong {
        unsigned(out, last.into());
    }
    if budget.long != LongCount::default() {
        // Most weeks have none: which have some, then how many.
        let some = budget.long.counts.iter().enumerate().filter(|(_, count)| **count != 0);
        unsigned(out, budget.long.week.into());
        unsigned(out, some.clone().fold(0, |weeks, (week, _)| weeks | 1 << week));
        for (_, count) in some {
            unsigned(out, (*count).into());
        }
    }
    if let Some(at) = budget.suspended_at {
        signed(out, at.get());
    }
    for week in [lifted, lifted_twice].into_iter().flatten() {
        unsigned(out, week.into());
    }
}

/// Milliseconds; the times of a budget descend.
fn time_between(earlier: UnixMs, later: UnixMs) -> u64 {
    u64::try_from(later.since(earlier)).unwrap_or(0)
}

// What follows the three parts that every last request has had: once what was answered (0 or 1), and nothing.
const WITHOUT_DECISION: [u8; 2] = [0, 1];
const WITH_DECISION: u8 = 2;

fn write_last_request(out: &mut Vec<u8>, last: &LastRequest) {
    out.extend(last.id);
    out.extend(last.body);
    signed(out, last.decided_at.get());
    out.push(WITH_DECISION);
    out.extend(last.api_key);
    out.extend(last.decision_id);
    unsigned(out, last.wrong_since_last_success.into());
}

fn unsigned(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn signed(out: &mut Vec<u8>, value: i64) {
    unsigned(out, ((value << 1) ^ (value >> 63)) as u64);
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn unsigned(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if shift == 63 && part > 1 {
                return None;
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        self.unsigned().map(|value| (value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn small<T: TryFrom<u64>>(&mut self) -> Option<T> {
        self.unsigned().and_then(|value| T::try_from(value).ok())
    }

    fn time(&mut self) -> Option<UnixMs> {
        self.signed().map(UnixMs::new)
    }

    fn optional_time(&mut self) -> Option<Option<UnixMs>> {
        match self.byte()? {
            0 => Some(None),
            1 => self.time().map(Some),
            _ => None,
        }
    }

    fn format(&mut self) -> Option<u8> {
        self.byte().filter(|format| (OLDEST_FORMAT..=FORMAT).contains(format))
    }

    fn state(&mut self) -> Option<DeviceState> {
        let format = self.format()?;
        let standing = self.byte()?;
        let was_suspended = format == OLDEST_FORMAT && standing == 1;
        let standing = match standing {
            0 => Standing::Bound,
            1 if was_suspended => Standing::Bound,
            2 => Standing::Unbound,
            3 => Standing::Lost,
            _ => return None,
        };
        let flags = self.unsigned()?;
        if flags & !ALL != 0 {
            return None;
        }
        let has = |flag: u64| flags & flag != 0;
        let mut state = DeviceState {
            standing,
            version: self.unsigned()?,
            offset_steps: i32::try_from(self.signed()?).ok()?,
            drift_steps: i32::try_from(self.signed()?).ok()?,
            last_step: if has(LAST_STEP) {
                Some(Step::new(self.unsigned()?))
            } else {
                None
            },
            drift_learned_at: if has(DRIFT_LEARNED) { Some(self.time()?) } else { None },
            last_success_at: if has(LAST_SUCCESS) { Some(self.time()?) } else { None },
            verification: self.budget_if(has(VERIFICATION), format)?,
            unbinding: self.budget_if(has(UNBINDING), format)?,
            resync: self.budget_if(has(RESYNC), format)?,
            last_request: if has(LAST_REQUEST) { self.last_request()? } else { None },
        };
        if was_suspended {
            // All roads stopped together then, and nobody wrote when.
            for budget in [&mut state.verification, &mut state.unbinding, &mut state.resync] {
                let suspended_at = Some(UnixMs::new(0));
                *budget = Budget {
                    suspended_at,
                    ..**budget
                }
                .into();
            }
        }
        Some(state)
    }

    fn budget_if(&mut self, present: bool, format: u8) -> Option<SparseBudget> {
        if present {
            self.budget(format).map(SparseBudget::from)
        } else {
            Some(SparseBudget::default())
        }
    }

    fn budget(&mut self, format: u8) -> Option<Budget> {
        if format == OLDEST_FORMAT {
            return self.oldest_budget();
        }
        let flags = self.unsigned()?;
        if flags & !ALL_OF_BUDGET != 0 {
            return None;
        }
        let has = |flag: u64| flags & flag != 0;
        Some(Budget {
            lock_count: self.small()?,
            since_success: self.small()?,
            recent: self.recent()?,
            locked_until: if has(LOCKED) { Some(self.time()?) } else { None },
            last_wrong: if has(LAST_WRONG) {
                Some(GuessMac(self.small()?))
            } else {
                None
            },
            long: if has(LONG) {
                self.long_count()?
            } else {
                LongCount::default()
            },
            suspended_at: if has(SUSPENDED) { Some(self.time()?) } else { None },
            lifted: [
                if has(LIFTED) { Some(self.small()?) } else { None },
                if has(LIFTED_TWICE) { Some(self.small()?) } else { None },
            ],
        })
    }

    fn recent(&mut self) -> Option<Recent> {
        let count: usize = self.small().filter(|count| *count <= ATTEMPTS_MAX)?;
        let mut times = Vec::with_capacity(count);
        for _time in 0..count {
            let time = match times.last() {
                None => self.time()?,
                Some(later) => UnixMs::plus(*later, -i64::try_from(self.unsigned()?).ok()?),
            };
            times.push(time);
        }
        Some(Recent::of(times))
    }

    fn long_count(&mut self) -> Option<LongCount> {
        let week = self.small()?;
        let weeks = self.unsigned().filter(|weeks| weeks >> WEEKS == 0)?;
        let mut counts = [0; WEEKS];
        for (place, count) in counts.iter_mut().enumerate() {
            if weeks >> place & 1 == 1 {
                *count = self.small()?;
            }
        }
        Some(LongCount { week, counts })
    }

    /// Of format 1: how many wrong codes since the first that counted, and since the last right one. They are as if
    /// all of them had come with the first.
    fn oldest_budget(&mut self) -> Option<Budget> {
        let failures: u32 = self.small()?;
        let (lock_count, since_success) = (self.small()?, self.small()?);
        let first = self.optional_time()?;
        let times = first
            .into_iter()
            .flat_map(|first| std::iter::repeat_n(first, failures as usize));
        Some(Budget {
            lock_count,
            since_success,
            recent: Recent::of(times.take(ATTEMPTS_MAX)),
            locked_until: self.optional_time()?,
            ..Budget::default()
        })
    }

    /// `Some(None)`: of before decisions had ids. It was remembered for five minutes.
    fn last_request(&mut self) -> Option<Option<LastRequest>> {
        let (id, body, decided_at) = (self.array()?, self.array()?, self.time()?);
        match self.byte()? {
            WITH_DECISION => Some(Some(LastRequest {
                id,
                body,
                decided_at,
                api_key: self.array()?,
                decision_id: self.array()?,
                wrong_since_last_success: self.small()?,
            })),
            shape => WITHOUT_DECISION.contains(&shape).then_some(None),
        }
    }
}
