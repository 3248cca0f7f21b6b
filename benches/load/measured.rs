//! What is measured, and what came of it so far.

use crate::{
    flood::Flood,
    pages, rates,
    report::{Row, load_average, median, percentile_ms},
    scenario::{Scenario, Slice},
    server_process::Usage,
};

/// One right and fresh code a request: the others are held against it.
pub(crate) const SINGLE: &str = "http single";

/// What is measured, by name.
pub(crate) enum Subject {
    Http(Scenario),
    /// One browser and nobody beside it.
    Page(Scenario),
    Lone,
    Silence,
    Bare,
    Flood,
}

/// A subject and what came of it so far.
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    pub(crate) subject: Subject,
    pub(crate) per_s: Vec<f64>,
    pub(crate) echo_per_s: Vec<f64>,
    pub(crate) ratios: Vec<f64>,
    pub(crate) ratios_to_bare: Vec<f64>,
    pub(crate) latencies_us: Vec<u32>,
    pub(crate) appends_us: Vec<u32>,
    pub(crate) strangers_us: Vec<u32>,
    pub(crate) items: u64,
    pub(crate) errors: u64,
    pub(crate) usage: Usage,
    /// Of `http single` alone.
    pub(crate) rates: Option<rates::Found>,
    pub(crate) flood: Flood,
}

impl Measured {
    fn new(name: &'static str, subject: Subject) -> Self {
        Self {
            name,
            subject,
            per_s: Vec::new(),
            echo_per_s: Vec::new(),
            ratios: Vec::new(),
            ratios_to_bare: Vec::new(),
            latencies_us: Vec::new(),
            appends_us: Vec::new(),
            strangers_us: Vec::new(),
            items: 0,
            errors: 0,
            usage: Usage::default(),
            rates: None,
            flood: Flood::default(),
        }
    }

    /// In this order; the bare database has its turn just after what is held against it.
    pub(crate) fn all() -> Vec<Self> {
        let page = |name, paths| Self::new(name, Subject::Page(Scenario::Pages(paths)));
        vec![
            Self::new("echo", Subject::Http(Scenario::Echo)),
            Self::new(SINGLE, Subject::Http(Scenario::Single)),
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
            Self::new("mixed", Subject::Http(Scenario::Mixed)),
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
            // Last, for the users that it floods are locked from then on.
            Self::new("flood", Subject::Flood),
        ]
    }

    pub(crate) fn has_history(&self) -> bool {
        matches!(self.subject, Subject::Page(Scenario::Pages(paths)) if pages::has_history(paths))
    }

    /// Nothing by itself: others are held against it.
    pub(crate) fn is_ceiling(&self) -> bool {
        matches!(self.subject, Subject::Bare | Subject::Http(Scenario::Echo))
    }

    /// By its name: where the filter is a whole name, that one alone.
    pub(crate) fn wanted(&self, filter: Option<&str>, is_whole: bool) -> bool {
        let name = match self.subject {
            // Held against them, and nothing by itself.
            Subject::Bare => SINGLE,
            _ => self.name,
        };
        filter.is_none_or(|part| if is_whole { name == part } else { name.contains(part) })
    }

    pub(crate) fn took_in(&mut self, slice: Slice, echo: f64, usage: Usage) {
        self.per_s.push(slice.per_s());
        self.echo_per_s.push(echo);
        self.ratios.push(slice.per_s() / echo);
        self.items += slice.items;
        self.usage += usage;
        self.count_errors(&slice);
        self.latencies_us.extend(slice.latencies_us);
    }

    /// The first of them is told.
    pub(crate) fn count_errors(&mut self, slice: &Slice) {
        if let (0, Some(error)) = (self.errors, &slice.first_error) {
            eprintln!("{}: the first wrong answer: {error}", self.name);
        }
        self.errors += slice.errors;
    }

    pub(crate) fn row(mut self, devices: u32) -> Row {
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
            requests_per_s: median(self.per_s).round(),
            echo_requests_per_s: median(self.echo_per_s).round(),
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
            rates: self.rates,
            flood: self.flood.found(),
            devices,
            load_average: load_average(),
        }
    }
}
