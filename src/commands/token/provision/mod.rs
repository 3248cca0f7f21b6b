//! `countersign token provision`: tokens in a row, none doubled, none lost.

mod labels;
mod manifest;
mod number_status;
mod numbers;
mod seeds;
mod station;
mod worker;

use std::{
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt as _,
    path::PathBuf,
    process::ExitCode,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use link::{ComparisonDigits, Parameters, Patience};
use serde_json::json;

use self::{
    manifest::{Batch, Manifest},
    number_status::NumberStatus,
    numbers::SerialNumber,
    seeds::Seeds,
    station::ProvisioningStation,
    worker::{Teller, Worker},
};
use super::{port::Port, seed_key::KeyFile, status::algorithm_name};
use crate::{
    Failure,
    client::Client,
    commands::{Done, output::Output, print_json, server::Server},
};

#[derive(Args)]
pub(in crate::commands) struct Provision {
    /// The serial number of the first token; the next ones are counted on
    #[arg(long, value_name = "SERIAL")]
    serial: SerialNumber,
    /// How many tokens
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    count: u64,
    /// The directory of the batch: seeds, manifest, labels; work that was cut off goes on where it stopped
    #[arg(long, value_name = "DIR")]
    batch: PathBuf,
    #[command(flatten)]
    key: KeyFile,
    /// A serial port; several times for several [default: the only USB one]
    #[arg(long, value_name = "PATH", env = "COUNTERSIGN_PORT", value_delimiter = ',')]
    port: Vec<String>,
    /// Shown above the code
    #[arg(long, default_value = "", hide_default_value = true)]
    label: String,
    /// The hash under the codes; many services know SHA1 only
    #[arg(long, value_enum, ignore_case = true, default_value_t = Hash::Sha1)]
    algorithm: Hash,
    /// Digits of a code: 6 to 8
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u8).range(6..=8))]
    digits: u8,
    /// Seconds that a code is shown
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3_600))]
    period: u16,
    /// Nobody compares the digits on both sides: only where nothing but a cable is between desk and token
    #[arg(long)]
    no_compare: bool,
    /// Gives up a serial number whose token was cut off and will not come back; several times for several
    #[arg(long, value_name = "SERIAL")]
    void: Vec<String>,
    /// Takes them into the inventory when all are done, as this batch of the service's
    #[arg(long, value_name = "NAME")]
    into: Option<String>,
    #[command(flatten)]
    server: Server,
}

#[derive(Clone, Copy, ValueEnum)]
enum Hash {
    Sha1,
    Sha256,
    Sha512,
}

const MANIFEST: &str = "manifest.jsonl";

impl Provision {
    pub(super) fn run(self) -> Done {
        if self.server.no_input() && !self.no_compare {
            return Err(
                Failure::usage("somebody has to compare digits, and nobody may be asked").help(
                    "leave out --no-input; or say --no-compare, where nothing but a cable is between desk and token",
                ),
            );
        }
        let key = self.key.read()?;
        let inventory = self.inventory()?;
        let ports = if self.port.is_empty() {
            vec![Port::only()?]
        } else {
            self.port.clone()
        };
        let parameters = self.parameters();
        let batch = self.batch(parameters)?;
        let serial_numbers = batch.serial_numbers()?;
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.batch);
        made.map_err(|error| Failure::new(format!("{} cannot be made: {error}", self.batch.display())))?;
        let manifest = Manifest::open(&self.batch.join(MANIFEST), &batch)?;
        let seeds = Seeds::open(&self.batch, key)?;
        let station = ProvisioningStation::new(
            self.batch.clone(),
            manifest,
            seeds,
            serial_numbers,
            self.label,
            parameters,
        );
        self.void
            .iter()
            .try_for_each(|serial_number| station.void(serial_number))?;
        if self.no_compare {
            eprintln!(
                "warning: nobody compares digits: whatever stands between this desk and its tokens can learn their \
                 secrets. Go on only if you see the whole cable."
            );
        }
        let teller = Told::of(&station, self.count);
        let started = Instant::now();
        thread::scope(|scope| {
            for port in &ports {
                let worker = Worker {
                    station: &station,
                    port,
                    ports: ports.len(),
                    compare: !self.no_compare,
                    waits: !self.server.no_input(),
                    patience: PATIENCE,
                    teller: &teller,
                };
                scope.spawn(move || worker.run());
            }
        });
        let tally = teller.end();
        if let Some(failure) = station.failed() {
            return Err(failure);
        }
        concluded(
            &station,
            &tally,
            started.elapsed(),
            &self.server.output(),
            inventory.as_ref(),
        )
    }

    /// The service that takes the tokens in; asked before the first is programmed, so that none waits for a right.
    fn inventory(&self) -> Result<Option<Inventory>, Failure> {
        let Some(batch) = self.into.clone() else {
            return Ok(None);
        };
        if self.count > IMPORT_MAX {
            return Err(
                Failure::usage(format!("an import takes at most {IMPORT_MAX} tokens: leave out --into"))
                    .help("provision several batches, or import parts of the seed file by `countersign token import`"),
            );
        }
        let client = self.server.client()?;
        client.get::<api::BatchPage>("/v1/batches?limit=1")?;
        Ok(Some(Inventory { client, batch }))
    }

    fn parameters(&self) -> Parameters {
        Parameters {
            algorithm: match self.algorithm {
                Hash::Sha1 => link::Algorithm::Sha1,
                Hash::Sha256 => link::Algorithm::Sha256,
                Hash::Sha512 => link::Algorithm::Sha512,
            },
            digits: self.digits,
            period_s: self.period,
        }
    }

    fn batch(&self, parameters: Parameters) -> Result<Batch, Failure> {
        let printable = self.label.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if !printable || self.label.trim() != self.label || self.label.len() > link::NAME_MAX_LEN_BYTES {
            return Err(Failure::usage(
                "a label has up to 32 letters of ASCII, and no blanks around it",
            ));
        }
        Ok(Batch {
            first: self.serial.to_string(),
            count: self.count,
            label: self.label.clone(),
            algorithm: algorithm_name(parameters.algorithm).to_owned(),
            digits: parameters.digits,
            period_s: parameters.period_s,
        })
    }
}

