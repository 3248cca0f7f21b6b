use std::process::ExitCode;

use crate::{firmware, machine, report::Report, tidy};

/// Workspaces of their own, which `cargo fmt --all` does not reach.
const OTHER_WORKSPACES: [&str; 2] = [firmware::MANIFEST, "tests/fuzz/Cargo.toml"];

pub(crate) fn run() -> ExitCode {
    let mut report = Report::new("cargo xtask lint");
    report.part("tidy tree", || tidy::check(&machine::root()));
    report.part("cargo fmt", || {
        component("fmt", "rustfmt")?;
        machine::run(machine::cargo().args(["fmt", "--all", "--check"]))?;
        for manifest in OTHER_WORKSPACES {
            machine::run(machine::cargo().args(["fmt", "--all", "--check", "--manifest-path", manifest]))?;
        }
        Ok("all workspaces".into())
    });
    report.part("cargo clippy", || {
        component("clippy", "clippy")?;
        machine::run(machine::cargo().args([
            "clippy",
            "--workspace",
            "--all-features",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]))?;
        firmware::clippy()
    });
    report.part("cargo doc", || {
        machine::run(
            machine::cargo()
                .args(["doc", "--workspace", "--all-features", "--no-deps"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        )
    });
    report.finish()
}

fn component(subcommand: &str, component: &str) -> Result<(), String> {
    match machine::output(machine::cargo().args([subcommand, "--version"])) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!(
            "cargo {subcommand} is missing: run `rustup component add {component}`"
        )),
    }
}
