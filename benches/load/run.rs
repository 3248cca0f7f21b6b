//! The rounds: every scenario has its turn in each, with its ceiling just before it.

use std::{
    env, fs,
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    Any, Arguments,
    bare::Bare,
    callers::Callers,
    disk::Disk,
    growth::{self, Grown},
    lone,
    measured::{Measured, SINGLE, Subject},
    picture,
    rates::Rates,
    report::{self, Row, median},
    scenario::{Scenario, Slice},
    server_process::{ServerProcess, Usage},
    shots::Shots,
    silence,
};

/// Rounds of which the medians are told.
const ROUNDS: u32 = 5;

/// Bindings and other events that the history's index has within seconds: it leaves the writer to others most of the time.
const INDEXED: u64 = 20_000;

pub(crate) fn run(arguments: &Arguments) -> Any<()> {
    let mut all = wanted(arguments)?;
    let picture = arguments.svg.as_ref().map(|file| arguments.here.join(file));
    if let Some(file) = picture.as_ref().filter(|file| !file.parent().is_some_and(Path::is_dir)) {
        return Err(format!("--svg {}: there is no such directory", file.display()).into());
    }
    let program = env::current_exe()?;
    let beside = program.parent().ok_or("this program lies nowhere")?;
    let dir = tempfile::Builder::new().prefix("load-").tempdir_in(beside)?;
    let server = dir.path().join("server");
    fs::create_dir(&server)?;
    let filled_in_s = growth::fill(&server, arguments.devices, arguments.audit_events)?;
    let process = ServerProcess::start(&server, 0)?;
    eprintln!("{} devices bound in {filled_in_s:.1} s", arguments.devices);
    if arguments.no_echo {
        eprintln!("the server is process {}", process.pid());
    }
    let mut round = Round::new(arguments, dir.path(), process)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(round.all(&mut all))?;

    let devices = arguments.devices;
    let grown = Grown {
        devices,
        audit_events: arguments.audit_events,
        filled_in_s,
    };
    let growth = grown.measured(round.shots, &server)?;
    let rows: Vec<_> = all.into_iter().map(|measured| measured.row(devices)).collect();
    if arguments.json {
        report::print_json(&rows, &growth)?;
    } else {
        report::print_table(&rows);
        growth.print();
    }
    picture.map_or(Ok(()), |file| draw(&rows, &file))
}

/// What the arguments ask for, in order.
fn wanted(arguments: &Arguments) -> Any<Vec<Measured>> {
    let mut all = Measured::all();
    if u64::from(arguments.devices) + arguments.audit_events > INDEXED {
        eprintln!("no page with a history: of more than {INDEXED} events its index takes too long to fill");
        all.retain(|measured| !measured.has_history());
    }
    let filter = arguments.scenario.as_deref();
    let names = all.iter().map(|measured| measured.name).collect::<Vec<_>>().join(", ");
    let is_whole = all.iter().any(|measured| filter == Some(measured.name));
    all.retain(|measured| measured.wanted(filter, is_whole));
    if arguments.no_echo {
        all.retain(|measured| !measured.is_ceiling());
    }
    if all.is_empty() {
        return Err(format!("there is no such scenario; there are: {names}").into());
    }
    if arguments.svg.is_some() && !all.iter().any(|measured| measured.name == SINGLE) {
        return Err(format!("--svg shows {SINGLE:?}, which is not among the scenarios").into());
    }
    Ok(all)
}

fn draw(rows: &[Row], file: &Path) -> Any<()> {
    let mut found = rows.iter().filter_map(|row| row.rates.as_ref());
    let rates = found.next().ok_or("no rates were measured")?;
    fs::write(file, picture::svg(rates)).map_err(|error| format!("--svg {}: {error}", file.display()).into())
}

struct Round {
    shots: Shots,
    bare: Bare,
    disk: Disk,
    length: Duration,
    no_echo: bool,
    cold: bool,
    /// The rate and the mean batch of the last slice over HTTP.
    last: (f64, u64),
}

impl Round {
    fn new(arguments: &Arguments, dir: &Path, process: ServerProcess) -> Any<Self> {
        Ok(Self {
            shots: Shots::new(process, arguments.devices),
            bare: Bare::new(dir, arguments.devices)?,
            disk: Disk::new(dir)?,
            length: Duration::from_secs_f64(arguments.seconds / f64::from(ROUNDS)),
            no_echo: arguments.no_echo,
            cold: arguments.cold,
            last: (f64::NAN, 1),
        })
    }

