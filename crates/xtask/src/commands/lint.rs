use std::process::{Command, ExitCode};

use crate::{
    machine,
    report::Report,
    tidy,
    workspaces::{self, Workspace},
};

pub(crate) fn run() -> ExitCode {
    let mut report = Report::new("cargo xtask lint");
    report.part("tidy tree", || tidy::check(&machine::root()));
    report.part("cargo fmt", || {
        component("fmt", "rustfmt")?;
        each_workspace(|workspace| {
            machine::run(machine::cargo().args(["fmt", "--all", "--check", "--manifest-path", &workspace.manifest]))?;
            Ok(())
        })
    });
    report.part("cargo clippy", || {
        component("clippy", "clippy")?;
        each_workspace(clippy)
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

fn each_workspace(check: impl Fn(&Workspace) -> Result<(), String>) -> Result<String, String> {
    let all = workspaces::all()?;
    all.iter().try_for_each(check)?;
    let manifests: Vec<_> = all.iter().map(|workspace| &*workspace.manifest).collect();
    Ok(manifests.join(", "))
}

/// Every target, and by name what `--all-targets` leaves out: benchmarks and tests that run only when they are named.
///
/// Clippy has no `core` of the boards' processors where rustup's servers are out of reach; the boards are checked as if
/// they were for this machine, which compiles all but the processor's instructions.
fn clippy(workspace: &Workspace) -> Result<(), String> {
    machine::run(of(workspace).arg("--all-targets").args(["--", "-D", "warnings"]))?;
    let mut named = of(workspace);
    let mut any = false;
    for kind in ["bench", "test"] {
        for name in workspace.targets(kind) {
            named.args([format!("--{kind}"), name]);
            any = true;
        }
    }
    if any {
        machine::run(named.args(["--", "-D", "warnings"]))?;
    }
    Ok(())
}

fn of(workspace: &Workspace) -> Command {
    let mut cargo = machine::cargo();
    cargo.args([
        "clippy",
        "--workspace",
        "--all-features",
        "--manifest-path",
        &workspace.manifest,
    ]);
    if workspace.manifest != "Cargo.toml" {
        cargo.args(["--target-dir", workspaces::TARGET_DIR]);
    }
    // The fuzzer is built of C++, for which there may be no compiler: nothing is linked here, so another's will do.
    cargo.env("CUSTOM_LIBFUZZER_PATH", "target/libfuzzer.a");
    cargo
}

fn component(subcommand: &str, component: &str) -> Result<(), String> {
    match machine::output(machine::cargo().args([subcommand, "--version"])) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!(
            "cargo {subcommand} is missing: run `rustup component add {component}`"
        )),
    }
}
