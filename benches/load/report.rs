//! What came of the rounds, as a table or as JSON.

use std::fs;

use serde::Serialize;

use crate::{flood, growth::Growth, rates};

/// One scenario; rates and ratios are medians over the rounds, latencies are of all requests.
#[derive(Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) requests_per_s: f64,
    /// The ceiling, measured just before each slice; `null` without it.
    pub(crate) echo_requests_per_s: f64,
    pub(crate) ratio: f64,
    /// The rate beside the bare batched update of the same round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ratio_to_bare: Option<f64>,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) errors: u64,
    /// Of the server's process, user and system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu_us_per_request: Option<f64>,
    /// Verifications in a commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) batch: Option<f64>,
    /// How long the lane waited for a commit, and for the read before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) commit_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) load_ms: Option<f64>,
    /// One append of 4 KiB with `fdatasync`, in turn with the requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fdatasync_p50_ms: Option<f64>,
    /// The same request about somebody who is no user, in turn with the requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) nobody_p50_ms: Option<f64>,
    #[serde(flatten)]
    pub(crate) rates: Option<rates::Found>,
    #[serde(flatten)]
    pub(crate) flood: Option<flood::Found>,
    pub(crate) devices: u32,
    /// The machine's, of the last minute.
    pub(crate) load_average: f64,
}

pub(crate) fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ')
        .next()
        .and_then(|first| first.parse().ok())
        .unwrap_or(f64::NAN)
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Of these microseconds, in milliseconds.
pub(crate) fn percentile_ms(values_us: &mut [u32], percent: usize) -> f64 {
    values_us.sort_unstable();
    let place = (values_us.len() * percent / 100).min(values_us.len().saturating_sub(1));
    values_us
        .get(place)
        .map_or(f64::NAN, |value| f64::from(*value) / 1_000.0)
}

pub(crate) fn print_json(rows: &[Row], growth: &Growth) -> serde_json::Result<()> {
    for row in rows {
        println!("{}", serde_json::to_string(row)?);
    }
    println!("{}", serde_json::to_string(growth)?);
    Ok(())
}

pub(crate) fn print_table(rows: &[Row]) {
    println!(
        "{:22} {:>9} {:>9} {:>6} {:>6} {:>9} {:>9} {:>6} {:>7} {:>6} {:>9} {:>8}",
        "", "per s", "echo/s", "ratio", "bare", "p50 ms", "p99 ms", "errors", "cpu us", "batch", "commit ms", "load ms"
    );
    for row in rows {
        print_row(row);
        if let Some(fdatasync) = row.fdatasync_p50_ms {
            println!("{:22} {:>43.3}  of one fdatasync after 4 KiB appended", "", fdatasync);
        }
        if let Some(nobody) = row.nobody_p50_ms {
            println!("{:22} {:>43.3}  for somebody who is no user", "", nobody);
        }
        row.rates.iter().for_each(print_rates);
        row.flood.iter().for_each(print_flood);
    }
    println!("load average {:.2}", load_average());
}

fn print_row(row: &Row) {
    let shown = |value: Option<f64>, digits: usize| {
        let value = value.filter(|value| !value.is_nan());
        value.map_or(String::new(), |value| format!("{value:.digits$}"))
    };
    println!(
        "{:22} {:>9.0} {:>9} {:>6} {:>6} {:>9.3} {:>9.3} {:>6} {:>7} {:>6} {:>9} {:>8}",
        row.name,
        row.requests_per_s,
        shown(Some(row.echo_requests_per_s), 0),
        shown(Some(row.ratio), 2),
        shown(row.ratio_to_bare, 2),
        row.p50_ms,
        row.p99_ms,
        row.errors,
        shown(row.cpu_us_per_request, 1),
        shown(row.batch, 1),
        shown(row.commit_ms, 3),
        shown(row.load_ms, 3),
    );
}

/// A line a share, that of the echo after it.
fn print_rates(found: &rates::Found) {
    for (rate, echo) in found.rates.iter().zip(&found.echo_rates) {
        println!(
            "{:22} {:>9.0} {:>9.0} {:>23.3} {:>9.3}  echo {:.3} {:.3}",
            format!("  at {:.0} % of capacity", rate.share * 100.0),
            rate.requests_per_s,
            echo.requests_per_s,
            rate.p50_ms,
            rate.p99_ms,
            echo.p50_ms,
            echo.p99_ms,
        );
    }
}

fn print_flood(found: &flood::Found) {
    println!(
        "{:22} of {:.0} asked per s: {:.2} % on time, and {:.2} % beside fair neighbours, p50 {:.3} ms, p99 {:.3} ms: \
         {:.3} of it is kept; the flood had {:.0} answers per s",
        "  the other accounts",
        found.others_asked_per_s,
        found.flooded_on_time * 100.0,
        found.fair_on_time * 100.0,
        found.fair_p50_ms,
        found.fair_p99_ms,
        found.others_share,
        found.flood_requests_per_s,
    );
}
