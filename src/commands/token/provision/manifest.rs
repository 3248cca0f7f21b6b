//! The manifest of a batch, what became of each serial number: a line of JSON each, on disk before the next step.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{File, OpenOptions, TryLockError},
    io::Read as _,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::numbers::SerialNumber;
use crate::Failure;

/// The first line: what all tokens of the batch are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Batch {
    pub(super) first: String,
    pub(super) count: u64,
    pub(super) label: String,
    pub(super) algorithm: String,
    pub(super) digits: u8,
    pub(super) period_s: u16,
}

/// Any other line. There is no secret in it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) serial_number: String,
    pub(super) state: State,
    pub(super) at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) firmware_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) port: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) took_ms: Option<u64>,
}

/// The last word about a serial number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// Its token is sealed, and has the secret that is kept.
    Done,
    /// No token will have it.
    Void,
}

/// The manifest of a batch, held by one process.
pub(super) struct Manifest {
    file: File,
    path: PathBuf,
    /// Where the next line is written: a line that a full disk cut off is written over.
    end: u64,
    states: BTreeMap<String, State>,
}

impl Manifest {
    /// Opens the manifest, or begins one; the batch has to be the same.
    pub(super) fn open(path: &Path, batch: &Batch) -> Result<Self, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", path.display()));
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o644)
            .open(path)
            .map_err(|error| failed(&error))?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => failed(&"another process works on this batch").help("wait until it has ended"),
            TryLockError::Error(error) => failed(&error),
        })?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|error| failed(&error))?;
        // A line that a power cut left without its end was never relied on.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).map_err(|error| failed(&error))?;
        let mut lines = text[..whole].lines();
        let first = lines.next().map(serde_json::from_str::<Batch>).transpose();
        let mut manifest = Self {
            file,
            path: path.to_owned(),
            end: whole as u64,
            states: BTreeMap::new(),
        };
        match first.map_err(|error| failed(&unread(1, &error)).help("this file is no manifest of a batch"))? {
            None => {
                manifest.append(batch)?;
                // The new name is on disk only with its directory.
                let dir = path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all());
                dir.map_err(|error| failed(&error))?;
            }
            Some(begun) if begun != *batch => {
                return Err(Failure::usage(format!(
                    "the batch was begun otherwise: {}",
                    serde_json::to_string(&begun).map_err(Failure::new)?
                ))
                .help(
                    "give the same --serial, --count, --label and parameters, or name another directory with --batch",
                ));
            }
            Some(_) => {}
        }
        for (number, line) in lines.enumerate() {
            let line: Line = serde_json::from_str(line)
                .map_err(|error| failed(&unread(number + 2, &error)).help("somebody has changed it: mend the line"))?;
            manifest.states.insert(line.serial_number, line.state);
        }
        Ok(manifest)
    }

    pub(super) fn state(&self, serial_number: &str) -> Option<State> {
        self.states.get(serial_number).copied()
    }

    /// On disk when it returns.
    pub(super) fn record(&mut self, line: &Line) -> Result<(), Failure> {
        self.append(line)?;
        self.states.insert(line.serial_number.clone(), line.state);
        Ok(())
    }

    fn append(&mut self, line: &impl Serialize) -> Result<(), Failure> {
        let mut text = serde_json::to_string(line).map_err(Failure::new)?;
        text.push('\n');
        let end = self.end + text.len() as u64;
        let kept = self
            .file
            .write_all_at(text.as_bytes(), self.end)
            .and_then(|()| self.file.set_len(end))
            .and_then(|()| self.file.sync_data());
        kept.map(|()| self.end = end).map_err(|error| {
            Failure::new(format!("{}: {error}", self.path.display()))
                .help("make room on the disk and repeat the command: it goes on where it stopped")
        })
    }
}

/// The error of a line that cannot be read. serde's own words are not repeated, for they quote the line, whatever file this
/// is.
fn unread(line: usize, error: &serde_json::Error) -> String {
    format!(
        "line {line}, column {}: this is none of a manifest's lines",
        error.column()
    )
}

impl Batch {
    /// Every serial number of it, in order.
    pub(super) fn serial_numbers(&self) -> Result<Vec<String>, Failure> {
        let first: SerialNumber = self.first.parse().map_err(Failure::usage)?;
        let numbers: Option<Vec<_>> = (0..self.count)
            .map(|count| Some(first.plus(count)?.to_string()))
            .collect();
        let numbers = numbers.ok_or_else(|| {
            Failure::usage(format!("{} cannot be counted on {} times", self.first, self.count))
                .help("let the first serial number end in enough digits, such as CS-000001")
        })?;
        debug_assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len());
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn batch() -> Batch {
        Batch {
            first: "CS-000001".into(),
            count: 3,
            label: String::new(),
            algorithm: "SHA1".into(),
            digits: 6,
            period_s: 30,
        }
    }

    fn done(serial_number: &str) -> Line {
        Line {
            serial_number: serial_number.into(),
            state: State::Done,
            at: "2026-11-21T08:00:00.000Z".into(),
            firmware_version: Some("0.1.0".into()),
            port: None,
            took_ms: Some(1),
        }
    }

    #[test]
    fn what_was_recorded_is_there_wherever_the_file_is_cut() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("manifest.jsonl");
        let mut manifest = Manifest::open(&path, &batch()).unwrap();
        manifest.record(&done("CS-000001")).unwrap();
        let short = fs::read(&path).unwrap().len();
        manifest.record(&done("CS-000002")).unwrap();
        drop(manifest);
        let whole = fs::read(&path).unwrap();
        for len in 0..=whole.len() {
            fs::write(&path, &whole[..len]).unwrap();
            let manifest = Manifest::open(&path, &batch()).unwrap();
            assert_eq!(manifest.state("CS-000001").is_some(), len >= short, "{len}");
            assert_eq!(manifest.state("CS-000002").is_some(), len == whole.len(), "{len}");
        }
    }

    #[test]
    fn no_error_repeats_what_is_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("manifest.jsonl");
        drop(Manifest::open(&path, &batch()).unwrap());
        let first = fs::read_to_string(&path).unwrap();
        for hush in [
            "\"HUSH\"\n",
            "HUSH\n",
            "{\"HUSH\":1}\n",
            "{\"serial_number\":\"x\",\"state\":\"HUSH\",\"at\":\"\"}\n",
        ] {
            for text in [hush.to_owned(), first.clone() + hush] {
                fs::write(&path, text).unwrap();
                let said = Manifest::open(&path, &batch()).err().unwrap().to_string();
                assert!(!said.contains("HUSH") && said.contains("line "), "{said}");
            }
        }
    }

    #[test]
    fn a_manifest_is_one_batch_and_one_process() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("manifest.jsonl");
        let held = Manifest::open(&path, &batch()).unwrap();
        assert!(Manifest::open(&path, &batch()).is_err());
        drop(held);
        let other = Batch { count: 4, ..batch() };
        assert!(Manifest::open(&path, &other).is_err());
        assert!(Manifest::open(&path, &batch()).is_ok());
    }
}
