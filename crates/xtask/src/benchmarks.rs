//! The benchmarks: those of criterion, which all take the same arguments, and those with arguments of their own.

use std::process::Command;

use serde_json::Value;

use crate::{machine, packages, report::Outcome, workspaces};

/// One that is run only when it is named.
struct Special {
    name: &'static str,
    /// So that it takes a moment, whatever the figures are then worth.
    small: &'static [&'static str],
    /// Reads what it printed.
    reads: fn(&str) -> Outcome,
}

const SPECIAL: [Special; 2] = [
    Special {
        name: "load",
        small: &["--json", "--devices=1000", "--seconds=0.2"],
        reads: load_figures,
    },
    Special {
        name: "find",
        small: &["2000"],
        reads: find_figures,
    },
];

/// A workspace of its own, with a program.
const TRIAL: &str = "benches/trial/Cargo.toml";
const SMALL_TRIAL: [&str; 5] = ["devices=1000", "warm=1000", "batch=1,64", "items=50,2000", "rounds=1"];

/// The names of criterion's.
pub(crate) fn of_criterion() -> Result<Vec<String>, String> {
    let mut names = workspaces::root()?.targets("bench");
    names.retain(|name| SPECIAL.iter().all(|special| special.name != name));
    Ok(names)
}

/// Runs every benchmark for a moment, as the tests are built, and reads what it prints.
pub(crate) fn try_all() -> Outcome {
    // The features of the tests, so that what the tests were built of is there.
    let mut cargo = tested();
    cargo.args(of_criterion()?.iter().flat_map(|name| ["--bench", name]));
    machine::run(cargo.args(["--", "--test"]))?;
    let mut notes = Vec::new();
    for Special { name, small, reads } in SPECIAL {
        let printed = machine::output(tested().args(["--bench", name, "--"]).args(small))?;
        let note = reads(&printed).map_err(|wrong| format!("{name}: {wrong}\n{printed}"))?;
        notes.push(format!("{name}: {note}"));
    }
    let mut trial = machine::cargo();
    trial.args([
        "run",
        "--manifest-path",
        TRIAL,
        "--target-dir",
        workspaces::TARGET_DIR,
        "--",
    ]);
    machine::output(trial.args(SMALL_TRIAL))?;
    Ok(notes.join("; "))
}

fn tested() -> Command {
    let mut cargo = machine::cargo();
    cargo.args(["test", "--workspace", "--features", packages::TESTED_FEATURES]);
    cargo
}

/// Every scenario has its figures, and none had a wrong answer.
fn load_figures(printed: &str) -> Outcome {
    let mut scenarios = 0;
    for line in printed.lines() {
        let row: Value = serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
        let name = row["name"].as_str().ok_or_else(|| format!("no name: {line}"))?;
        for figure in ["requests_per_s", "echo_requests_per_s", "ratio", "p50_ms", "p99_ms"] {
            if !row[figure].as_f64().is_some_and(|figure| figure > 0.0) {
                return Err(format!("{name}: {figure} is {}", row[figure]));
            }
        }
        if row["errors"] != 0 {
            return Err(format!("{name}: errors: {}", row["errors"]));
        }
        scenarios += 1;
    }
    if scenarios == 0 {
        return Err("no scenario".into());
    }
    Ok(format!("{scenarios} scenarios"))
}

/// The last line is the answer.
fn find_figures(printed: &str) -> Outcome {
    let last = printed.lines().last().unwrap_or_default();
    if last.starts_with("one question: ") {
        Ok("answered".into())
    } else {
        Err("no answer".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_that_are_missing_or_wrong_are_named() {
        let row = |echo: &str, errors: u32| {
            format!(
                r#"{{"name":"lone","requests_per_s":1.0,"echo_requests_per_s":{echo},"ratio":0.5,"p50_ms":1.0,"p99_ms":2.0,"errors":{errors}}}"#
            )
        };
        assert_eq!(load_figures(&row("2.0", 0)).unwrap(), "1 scenarios");
        assert_eq!(
            load_figures(&row("null", 0)).unwrap_err(),
            "lone: echo_requests_per_s is null"
        );
        assert_eq!(
            load_figures(&row("0.0", 0)).unwrap_err(),
            "lone: echo_requests_per_s is 0.0"
        );
        assert_eq!(load_figures(&row("2.0", 1)).unwrap_err(), "lone: errors: 1");
        assert_eq!(load_figures("").unwrap_err(), "no scenario");
        assert!(load_figures("a table").is_err());
    }

    #[test]
    fn every_special_one_is_there() {
        let all = workspaces::root().unwrap().targets("bench");
        for special in SPECIAL {
            assert!(all.iter().any(|name| name == special.name), "{} is gone", special.name);
        }
    }
}
