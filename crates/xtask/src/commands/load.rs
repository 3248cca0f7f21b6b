use std::process::ExitCode;

use crate::{machine, report::Report};

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
    /// Only the scenarios whose name contains this, with what they are held against
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let mut report = Report::new("cargo xtask load");
    report.part("load", || {
        let mut cargo = machine::cargo();
        cargo.args(["bench", "--package", "countersign", "--bench", "load", "--"]);
        cargo.args(arguments.json.then_some("--json"));
        let mut value = |name: &str, value: Option<String>| {
            cargo.args(value.map(|value| format!("{name}={value}")));
        };
        value("--devices", arguments.devices.map(|devices| devices.to_string()));
        value("--seconds", arguments.seconds.map(|seconds| seconds.to_string()));
        value("--scenario", arguments.scenario.clone());
        machine::run(&mut cargo)
    });
    report.finish()
}
