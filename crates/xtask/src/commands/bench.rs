use std::process::ExitCode;

use crate::{machine, report::Report};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only the benchmarks whose name contains this
    filter: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let mut report = Report::new("cargo xtask bench");
    report.part("benchmarks", || {
        let mut cargo = machine::cargo_verbose();
        cargo
            .args(["bench", "--workspace", "--benches", "--"])
            .args(&arguments.filter);
        machine::run(&mut cargo)
    });
    report.finish()
}
