//! `countersign token drift`: whose clock is about to leave the window, by batch.

use std::{collections::BTreeMap, fs, path::PathBuf, process::ExitCode};

use api::{BatchDrift, DriftQuery, DriftReport, DriftingDevice};
use clap::Args;
use serde_json::json;
use service::{DriftPicture, LotDrift, drift_svg};

use crate::{
    Failure,
    client::Client,
    commands::{Done, output::Output},
};

#[derive(Args)]
pub(in crate::commands) struct Drift {
    /// Draws how far the clocks of each batch have gone, too
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// The clocks of each batch by its name, summed over all parts of the report; of apps, which have none, first.
type Batches = BTreeMap<Option<String>, LotDrift>;

/// What apps are called, which have no batch.
const APPS: &str = "apps";

impl Drift {
    pub(super) fn run(self, client: &Client, output: &Output) -> Done {
        let mut batches = Batches::new();
        let mut items: Vec<DriftingDevice> = Vec::new();
        let mut cursor = None;
        loop {
            let query = DriftQuery { cursor: cursor.clone() };
            let part = client.list::<DriftReport>("/v1/support/drift", &query)?;
            part.batches.iter().for_each(|batch| add(&mut batches, batch));
            items.extend(part.items.iter().cloned());
            // As it came: one that was made fit to be shown is another place in the list.
            let next = part.raw()["next_cursor"].as_str().map(str::to_owned);
            if next.is_none() {
                break;
            }
            if next == cursor {
                return Err(Failure::new("the service gives the same part again and again"));
            }
            cursor = next;
        }
        if let Some(file) = &self.svg {
            fs::write(file, drawn(&batches))
                .map_err(|error| Failure::new(format!("{} cannot be written: {error}", file.display())))?;
        }
        let batches_told: Vec<BatchDrift> = batches.iter().map(told).collect();
        output.print(&json!({"batches": batches_told, "items": items}), || {
            words(&batches, &items)
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

fn drawn(batches: &Batches) -> String {
    let lots: Vec<LotDrift> = batches.values().cloned().collect();
    let words = DriftPicture {
        title: "Clocks gone since they were measured, in time steps".into(),
        apps: APPS.into(),
        row: Box::new(|devices, about_to_leave| format!("{devices} devices, {about_to_leave} about to leave")),
        bar: Box::new(|devices, steps| format!("{devices} devices at {steps:+} steps")),
    };
    drift_svg(&lots, &words)
}

fn add(batches: &mut Batches, batch: &BatchDrift) {
    let clocks = batches.entry(batch.batch.clone()).or_insert_with(|| LotDrift {
        lot: batch.batch.clone(),
        ..LotDrift::default()
    });
    clocks.devices += batch.devices;
    clocks.about_to_leave += batch.about_to_leave;
    for drift in &batch.drifts {
        *clocks.drifts.entry(drift.steps).or_default() += drift.devices;
    }
}

fn told((batch, clocks): (&Option<String>, &LotDrift)) -> BatchDrift {
    let drifts = clocks.drifts.iter();
    BatchDrift {
        batch: batch.clone(),
        devices: clocks.devices,
        about_to_leave: clocks.about_to_leave,
        drifts: drifts.map(|(&steps, &devices)| api::Drift { steps, devices }).collect(),
    }
}

fn words(batches: &Batches, items: &[DriftingDevice]) -> String {
    if batches.is_empty() {
        return "no device is bound".into();
    }
    let mut lines = vec![row("batch", "devices", "about to leave", "clocks gone, in steps")];
    lines.extend(batches.iter().map(|(batch, clocks)| {
        let gone = match (clocks.drifts.keys().next(), clocks.drifts.keys().next_back()) {
            (Some(first), Some(last)) if first != last => format!("{first:+} to {last:+}"),
            (Some(all), _) => format!("{all:+}"),
            _ => String::new(),
        };
        row(
            batch.as_deref().unwrap_or(APPS),
            &clocks.devices.to_string(),
            &clocks.about_to_leave.to_string(),
            &gone,
        )
    }));
    lines.extend(items.iter().map(line));
    lines.join("\n")
}

fn row(batch: &str, devices: &str, about_to_leave: &str, gone: &str) -> String {
    format!("{batch:<20}  {devices:>10}  {about_to_leave:>14}  {gone}")
        .trim_end()
        .to_owned()
}

fn line(device: &DriftingDevice) -> String {
    let name = device
        .serial_number
        .clone()
        .unwrap_or_else(|| device.device_id.to_string());
    let batch = device.batch.as_deref().unwrap_or(APPS);
    let (account, user) = (&device.account, &device.user);
    let seen = match device.last_success_at {
        Some(at) => format!("  last code {at}"),
        None => String::new(),
    };
    format!(
        "{name}  {batch}  {account}/{user}  clock {:+} steps{seen}",
        device.drift_steps
    )
}
