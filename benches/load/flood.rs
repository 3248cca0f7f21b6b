//! One account is flooded; what the other accounts keep.
//!
//! Half of the connections are those of other accounts' users, with right codes. The other half floods: half of it sends
//! wrong codes for the users of one large account, as fast as it goes, half of it for one single user there.
//!
//! Client and server share the machine, so a flood takes processor time whatever the service does, and a closed loop beside
//! it would measure that. What is the service's is whether those who ask for less than their share get it in time. So:
//!
//! 1. *Fair*: the other half asks like everybody, right codes of many accounts. Both halves ask as fast as it goes; what the
//!    others then have is their rate beside as many connections that are fair.
//! 2. Half of that rate comes in an open loop beside neighbours who are fair and ask as fast as it goes.
//! 3. The same rate, the same arrivals, beside the flood.
//!
//! `others_share` is how many of 3 were answered on time, beside those of 2: were the flood to be served before others, or
//! to make them wait behind it, these would come late. The percentiles of both are told beside it.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use futures_util::future::join;
use serde::Serialize;

use crate::{
    Any,
    callers::Callers,
    closed, open,
    population::{LARGE_ACCOUNT, LARGE_ACCOUNT_USERS, mixed},
    report::{median, percentile_ms},
    scenario::{CONNECTIONS, Scenario, Slice},
    shots::Shots,
};

/// The others' connections.
const OTHERS: usize = CONNECTIONS / 2;
/// Who waits no longer than this for an answer notices no wait.
const ON_TIME_US: u32 = 100_000;
/// Of the rate that the others have beside fair neighbours: far enough below it that no queue of theirs grows.
const SHARE: f64 = 0.5;

/// The user whose code this guess is.
pub(crate) fn user(scenario: Scenario, guess: u64) -> u32 {
    match scenario {
        Scenario::FloodUser => LARGE_ACCOUNT,
        _ => LARGE_ACCOUNT + 1 + (mixed(guess) % u64::from(LARGE_ACCOUNT_USERS - 1)) as u32,
    }
}

/// What came of the slices so far.
#[derive(Default)]
pub(crate) struct Flood {
    asked_per_s: Vec<f64>,
    flood_per_s: Vec<f64>,
    fair_us: Vec<u32>,
    flooded_us: Vec<u32>,
}

/// The figures beside those of each scenario.
#[derive(Serialize)]
pub(crate) struct Found {
    /// Answered on time while flooded, beside those answered on time beside fair neighbours.
    pub(crate) others_share: f64,
    /// The rate at which others asked.
    pub(crate) others_asked_per_s: f64,
    /// Of those who asked beside fair neighbours, and while flooded.
    pub(crate) fair_on_time: f64,
    pub(crate) flooded_on_time: f64,
    pub(crate) fair_p50_ms: f64,
    pub(crate) fair_p99_ms: f64,
    /// Answers that the flood had.
    pub(crate) flood_requests_per_s: f64,
}

impl Flood {
    /// A third of the time each; the others while flooded, with everybody's errors.
    pub(crate) async fn slice(&mut self, callers: &mut Callers, shots: &Shots, length: Duration) -> Any<Slice> {
        let length = length / 3;
        let (fair, neighbours) = fair(callers, shots, length).await?;
        let per_s = fair.per_s() * SHARE;
        let fair_neighbours = |_| Scenario::Single;
        let (beside, fair_too) = at_rate_beside(callers, shots, (per_s, length), fair_neighbours).await?;
        let floods = |number: usize| match number % 2 {
            0 => Scenario::Flood,
            _ => Scenario::FloodUser,
        };
        let (mut flooded, flood) = at_rate_beside(callers, shots, (per_s, length), floods).await?;
        self.asked_per_s.push(per_s);
        self.flood_per_s.push(flood.per_s());
        self.fair_us.extend(&beside.latencies_us);
        self.flooded_us.extend(&flooded.latencies_us);
        for part in [fair, neighbours, beside, fair_too, flood] {
            flooded.errors += part.errors;
            flooded.first_error = flooded.first_error.or(part.first_error);
        }
        Ok(flooded)
    }

    /// `None` where there was no slice.
    pub(crate) fn found(mut self) -> Option<Found> {
        let (fair_on_time, flooded_on_time) = (on_time(&self.fair_us)?, on_time(&self.flooded_us)?);
        Some(Found {
            others_share: flooded_on_time / fair_on_time,
            others_asked_per_s: median(self.asked_per_s).round(),
            fair_on_time,
            flooded_on_time,
            fair_p50_ms: percentile_ms(&mut self.fair_us, 50),
            fair_p99_ms: percentile_ms(&mut self.fair_us, 99),
            flood_requests_per_s: median(self.flood_per_s).round(),
        })
    }
}

/// Both halves, as fast as it goes.
async fn fair(callers: &mut Callers, shots: &Shots, length: Duration) -> Any<(Slice, Slice)> {
    let (connections, context) = callers.with_context(shots);
    let (others, neighbours) = connections.split_at_mut(OTHERS);
    let begun = Instant::now();
    let goes_on = || begun.elapsed() < length;
    let half = |connections| closed::run(connections, context, |_| Scenario::Single, &goes_on);
    let (others, neighbours) = join(half(others), half(neighbours)).await;
    Ok((others?, neighbours?))
}

/// The others at this rate for this long, and the other half as fast as it goes.
async fn at_rate_beside(
    callers: &mut Callers,
    shots: &Shots,
    (per_s, length): (f64, Duration),
    neighbours_ask: impl Fn(usize) -> Scenario,
) -> Any<(Slice, Slice)> {
    let (connections, context) = callers.with_context(shots);
    let (others, neighbours) = connections.split_at_mut(OTHERS);
    let is_over = Cell::new(false);
    let goes_on = || !is_over.get();
    let asking = async {
        let answered = open::run(others, context, Scenario::Single, per_s, length).await;
        is_over.set(true);
        answered
    };
    let (others, neighbours) = join(asking, closed::run(neighbours, context, neighbours_ask, &goes_on)).await;
    Ok((others?, neighbours?))
}

fn on_time(latencies_us: &[u32]) -> Option<f64> {
    let on_time = latencies_us.iter().filter(|us| **us <= ON_TIME_US).count();
    (!latencies_us.is_empty()).then(|| on_time as f64 / latencies_us.len() as f64)
}
