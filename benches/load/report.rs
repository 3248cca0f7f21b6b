//! What came of the rounds, as a table or as JSON.

use std::fs;

use serde::Serialize;

/// One scenario; rates and ratios are medians over the rounds, latencies are of all requests.
#[derive(Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) requests_per_s: f64,
    /// The ceiling, measured just before each slice.
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

pub(crate) fn print_json(rows: &[Row]) -> serde_json::Result<()> {
    for row in rows {
        println!("{}", serde_json::to_string(row)?);
    }
    Ok(())
}

pub(crate) fn print_table(rows: &[Row]) {
    println!(
        "{:22} {:>9} {:>9} {:>6} {:>6} {:>9} {:>9} {:>6} {:>7} {:>6} {:>9} {:>8}",
        "", "per s", "echo/s", "ratio", "bare", "p50 ms", "p99 ms", "errors", "cpu us", "batch", "commit ms", "load ms"
    );
    let shown = |value: Option<f64>, digits: usize| value.map_or(String::new(), |value| format!("{value:.digits$}"));
    for row in rows {
        println!(
            "{:22} {:>9.0} {:>9.0} {:>6.2} {:>6} {:>9.3} {:>9.3} {:>6} {:>7} {:>6} {:>9} {:>8}",
            row.name,
            row.requests_per_s,
            row.echo_requests_per_s,
            row.ratio,
            shown(row.ratio_to_bare, 2),
            row.p50_ms,
            row.p99_ms,
            row.errors,
            shown(row.cpu_us_per_request, 1),
            shown(row.batch, 1),
            shown(row.commit_ms, 3),
            shown(row.load_ms, 3),
        );
        if let Some(fdatasync) = row.fdatasync_p50_ms {
            println!("{:22} {:>43.3}  of one fdatasync after 4 KiB appended", "", fdatasync);
        }
        if let Some(nobody) = row.nobody_p50_ms {
            println!("{:22} {:>43.3}  for somebody who is no user", "", nobody);
        }
    }
    println!("load average {:.2}", load_average());
}
