//! The rounds: every scenario has its turn in each, with its ceiling just before it.

use std::{
    env,
    time::{Duration, Instant},
};

use crate::{
    Any, Arguments,
    bare::Bare,
    callers::Callers,
    disk::Disk,
    lone, pages,
    report::{self, Row, load_average, median, percentile_ms},
    scenario::{Scenario, Shots, Slice},
    server_process::{ServerProcess, Usage},
    silence,
};

/// Rounds of which the medians are told.
const ROUNDS: u32 = 5;

/// What is measured, by name.
enum Subject {
    Http(Scenario),
    /// One browser and nobody beside it.
    Page(Scenario),
    Lone,
    Silence,
    Bare,
}

/// Devices whose bindings the history's index has within seconds: it leaves the writer to others most of the time.
const INDEXED: u32 = 20_000;

/// A subject and what came of it so far.
struct Measured {
    name: &'static str,
    subject: Subject,
    rates: Vec<f64>,
    echo_rates: Vec<f64>,
    ratios: Vec<f64>,
    ratios_to_bare: Vec<f64>,
    latencies_us: Vec<u32>,
    appends_us: Vec<u32>,
    strangers_us: Vec<u32>,
    items: u64,
    errors: u64,
    usage: Usage,
}

impl Measured {
    fn new(name: &'static str, subject: Subject) -> Self {
        Self {
            name,
            subject,
            rates: Vec::new(),
            echo_rates: Vec::new(),
            ratios: Vec::new(),
            ratios_to_bare: Vec::new(),
            latencies_us: Vec::new(),
            appends_us: Vec::new(),
            strangers_us: Vec::new(),
            items: 0,
            errors: 0,
            usage: Usage::default(),
        }
    }

    /// In this order; the bare database has its turn just after what is held against it.
    fn all() -> Vec<Self> {
        let page = |name, paths| Self::new(name, Subject::Page(Scenario::Pages(paths)));
        vec![
            Self::new("echo", Subject::Http(Scenario::Echo)),
            Self::new("http single", Subject::Http(Scenario::Single)),
            Self::new("bare batched update", Subject::Bare),
            Self::new("http counter", Subject::Http(Scenario::Counter)),
            Self::new("http single wrong", Subject::Http(Scenario::Wrong)),
            Self::new("http locked", Subject::Http(Scenario::Locked)),
            Self::new("http batch 256", Subject::Http(Scenario::Batch(256))),
            Self::new("http batch 1024", Subject::Http(Scenario::Batch(1_024))),
            Self::new("http batch 4096", Subject::Http(Scenario::Batch(4_096))),
            Self::new("session check", Subject::Http(Scenario::SessionCheck)),
            Self::new("challenge allow", Subject::Http(Scenario::ChallengeAllow)),
            Self::new("challenge answer", Subject::Http(Scenario::ChallengeAnswer)),
            Self::new("pages", Subject::Http(Scenario::Pages(pages::MIXED))),
            page("page security", &["/pages/security"]),
            page("page protection", &["/pages/protection"]),
            page("page sessions", &["/pages/sessions"]),
            page("page bind", &[pages::BIND]),
            page("page prompt", &[pages::PROMPT]),
            page("page history", &[pages::HISTORY]),
            page("page staff user", &[pages::STAFF_USER]),
            page("page staff tokens", &["/staff/tokens"]),
            page("page staff lots", &["/staff/lots"]),
            page("page staff lot", &[pages::STAFF_LOT]),
            page("page staff trail", &["/staff/trail"]),
            page("page staff today", &["/staff/today"]),
            Self::new("lone", Subject::Lone),
            Self::new("lone wrong", Subject::Silence),
        ]
    }

    fn has_history(&self) -> bool {
        matches!(self.subject, Subject::Page(Scenario::Pages(paths)) if pages::has_history(paths))
    }

    fn wanted(&self, filter: Option<&str>) -> bool {
        let name = match self.subject {
            // Held against them, and nothing by itself.
            Subject::Bare => "http single",
            _ => self.name,
        };
        filter.is_none_or(|part| name.contains(part))
    }

    fn took_in(&mut self, slice: Slice, echo: f64, usage: Usage) {
        self.rates.push(slice.per_s());
        self.echo_rates.push(echo);
        self.ratios.push(slice.per_s() / echo);
        self.items += slice.items;
        self.errors += slice.errors;
        self.usage += usage;
        if let (true, Some(error)) = (self.errors == slice.errors, &slice.first_error) {
            eprintln!("{}: the first wrong answer: {error}", self.name);
        }
        self.latencies_us.extend(slice.latencies_us);
    }

