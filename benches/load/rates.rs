//! Latencies at shares of the capacity, of verifications and of the echo: each of what its own closed loop had in this run.

use std::time::Duration;

use serde::Serialize;

use crate::{
    Any,
    callers::Callers,
    report::percentile_ms,
    scenario::{Scenario, Slice},
    shots::Shots,
};

/// Hundredths of the capacity.
const SHARES: [u32; 6] = [10, 30, 50, 70, 85, 95];
/// The one that the figures of the scenario tell.
const TOLD: u32 = 70;

/// Verifications and the echo at each share, in turn.
pub(crate) struct Rates {
    pairs: Vec<[AtShare; 2]>,
}

struct AtShare {
    scenario: Scenario,
    share: u32,
    per_s: f64,
    latencies_us: Vec<u32>,
}

/// One share of a capacity.
#[derive(Serialize)]
pub(crate) struct Rate {
    /// 0.7 of the capacity.
    pub(crate) share: f64,
    /// As they were due.
    pub(crate) requests_per_s: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// The figures of all shares.
#[derive(Serialize)]
pub(crate) struct Found {
    pub(crate) p99_at_70_ms: f64,
    pub(crate) echo_p99_at_70_ms: f64,
    pub(crate) rates: Vec<Rate>,
    pub(crate) echo_rates: Vec<Rate>,
}

impl Rates {
    /// Of what a closed loop did in a second.
    pub(crate) fn of(capacity: f64, echo_capacity: f64) -> Self {
        let at = |scenario, capacity: f64, share| AtShare {
            scenario,
            share,
            per_s: capacity * f64::from(share) / 100.0,
            latencies_us: Vec::new(),
        };
        let pair = |share| {
            [
                at(Scenario::Single, capacity, share),
                at(Scenario::Echo, echo_capacity, share),
            ]
        };
        Self {
            pairs: SHARES.map(pair).into(),
        }
    }

    /// Each for this long; the errors of all.
    pub(crate) async fn round(&mut self, callers: &mut Callers, shots: &Shots, length: Duration) -> Any<Slice> {
        let mut all = Slice::default();
        for at in self.pairs.iter_mut().flatten() {
            let slice = callers.at_rate(shots, at.scenario, at.per_s, length).await?;
            at.latencies_us.extend(&slice.latencies_us);
            all.add(slice);
        }
        Ok(all)
    }

    pub(crate) fn found(self) -> Found {
        let (rates, echo_rates): (Vec<_>, Vec<_>) = self
            .pairs
            .into_iter()
            .map(|[single, echo]| (single.found(), echo.found()))
            .unzip();
        let told = SHARES.iter().position(|share| *share == TOLD);
        let p99 = |rates: &[Rate]| told.map_or(f64::NAN, |place| rates[place].p99_ms);
        Found {
            p99_at_70_ms: p99(&rates),
            echo_p99_at_70_ms: p99(&echo_rates),
            rates,
            echo_rates,
        }
    }
}

impl AtShare {
    fn found(mut self) -> Rate {
        Rate {
            share: f64::from(self.share) / 100.0,
            requests_per_s: self.per_s.round(),
            p50_ms: percentile_ms(&mut self.latencies_us, 50),
            p99_ms: percentile_ms(&mut self.latencies_us, 99),
        }
    }
}
