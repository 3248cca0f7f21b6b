use std::process::ExitCode;

use crate::{benchmarks, machine, report::Report};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only this program of benchmarks (`check`, `contention`, `decision`, `session`, `verification`), or what has this in its name
    filter: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let mut report = Report::new("cargo xtask bench");
    report.part("benchmarks", || {
        let mut cargo = machine::cargo_verbose();
        cargo.args(["bench", "--workspace"]);
        let mut programs = benchmarks::of_criterion()?;
        let mut filter = arguments.filter.as_ref();
        if let Some(program) = filter.filter(|filter| programs.contains(filter)) {
            programs = vec![program.clone()];
            filter = None;
        }
        cargo.args(programs.iter().flat_map(|name| ["--bench", name]));
        cargo.arg("--").args(filter);
        machine::run(&mut cargo)
    });
    report.finish()
}
