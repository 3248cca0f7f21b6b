use std::{env, path::PathBuf, process::ExitCode};

use crate::{benchmarks, machine, report::Report};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// One JSON object a line instead of a table
    #[arg(long)]
    json: bool,
    /// Bound devices in the store [default: 10000]
    #[arg(long, value_name = "N")]
    devices: Option<u32>,
    /// Measured seconds of each scenario [default: 5]
    #[arg(long, value_name = "S")]
    seconds: Option<f64>,
    /// Only the scenario of this name, or those whose name contains this, with what they are held against
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
    /// Nothing that scenarios are held against, so that a profile of the server shows them alone; its process id is told
    #[arg(long)]
    no_echo: bool,
    /// Measures at once, not only when the server has read everybody's row, which takes half a minute for a million
    #[arg(long)]
    cold: bool,
    /// Draw the latencies of `http single` and of the echo at shares of their capacity into this file
    #[arg(long, value_name = "FILE", conflicts_with = "no_echo")]
    svg: Option<PathBuf>,
    /// Further events in the trail, about 350 bytes each [default: 0]
    #[arg(long, value_name = "N")]
    audit_events: Option<u64>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let mut report = Report::new("cargo xtask load");
    report.part("load", || {
        let mut cargo = benchmarks::load();
        cargo.args(arguments.json.then_some("--json"));
        cargo.args(arguments.no_echo.then_some("--no-echo"));
        cargo.args(arguments.cold.then_some("--cold"));
        let mut value = |name: &str, value: Option<String>| {
            cargo.args(value.map(|value| format!("{name}={value}")));
        };
        value("--devices", arguments.devices.map(|devices| devices.to_string()));
        value("--seconds", arguments.seconds.map(|seconds| seconds.to_string()));
        value("--scenario", arguments.scenario.clone());
        value(
            "--audit-events",
            arguments.audit_events.map(|events| events.to_string()),
        );
        if let Some(file) = &arguments.svg {
            // From where the developer is: cargo runs benchmarks at the root.
            let here = env::current_dir().map_err(|error| error.to_string())?;
            cargo.arg("--svg").arg(here.join(file));
        }
        machine::run(&mut cargo)
    });
    report.finish()
}
