use std::process::ExitCode;

use crate::{benchmarks, machine, packages, report::Report};

/// Variables that the long tests read. A test that has no short form is `#[ignore = "soak: …"]`.
const FULL_COUNTS: [(&str, &str); 3] = [
    ("COUNTERSIGN_SOAK", "1"),
    ("COUNTERSIGN_FUZZ_INPUTS", "5000000"),
    ("PROPTEST_CASES", "20000"),
];

pub(crate) fn run() -> ExitCode {
    let mut report = Report::new("cargo xtask soak");
    if report.part("tools", packages::ensure_test_tools) {
        report.part("tests, full counts", || {
            // The profile `soak` is `release` with its assertions and overflow checks on. Documentation's examples have
            // no full count, and `--include-ignored` would run those marked `ignore`.
            let mut cargo = machine::cargo_verbose();
            cargo.args(["test", "--workspace", "--lib", "--bins", "--tests"]);
            cargo.args(["--features", packages::TESTED_FEATURES]);
            cargo.args(["--no-fail-fast", "--profile", "soak"]).envs(FULL_COUNTS);
            machine::run(cargo.args(["--", "--include-ignored"]))
        });
        report.part("growth", benchmarks::grow);
    }
    report.finish()
}