    async fn all(&mut self, all: &mut [Measured]) -> Any<()> {
        let mut callers = Callers::connect(&self.shots).await?;
        // Code, caches and connections are warm before anything counts.
        self.echo(&mut callers).await?;
        callers.slice(&self.shots, Scenario::Single, self.length / 2).await?;
        if !self.cold {
            self.shots.process().warm_up()?;
            // It may take longer than the server keeps idle connections.
            callers.connect_anew().await?;
        }
        // What has a history comes first, before all others fill it: its index takes every event in.
        for has_history in [true, false] {
            for _ in 0..ROUNDS {
                for measured in all.iter_mut().filter(|measured| measured.has_history() == has_history) {
                    self.one(&mut callers, measured).await?;
                }
            }
        }
        if let (false, Some(single)) = (self.no_echo, all.iter_mut().find(|measured| measured.name == SINGLE)) {
            self.rates(&mut callers, single).await?;
        }
        Ok(())
    }

    /// The ceiling's rate; no number where there is none.
    async fn echo(&mut self, callers: &mut Callers) -> Any<f64> {
        if self.no_echo {
            return Ok(f64::NAN);
        }
        let slice = callers.slice(&self.shots, Scenario::Echo, self.length / 2).await?;
        Ok(slice.per_s())
    }

    async fn one(&mut self, callers: &mut Callers, measured: &mut Measured) -> Any<()> {
        let devices = self.shots.devices;
        match measured.subject {
            Subject::Http(scenario) => {
                callers
                    .prepare(&self.shots, scenario, scenario.connections(devices))
                    .await?
            }
            Subject::Page(scenario) => callers.prepare(&self.shots, scenario, 1).await?,
            _ => {}
        }
        let echo = self.echo(callers).await?;
        let before = self.shots.process().usage()?;
        let slice = self.slice(callers, measured).await?;
        let usage = self.shots.process().usage()? - before;
        match measured.subject {
            Subject::Bare => measured.ratios_to_bare.push(self.last.0 / slice.per_s()),
            _ => {
                self.last = (
                    slice.per_s(),
                    usage.events.checked_div(usage.commits).unwrap_or(1).max(1),
                )
            }
        }
        // Processor time is told where the server did these requests and no others.
        let usage = match measured.subject {
            Subject::Bare | Subject::Silence | Subject::Flood => Usage::default(),
            _ => usage,
        };
        measured.took_in(slice, echo, usage);
        Ok(())
    }

    async fn slice(&mut self, callers: &mut Callers, measured: &mut Measured) -> Any<Slice> {
        match measured.subject {
            Subject::Http(scenario) => callers.slice(&self.shots, scenario, self.length).await,
            Subject::Page(scenario) => callers.one_browser(&self.shots, scenario, self.length).await,
            Subject::Lone => {
                let (slice, appends_us) = lone::slice(callers, &self.shots, &mut self.disk, self.length).await?;
                measured.appends_us.extend(appends_us);
                Ok(slice)
            }
            Subject::Silence => {
                let (slice, strangers_us) = silence::slice(callers, &self.shots, self.length).await?;
                measured.strangers_us.extend(strangers_us);
                Ok(slice)
            }
            Subject::Bare => self.transactions(self.last.1),
            Subject::Flood => measured.flood.slice(callers, &self.shots, self.length).await,
        }
    }

    /// Half a scenario's time for each share.
    async fn rates(&mut self, callers: &mut Callers, single: &mut Measured) -> Any<()> {
        let mut rates = Rates::of(median(single.per_s.clone()), median(single.echo_per_s.clone()));
        for _ in 0..ROUNDS {
            let slice = rates.round(callers, &self.shots, self.length / 2).await?;
            single.count_errors(&slice);
        }
        single.rates = Some(rates.found());
        Ok(())
    }

    /// Of the bare database, with so many items each.
    fn transactions(&mut self, batch: u64) -> Any<Slice> {
        let mut slice = Slice::default();
        let begun = Instant::now();
        while begun.elapsed() < self.length {
            let transaction_begun = Instant::now();
            self.bare.transaction(batch)?;
            slice.items += batch;
            slice.latencies_us.push(transaction_begun.elapsed().as_micros() as u32);
        }
        slice.took = begun.elapsed();
        Ok(slice)
    }
}
