//! Judges that Debian has no packages of: Python programs in an environment of their own below `target`.

use std::{fs, path::Path, process::Command};

use crate::{machine, report::Outcome};

/// Every file by its version and hash, so that nobody else's is installed.
const REQUIREMENTS: &str = "tests/python/requirements.txt";
const ENVIRONMENT: &str = "target/python";

/// Sees to it that the tests find the programs of the requirements, as these stand now.
pub(crate) fn ensure_judges() -> Outcome {
    let root = machine::root();
    let environment = root.join(ENVIRONMENT);
    let wanted = fs::read_to_string(root.join(REQUIREMENTS)).map_err(|error| format!("{REQUIREMENTS}: {error}"))?;
    // Written last: an environment without it was not finished.
    let installed = environment.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(ENVIRONMENT.into());
    }
    eprintln!("   pip install -r {REQUIREMENTS}");
    make(&environment)?;
    let mut pip = pip(&environment);
    let asked = ["install", "--quiet", "--require-hashes", "--only-binary=:all:", "-r"];
    machine::output(pip.args(asked).arg(root.join(REQUIREMENTS))).map_err(|error| {
        format!("{error}\nthe tests judge the contract by Python programs, which pip could not get: is its registry in reach?")
    })?;
    fs::write(&installed, wanted).map_err(|error| format!("{}: {error}", installed.display()))?;
    Ok(format!("installed {REQUIREMENTS}"))
}

/// Debian's Python by its path: another one may come first.
fn make(environment: &Path) -> Outcome {
    let mut python = Command::new("/usr/bin/python3");
    machine::output(python.args(["-m", "venv", "--clear", "--without-pip"]).arg(environment))
}

fn pip(environment: &Path) -> Command {
    let mut pip = Command::new("/usr/bin/python3");
    pip.args(["-m", "pip", "--disable-pip-version-check", "--python"]);
    pip.arg(environment.join("bin/python"));
    pip
}
