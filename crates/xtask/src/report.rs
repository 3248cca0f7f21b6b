//! The report of what a command did, part by part: told as it goes and summed up at the end, both on stderr, so that stdout
//! holds only what cargo itself prints.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

/// A note for the summary, or what is wrong and what to do about it.
pub(crate) type Outcome = Result<String, String>;

pub(crate) struct Report {
    command: &'static str,
    parts: Vec<Part>,
}

struct Part {
    name: &'static str,
    took: Duration,
    outcome: Outcome,
}

impl Report {
    pub(crate) fn new(command: &'static str) -> Self {
        Self {
            command,
            parts: Vec::new(),
        }
    }

    /// Does one part of the command; false when it failed, which does not keep the other parts from running.
    pub(crate) fn part(&mut self, name: &'static str, work: impl FnOnce() -> Outcome) -> bool {
        eprintln!("== {name}");
        let start = Instant::now();
        let outcome = work();
        if let Err(wrong) = &outcome {
            eprintln!("FAILED {name}: {wrong}");
        }
        let succeeded = outcome.is_ok();
        self.parts.push(Part {
            name,
            took: start.elapsed(),
            outcome,
        });
        succeeded
    }

    /// Prints the summary; the exit code says whether every part succeeded.
    pub(crate) fn finish(self) -> ExitCode {
        eprintln!("\n{}", self.command);
        for Part { name, took, outcome } in &self.parts {
            let (verdict, note) = match outcome {
                Ok(note) => ("ok", note),
                Err(wrong) => ("FAILED", wrong),
            };
            eprintln!("  {verdict:6}  {name:18} {:7.1} s  {note}", took.as_secs_f64());
        }
        if self.parts.iter().all(|part| part.outcome.is_ok()) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}