/// An empty cradle is looked at again soon.
const PATIENCE: Patience = Patience {
    hello: Duration::from_millis(300),
    hello_tries: 4,
    answer: Duration::from_secs(1),
    answer_tries: 3,
    button: Duration::from_secs(120),
    glance: Duration::from_millis(200),
};

/// A service, and the batch of its inventory.
struct Inventory {
    client: Client,
    batch: String,
}

/// The most tokens of an import, as the service has it.
const IMPORT_MAX: u64 = 10_000;

fn concluded(
    station: &ProvisioningStation,
    tally: &[Duration],
    took: Duration,
    output: &Output,
    inventory: Option<&Inventory>,
) -> Done {
    all_is_settled(station)?;
    let done = station.with_status(NumberStatus::Done);
    let file = (!done.is_empty()).then(|| station.seeds.gather(&done)).transpose()?;
    let mut times = tally.to_vec();
    times.sort();
    let median_ms = times.get(times.len() / 2).map(|took| took.as_secs_f64() * 1_000.0);
    if output.json {
        print_json(&json!({
            "tokens": done.len(),
            "now": station.done_now(),
            "void": station.with_status(NumberStatus::Void),
            "seeds": file,
            "seconds": took.as_secs_f64(),
            "median_ms": median_ms,
        }))?;
    } else {
        eprintln!(
            "{} tokens are done, {} of them now, in {:.1} s; the median took {:.0} ms",
            done.len(),
            station.done_now(),
            took.as_secs_f64(),
            median_ms.unwrap_or_default()
        );
        if let Some(file) = &file {
            tell!("{}", file.display())?;
        }
    }
    if let (Some(file), Some(Inventory { client, batch })) = (&file, inventory) {
        let taken = station.seeds.take_in(file, client, batch);
        let repeats = format!(
            "repeat the command, or import {}: every token in it is done",
            file.display()
        );
        eprintln!("{}", taken.map_err(|failure| failure.help(repeats))?);
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses a batch with tokens that are cut off or not made.
fn all_is_settled(station: &ProvisioningStation) -> Result<(), Failure> {
    let open = station.with_status(NumberStatus::Open);
    if !open.is_empty() {
        return Err(Failure::new(format!(
            "{} of the batch {} open: {}: cut off while being sealed",
            open.len(),
            if open.len() == 1 { "is" } else { "are" },
            open.join(", ")
        ))
        .help(
            "repeat the command and plug those tokens in again, which settles them; give up a token that is lost with \
             --void SERIAL",
        ));
    }
    let free = station.with_status(NumberStatus::Free);
    if let Some(first) = free.first() {
        return Err(Failure::new(format!(
            "{} token(s) of the batch, from {first} on, are not made, and nobody may be waited for",
            free.len()
        ))
        .help("plug them in and repeat the command; without --no-input it waits for them"));
    }
    Ok(())
}

/// Lines on stderr, and a bar below them where somebody sees it.
struct Told {
    bar: ProgressBar,
    tally: Mutex<Vec<Duration>>,
}

impl Told {
    fn of(station: &ProvisioningStation, count: u64) -> Self {
        // Draws on a terminal only.
        let bar = ProgressBar::with_draw_target(Some(count), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {per_sec} {eta} left") {
            bar.set_style(style);
        }
        bar.set_position(station.with_status(NumberStatus::Done).len() as u64);
        Self {
            bar,
            tally: Mutex::new(Vec::new()),
        }
    }

    fn line(&self, words: &str) {
        if self.bar.is_hidden() {
            eprintln!("{words}");
        } else {
            self.bar.println(&*vault::shown(words));
        }
    }

    fn end(self) -> Vec<Duration> {
        self.bar.finish_and_clear();
        self.tally.into_inner().unwrap_or_default()
    }
}

impl Teller for Told {
    fn digits(&self, port: &str, serial_number: &str, digits: ComparisonDigits) {
        self.line(&format!(
            "{port}  {serial_number}  {digits}  press the token's button if it shows the same; unplug it if not"
        ));
    }

    fn done(&self, port: &str, serial_number: &str, took: Duration) {
        self.bar.inc(1);
        if let Ok(mut tally) = self.tally.lock() {
            tally.push(took);
        }
        self.line(&format!("{port}  {serial_number}  done in {:.2} s", took.as_secs_f64()));
    }

    fn remark(&self, port: &str, words: &str) {
        self.line(&format!("{port}  {words}"));
    }
}
