//! Programs that we did not write.

use std::{io::ErrorKind, path::Path, process::Command};

/// What this program prints; it must be there and succeed.
#[track_caller]
pub(crate) fn output(program: &str, package: &str, args: &[&str]) -> String {
    let ended = match Command::new(program).args(args).output() {
        Ok(ended) => ended,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("{program} is missing: install the Debian package {package}")
        }
        Err(error) => panic!("{program} does not start: {error}"),
    };
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{program} {args:?}: {errors}");
    String::from_utf8(ended.stdout).expect("UTF-8").trim_end().to_owned()
}

/// What `sqlite3` answers about the database in this directory, without writing to it.
#[track_caller]
pub(crate) fn sqlite3(dir: &Path, sql: &str) -> String {
    let path = dir.join("countersign.sqlite");
    let path = path.to_str().expect("a path in UTF-8");
    output(
        "sqlite3",
        "sqlite3",
        &["-readonly", "-cmd", ".timeout 10000", path, sql],
    )
}
