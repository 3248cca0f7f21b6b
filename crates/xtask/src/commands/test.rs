use std::process::ExitCode;

use crate::{benchmarks, firmware, machine, packages, python, report::Report};

/// Several times what they take on two slow cores.
const RUN_MINUTES: u32 = 35;

pub(crate) fn run() -> ExitCode {
    let mut report = Report::new("cargo xtask test");
    if report.part("tools", packages::ensure_test_tools) && report.part("judges in Python", python::ensure_judges) {
        report.part("firmware", firmware::build);
        report.part("firmware's tests", firmware::test);
        // Two calls, so that the time to build and the time to run are told apart.
        if report.part("tests, built", || {
            machine::run(machine::cargo().args([
                "test",
                "--workspace",
                "--features",
                packages::TESTED_FEATURES,
                "--no-run",
            ]))
        }) {
            report.part("benchmarks, small", benchmarks::try_all);
            report.part("tests, run", || {
                machine::run(machine::cargo_within_minutes(RUN_MINUTES).args([
                    "test",
                    "--workspace",
                    "--features",
                    packages::TESTED_FEATURES,
                    "--no-fail-fast",
                ]))
            });
        }
    }
    report.finish()
}
