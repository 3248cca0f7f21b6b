use std::{env, ffi::OsString, process::ExitCode};

use crate::{benchmarks, machine, report::Report};

/// The benchmark's own, which says what they are.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// `cargo xtask load --help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    arguments: Vec<OsString>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let mut report = Report::new("cargo xtask load");
    report.part("load", || {
        // Cargo runs benchmarks at the root, wherever the developer is.
        let here = env::current_dir().map_err(|error| error.to_string())?;
        let mut cargo = benchmarks::load();
        machine::run(cargo.arg("--here").arg(here).args(&arguments.arguments))
    });
    report.finish()
}