    fn row(mut self, devices: u32) -> Row {
        let Usage {
            cpu_us,
            commits,
            events,
            commit_us,
            load_us,
        } = self.usage;
        let of_commits = |what: u64| (commits > 0).then(|| what as f64 / commits as f64);
        Row {
            name: self.name.into(),
            requests_per_s: median(self.rates).round(),
            echo_requests_per_s: median(self.echo_rates).round(),
            ratio: median(self.ratios),
            ratio_to_bare: (!self.ratios_to_bare.is_empty()).then(|| median(self.ratios_to_bare)),
            p50_ms: percentile_ms(&mut self.latencies_us, 50),
            p99_ms: percentile_ms(&mut self.latencies_us, 99),
            errors: self.errors,
            cpu_us_per_request: (cpu_us > 0).then(|| cpu_us as f64 / self.items as f64),
            batch: of_commits(events),
            commit_ms: of_commits(commit_us).map(|us| us / 1_000.0),
            load_ms: of_commits(load_us).map(|us| us / 1_000.0),
            fdatasync_p50_ms: (!self.appends_us.is_empty()).then(|| percentile_ms(&mut self.appends_us, 50)),
            nobody_p50_ms: (!self.strangers_us.is_empty()).then(|| percentile_ms(&mut self.strangers_us, 50)),
            devices,
            load_average: load_average(),
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Any<()> {
    let program = env::current_exe()?;
    let beside = program.parent().ok_or("this program lies nowhere")?;
    let dir = tempfile::Builder::new().prefix("load-").tempdir_in(beside)?;
    let server = dir.path().join("server");
    std::fs::create_dir(&server)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;

    let process = ServerProcess::start(&server, arguments.devices)?;
    eprintln!(
        "{} devices bound in {:.1} s",
        arguments.devices,
        process.filled_in.as_secs_f64()
    );
    let mut round = Round {
        shots: Shots::new(process, arguments.devices),
        bare: Bare::new(dir.path(), arguments.devices)?,
        disk: Disk::new(dir.path())?,
        length: Duration::from_secs_f64(arguments.seconds / f64::from(ROUNDS)),
        last: (f64::NAN, 1),
    };
    let mut all = Measured::all();
    if arguments.devices > INDEXED {
        eprintln!("no page with a history: of more than {INDEXED} devices its index takes too long to fill");
        all.retain(|measured| !measured.has_history());
    }
    all.retain(|measured| measured.wanted(arguments.scenario.as_deref()));
    runtime.block_on(round.all(&mut all))?;

    let rows: Vec<_> = all
        .into_iter()
        .map(|measured| measured.row(arguments.devices))
        .collect();
    if arguments.json {
        report::print_json(&rows)?;
    } else {
        report::print_table(&rows);
    }
    Ok(())
}

struct Round {
    shots: Shots,
    bare: Bare,
    disk: Disk,
    length: Duration,
    /// The rate and the mean batch of the last slice over HTTP.
    last: (f64, u64),
}

impl Round {
    async fn all(&mut self, all: &mut [Measured]) -> Any<()> {
        let mut callers = Callers::connect(&self.shots).await?;
        // Code, caches and connections are warm before anything counts.
        for scenario in [Scenario::Echo, Scenario::Single] {
            callers.slice(&self.shots, scenario, self.length / 2).await?;
        }
        for _ in 0..ROUNDS {
            for measured in &mut *all {
                self.one(&mut callers, measured).await?;
            }
        }
        Ok(())
    }

    async fn one(&mut self, callers: &mut Callers, measured: &mut Measured) -> Any<()> {
        let echo = callers
            .slice(&self.shots, Scenario::Echo, self.length / 2)
            .await?
            .per_s();
        let before = self.shots.process().usage()?;
        let slice = match measured.subject {
            Subject::Http(scenario) => callers.slice(&self.shots, scenario, self.length).await?,
            Subject::Page(scenario) => callers.one_browser(&self.shots, scenario, self.length).await?,
            Subject::Lone => {
                let (slice, appends_us) = lone::slice(callers, &self.shots, &mut self.disk, self.length).await?;
                measured.appends_us.extend(appends_us);
                slice
            }
            Subject::Silence => {
                let (slice, strangers_us) = silence::slice(callers, &self.shots, self.length).await?;
                measured.strangers_us.extend(strangers_us);
                slice
            }
            Subject::Bare => self.transactions(self.last.1)?,
        };
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
        let usage = if matches!(measured.subject, Subject::Bare | Subject::Silence) {
            Usage::default()
        } else {
            usage
        };
        measured.took_in(slice, echo, usage);
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
