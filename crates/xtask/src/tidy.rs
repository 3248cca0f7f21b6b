//! Checks of what no compiler looks at: the text of the tree.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::report::Outcome;

/// The only place that `Cargo.lock` may name.
const CRATES_IO: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";

/// Directories that every machine has; naming them gives nothing away.
const COMMON: [&str; 8] = ["/", "/home", "/media", "/mnt", "/opt", "/root", "/srv", "/tmp"];

/// Looks at every text file below `root`: none names a directory of the machine it was written on, and every
/// dependency comes from crates.io.
pub(crate) fn check(root: &Path) -> Outcome {
    let private = private_directories(root);
    let mut seen = 0;
    let mut wrong = Vec::new();
    for path in files(root).map_err(|error| format!("the tree could not be read: {error}"))? {
        let Ok(text) = fs::read_to_string(&path) else { continue }; // not text
        seen += 1;
        let lock = path.file_name().is_some_and(|name| name == "Cargo.lock");
        let path = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(directory) = private.iter().find(|directory| names_path(line, directory)) {
                wrong.push(format!(
                    "{path}:{number}: names {directory}, a directory of this machine"
                ));
            }
            if lock && line.starts_with("source = ") && line != CRATES_IO {
                wrong.push(format!(
                    "{path}:{number}: a dependency that is not from crates.io: {line}"
                ));
            }
        }
    }
    if wrong.is_empty() {
        Ok(format!("{seen} files"))
    } else {
        Err(wrong.join("\n"))
    }
}

/// The directories above the root that only this machine has, nearest first.
fn private_directories(root: &Path) -> Vec<String> {
    let above = root.ancestors().skip(1).filter_map(Path::to_str);
    above
        .filter(|directory| !COMMON.contains(directory))
        .map(str::to_owned)
        .collect()
}

/// Whether a line names this directory or something below it: `/a/b` is named by `"/a/b/c"`, not by `x/a/b` or `/a/bc`.
fn names_path(line: &str, directory: &str) -> bool {
    line.match_indices(directory).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + directory.len()..].chars().next();
        let starts = !before.is_some_and(|c| c.is_alphanumeric() || "_-./~})>".contains(c));
        starts && after == Some('/')
    })
}

/// Every file below a directory but what git and cargo made.
pub(crate) fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name() == ".git" {
            continue; // in a worktree it is a file, which names the place of the others
        }
        if entry.file_type()?.is_dir() {
            if entry.file_name() != "target" {
                found.extend(files(&entry.path())?);
            }
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_named_only_as_a_whole() {
        assert!(names_path("see /data/notes.md", "/data"));
        assert!(names_path("\"/data/notes.md\"", "/data"));
        for harmless in [
            "--data-dir /data",
            "/var/data/x",
            "$HOME/data/x",
            "{dir}/data/x",
            "/database/x",
            "https://a/data/",
        ] {
            assert!(!names_path(harmless, "/data"), "{harmless}");
        }
    }

    #[test]
    fn only_private_directories_are_looked_for() {
        assert_eq!(
            private_directories(Path::new("/home/ada/src/countersign")),
            ["/home/ada/src", "/home/ada"]
        );
        assert_eq!(private_directories(Path::new("/data/countersign")), ["/data"]);
        assert!(private_directories(Path::new("/countersign")).is_empty());
    }

    #[test]
    fn a_stray_path_and_a_foreign_source_are_found() {
        let tree = tempfile::tempdir().unwrap();
        let root = tree.path().join("private/root");
        fs::create_dir_all(root.join("target")).unwrap();
        let stray = format!("{}/private/notes.md", tree.path().display());
        fs::write(root.join("target/ignored"), &stray).unwrap();
        fs::write(root.join("Cargo.lock"), format!("{CRATES_IO}\n")).unwrap();
        assert_eq!(check(&root).unwrap(), "1 files");

        fs::write(root.join("README.md"), &stray).unwrap();
        fs::write(root.join("Cargo.lock"), "source = \"git+https://example.org/x\"\n").unwrap();
        let wrong = check(&root).unwrap_err();
        assert!(
            wrong.contains("README.md:1: names") && wrong.contains("Cargo.lock:1: a dependency"),
            "{wrong}"
        );
    }
}
