//! The workspaces of the tree: found and not listed, so that nobody forgets one. What no command compiles, rots.

use std::path::Path;

use serde_json::Value;

use crate::{machine, tidy};

/// Where the workspaces that are not the root's are compiled, the firmware's boards apart: what they share is compiled once.
pub(crate) const TARGET_DIR: &str = "target";

/// A workspace, and what cargo may compile in it.
pub(crate) struct Workspace {
    /// Below the root.
    pub(crate) manifest: String,
    packages: Vec<Value>,
}

/// Every workspace: the root's own comes first.
pub(crate) fn all() -> Result<Vec<Workspace>, String> {
    let root = machine::root();
    let files = tidy::files(&root).map_err(|error| format!("the tree could not be read: {error}"))?;
    let mut manifests: Vec<_> = files.iter().filter(|path| path.ends_with("Cargo.toml")).collect();
    manifests.sort_by_key(|path| path.components().count());
    let mut found: Vec<Workspace> = Vec::new();
    for path in manifests {
        // Cargo knows whose member a package is, and complains of one that nobody knows.
        if !found.iter().any(|workspace| workspace.has(path)) {
            let manifest = path.strip_prefix(&root).unwrap_or(path).display().to_string();
            found.push(Workspace::read(manifest)?);
        }
    }
    Ok(found)
}

/// The workspace of the root.
pub(crate) fn root() -> Result<Workspace, String> {
    Workspace::read("Cargo.toml".into())
}

impl Workspace {
    fn read(manifest: String) -> Result<Self, String> {
        let mut cargo = machine::cargo();
        cargo.args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--manifest-path",
            &manifest,
        ]);
        let metadata: Value = serde_json::from_str(&machine::output(&mut cargo)?)
            .map_err(|error| format!("what cargo says of {manifest}: {error}"))?;
        let packages = metadata["packages"].as_array().cloned().unwrap_or_default();
        Ok(Self { manifest, packages })
    }

    fn has(&self, manifest: &Path) -> bool {
        let manifests = self.packages.iter().map(|package| &package["manifest_path"]);
        manifests
            .filter_map(Value::as_str)
            .any(|path| Path::new(path) == manifest)
    }

    /// The names of its targets of a kind: `bench`, `test`.
    pub(crate) fn targets(&self, kind: &str) -> Vec<String> {
        let targets = self.packages.iter().filter_map(|package| package["targets"].as_array());
        let of_kind = targets.flatten().filter(|target| target["kind"][0] == kind);
        let mut names: Vec<_> = of_kind
            .filter_map(|target| target["name"].as_str())
            .map(str::to_owned)
            .collect();
        names.sort();
        names.dedup(); // cargo means all that are called so
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workspace_is_found_with_what_is_left_out_by_default() {
        let all = all().unwrap();
        let manifests: Vec<_> = all.iter().map(|workspace| &*workspace.manifest).collect();
        assert_eq!(manifests[0], "Cargo.toml");
        for one in [
            "benches/trial/Cargo.toml",
            "firmware/Cargo.toml",
            "tests/fuzz/Cargo.toml",
        ] {
            assert!(manifests.contains(&one), "{one} is not in {manifests:?}");
        }
        assert!(
            !manifests.iter().any(|manifest| manifest.starts_with("crates/")),
            "{manifests:?}"
        );
        let benches = all[0].targets("bench");
        for one in ["check", "find", "load"] {
            assert!(benches.iter().any(|bench| bench == one), "{one} is not in {benches:?}");
        }
    }
}
