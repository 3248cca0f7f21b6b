//! Somebody with a vault.

use std::{path::PathBuf, process::Command};

use serde_json::Value;

use crate::support::process::{Ended, countersign, run};
use crate::support::write_private;

/// A home directory, and a vault in it that a key file opens: no costly derivation.
pub(crate) struct Pocket {
    pub(crate) home: tempfile::TempDir,
    pub(crate) key: PathBuf,
}

impl Pocket {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let key = home.path().join("key");
        write_private(&key, [0x5A; 32]).expect("a file");
        Self { home, key }
    }

    /// With these entries, in this order.
    pub(crate) fn with(uris: &str) -> Self {
        let pocket = Self::new();
        run(&mut pocket.keyed(&["add", "--uri-file", "-"]), uris).with_code(0);
        pocket
    }

    pub(crate) fn vault(&self) -> PathBuf {
        self.home.path().join(".local/share/countersign/authenticator.vault")
    }

    /// `countersign authenticator …`, without anything that opens the vault.
    pub(crate) fn auth(&self, args: &[&str]) -> Command {
        let mut command = countersign();
        command.arg("authenticator").args(args).env("HOME", self.home.path());
        command.env("XDG_RUNTIME_DIR", self.home.path());
        command
    }

    /// The same with the key.
    pub(crate) fn keyed(&self, args: &[&str]) -> Command {
        let mut command = self.auth(args);
        command.env("COUNTERSIGN_VAULT_KEY_FILE", &self.key);
        command
    }

    #[track_caller]
    pub(crate) fn done(&self, args: &[&str]) -> Ended {
        run(&mut self.keyed(args), "").with_code(0)
    }

    #[track_caller]
    pub(crate) fn list(&self) -> Vec<Value> {
        let listed = self.done(&["list", "--order", "added", "--json"]).json();
        listed.as_array().expect("a list").clone()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }
}
