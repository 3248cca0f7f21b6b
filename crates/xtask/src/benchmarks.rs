//! The benchmarks: those of criterion, which all take the same arguments, and those with arguments of their own.

use std::{fs, process::Command};

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
        small: &[
            "--json",
            "--devices=1000",
            "--seconds=0.1",
            "--audit-events=100",
            "--svg=target/load.svg",
        ],
        reads: load_figures_and_picture,
    },
    Special {
        name: "find",
        small: &["2000"],
        reads: find_figures,
    },
];

/// More devices than most services have, and the trail of years. The store takes some 20 GB beside the program.
const GROWN: [&str; 4] = [
    "--json",
    "--devices=2000000",
    "--audit-events=50000000",
    "--scenario=http single",
];

/// A workspace of its own, with a program.
const TRIAL: &str = "benches/trial/Cargo.toml";
const SMALL_TRIAL: [&str; 5] = ["devices=1000", "warm=1000", "batch=1,64", "items=50,2000", "rounds=1"];

/// `cargo xtask load`, before its arguments.
pub(crate) fn load() -> Command {
    let mut cargo = machine::cargo();
    cargo.args(["bench", "--package", "countersign", "--bench", "load", "--"]);
    cargo
}

/// Runs the load over a grown store; the note has its rate, and what it takes.
pub(crate) fn grow() -> Outcome {
    let printed = machine::output(load().args(GROWN))?;
    load_figures(&printed).map_err(|wrong| format!("{wrong}\n{printed}"))?;
    let (first, last) = (printed.lines().next(), printed.lines().last());
    let single: Value = serde_json::from_str(first.unwrap_or_default()).map_err(|error| error.to_string())?;
    let (rate, ratio) = (&single["requests_per_s"], &single["ratio"]);
    Ok(format!(
        "{rate} per s, {ratio} of the echo; {}",
        last.unwrap_or_default()
    ))
}

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
    let target = machine::root().join(workspaces::TARGET_DIR);
    fs::create_dir_all(&target).map_err(|error| format!("{}: {error}", target.display()))?;
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

/// What every scenario tells, and what some tell besides.
const FIGURES: [&str; 5] = ["requests_per_s", "echo_requests_per_s", "ratio", "p50_ms", "p99_ms"];
const FIGURES_OF: [(&str, &[&str]); 3] = [
    ("http single", &["p99_at_70_ms", "echo_p99_at_70_ms"]),
    ("flood", &["others_share", "fair_p99_ms", "flood_requests_per_s"]),
    (
        GROWTH,
        &[
            "start_up_s",
            "start_up_after_kill_s",
            "server_rss_bytes",
            "database_cache_bytes",
        ],
    ),
];
/// The last line, which is no scenario.
const GROWTH: &str = "growth";
/// Of each curve of the picture.
const SHARES: usize = 6;

/// Every scenario has its figures, and none had a wrong answer.
fn load_figures(printed: &str) -> Outcome {
    let mut scenarios = 0;
    for line in printed.lines() {
        let row: Value = serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
        let name = row["name"].as_str().ok_or_else(|| format!("no name: {line}"))?;
        let is_scenario = name != GROWTH;
        let besides = FIGURES_OF.iter().filter(|(of, _)| *of == name);
        let besides = besides.flat_map(|(_, figures)| figures.iter());
        for figure in FIGURES.iter().filter(|_| is_scenario).chain(besides) {
            if !row[figure].as_f64().is_some_and(|figure| figure > 0.0) {
                return Err(format!("{name}: {figure} is {}", row[figure]));
            }
        }
        if is_scenario && row["errors"] != 0 {
            return Err(format!("{name}: errors: {}", row["errors"]));
        }
        scenarios += usize::from(is_scenario);
    }
    if scenarios == 0 {
        return Err("no scenario".into());
    }
    Ok(format!("{scenarios} scenarios"))
}

/// The same, and the picture has a point for each share of both percentiles of both curves.
fn load_figures_and_picture(printed: &str) -> Outcome {
    let note = load_figures(printed)?;
    let file = machine::root().join(workspaces::TARGET_DIR).join("load.svg");
    let picture = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    match (picture.matches("<circle").count(), picture.contains("NaN")) {
        (points, false) if points == 2 * 2 * SHARES => Ok(note),
        (points, _) => Err(format!("{}: {points} points", file.display())),
    }
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
        let single = row("2.0", 0).replace("lone", "http single");
        assert_eq!(load_figures(&single).unwrap_err(), "http single: p99_at_70_ms is null");
        let growth = r#"{"name":"growth","start_up_s":1.0,"start_up_after_kill_s":0.0}"#;
        assert_eq!(
            load_figures(growth).unwrap_err(),
            "growth: start_up_after_kill_s is 0.0"
        );
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
