//! The map of the workspace: which crate depends on which, and what each may not know.
//!
//! Read from the manifests through `cargo metadata`, so that optional and platform-specific dependencies count too.
//! Development dependencies are free: a test may ask any judge.
#![allow(clippy::disallowed_methods, reason = "a test asks its own machine")]

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// One row of the map. Names of ours are written without `countersign-`.
struct Row {
    name: &'static str,
    depends_on: &'static [&'static str],
    may_not_know: &'static [Topic],
}

const fn row(name: &'static str, depends_on: &'static [&'static str], may_not_know: &'static [Topic]) -> Row {
    Row {
        name,
        depends_on,
        may_not_know,
    }
}

/// A row may stand here before its crate exists.
#[rustfmt::skip]
const MAP: [Row; 17] = [
    row("otp", &[], &[ASYNC, CHIPS, CLOCKS, HTTP, RANDOMNESS, SERIALISATION, SQL, TEXT_FORMATS]),
    row("verify", &["otp"], &[ASYNC, CLOCKS, HTTP, RANDOMNESS, SERIALISATION, SQL]),
    row("enroll", &["otp"], &[ASYNC, CLOCKS, FILES, HTTP, RANDOMNESS, SERIALISATION, SQL, TLS]),
    row("wire", &[], &[ASYNC, CHIPS, CLOCKS, HTTP, OTP_ARITHMETIC, RANDOMNESS, SERIAL_PORTS, SQL]),
    row("token", &["otp", "wire"], &[ASYNC, CHIPS, CLOCKS, HTTP, RANDOMNESS, SERIAL_PORTS, SQL]),
    row("simulator", &["token"], &[HTTP, SQL]),
    row("link", &["wire"], &[HTTP, SQL]),
    row("pskc", &["otp", "enroll"], &[ASYNC, CLOCKS, FILES, HTTP, RANDOMNESS, SQL]),
    row("vault", &["otp", "enroll"], &[ASYNC, CLIPBOARD, CLOCKS, HTTP, PATHS, RANDOMNESS, SQL, TERMINALS]),
    row("authenticator", &["otp", "enroll", "vault"], &[ASYNC, HTTP, RANDOMNESS, SQL, TLS]),
    row("store", &["otp", "verify"], &[CLOCKS, HTTP, RANDOMNESS, SQL]),
    row("store-sqlite", &["store", "otp", "verify"], &[CLOCKS, HTTP, POSTGRES, RANDOMNESS]),
    row("store-postgres", &["store", "otp", "verify"], &[CLOCKS, HTTP, RANDOMNESS, SQLITE]),
    row("service", &["otp", "verify", "enroll", "pskc", "store"], &[ENVIRONMENT, HTTP, RANDOMNESS, SQL, TERMINALS]),
    row("keyring", &["service"], &[HTTP, RANDOMNESS, SQL]),
    row("api", &[], &[SQL]),
    row("server", &["service", "api"], &[ENVIRONMENT, RANDOMNESS, SEALING, SQL, TERMINALS]),
];

/// Something that a crate may not know, seen by the packages that would teach it (`*` ends a prefix).
#[derive(Clone, Copy)]
struct Topic {
    name: &'static str,
    packages: &'static [&'static str],
}

const fn topic(name: &'static str, packages: &'static [&'static str]) -> Topic {
    Topic { name, packages }
}

const ASYNC: Topic = topic("async", &["async-*", "futures*", "mio", "smol", "tokio*"]);
const CHIPS: Topic = topic("chips", &["cortex-m*", "embassy-*", "nrf*", "rp2040-*", "stm32*"]);
const CLIPBOARD: Topic = topic("the clipboard", &["arboard", "copypasta"]);
const CLOCKS: Topic = topic("clocks", &["chrono", "jiff", "time"]);
const ENVIRONMENT: Topic = topic("the environment", &["config", "dotenv*", "envy", "figment"]);
const FILES: Topic = topic("files", &["fs-err", "fs2", "memmap*", "tempfile", "walkdir"]);
const HTTP: Topic = topic(
    "HTTP",
    &[
        "axum*",
        "http",
        "http-body*",
        "hyper*",
        "reqwest",
        "tonic*",
        "tower*",
        "ureq",
        "utoipa-axum",
        "utoipa-swagger-ui",
    ],
);
const OTP_ARITHMETIC: Topic = topic("the arithmetic of codes", &["sha1", "totp-rs"]);
const PATHS: Topic = topic("paths", &["directories", "dirs", "etcetera", "home"]);
const POSTGRES: Topic = topic("PostgreSQL", &["deadpool*", "postgres*", "tokio-postgres*"]);
const RANDOMNESS: Topic = topic("sources of randomness", &["fastrand", "getrandom", "rand", "rand_*"]);
const SEALING: Topic = topic("sealing", &["aes*", "chacha20*", "ring"]);
const SERIAL_PORTS: Topic = topic("serial ports", &["mio-serial", "serialport", "tokio-serial"]);
const SERIALISATION: Topic = topic(
    "serialisation",
    &["bincode", "ciborium", "postcard", "prost*", "serde*", "toml"],
);
const SQL: Topic = topic(
    "SQL",
    &[
        "deadpool*",
        "diesel*",
        "libsqlite3-sys",
        "postgres*",
        "refinery*",
        "rusqlite*",
        "sqlx*",
        "tokio-postgres*",
    ],
);
const SQLITE: Topic = topic("SQLite", &["libsqlite3-sys", "rusqlite*"]);
const TERMINALS: Topic = topic(
    "terminals",
    &["clap*", "crossterm", "indicatif", "ratatui*", "rpassword"],
);
const TEXT_FORMATS: Topic = topic(
    "text formats",
    &["base32", "base64", "data-encoding", "hex", "percent-encoding", "url"],
);
const TLS: Topic = topic("TLS", &["native-tls", "openssl*", "rustls*", "tokio-rustls"]);

#[test]
fn the_arrows_of_the_map_hold() {
    let broken: Vec<String> = members().iter().flat_map(broken_arrows).collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn nobody_depends_on_xtask() {
    for Member { name, dependencies, .. } in members() {
        let found = dependencies
            .iter()
            .find(|dependency| dependency.name == "countersign-xtask");
        assert!(
            found.is_none(),
            "{name} depends on xtask, which holds developer commands and is linked by nobody"
        );
    }
}

#[test]
fn every_crate_keeps_the_workspace_lints_and_licence() {
    let root = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let in_table = |manifest: &str, table: &str, line: &str| {
        let body = manifest
            .lines()
            .skip_while(|candidate| candidate.trim() != table)
            .skip(1);
        body.take_while(|candidate| !candidate.starts_with('['))
            .any(|candidate| candidate.trim() == line)
    };
    assert!(
        in_table(&root, "[workspace.lints.rust]", "unsafe_code = \"deny\""),
        "the root Cargo.toml no longer denies unsafe code under [workspace.lints.rust]"
    );
    for Member { name, manifest, .. } in members() {
        let manifest = fs::read_to_string(manifest).unwrap();
        assert!(
            in_table(&manifest, "[lints]", "workspace = true"),
            "{name} lacks `[lints] workspace = true`"
        );
        assert!(
            in_table(&manifest, "[package]", "license.workspace = true"),
            "{name} lacks `license.workspace = true`"
        );
    }
}

/// The workspace denies it (invariant 8): so it is where an attribute lifts that, and nowhere else.
#[test]
fn unsafe_code_is_in_one_module_of_otp_and_each_block_says_why() {
    let module = root().join("crates/otp/src/simd");
    let (inside, outside): (Vec<_>, Vec<_>) = ["crates", "src", "tests", "benches", "examples"]
        .iter()
        .flat_map(|place| rust_files(&root().join(place)))
        .filter(|path| !path.ends_with("tests/architecture.rs"))
        .partition(|path| path.starts_with(&module));
    for path in outside {
        let text: String = fs::read_to_string(&path).unwrap().split_whitespace().collect();
        let kept = text.matches("forbid(unsafe_code)").count();
        assert_eq!(
            text.matches("unsafe_code").count(),
            kept,
            "{} lifts the ban of unsafe code, which only {} may",
            path.display(),
            module.display()
        );
    }
    let blocks: usize = inside.iter().map(|path| unsafe_blocks_with_reason(path)).sum();
    assert!(blocks > 0, "the module is read");
}

/// The number of `unsafe` blocks in a source; each begins in the line after a comment that says why it is sound, and there is
/// no `unsafe` but blocks.
fn unsafe_blocks_with_reason(path: &Path) -> usize {
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let code = |line: &str| !line.starts_with("//") && line.contains("unsafe") && !line.contains("(unsafe_code)");
    let found = (0..lines.len()).filter(|at| code(lines[*at]));
    found
        .inspect(|at| {
            let comment = lines[..*at].iter().rev().take_while(|line| line.starts_with("//"));
            let (place, line) = (format!("{}:{}", path.display(), at + 1), lines[*at]);
            assert_eq!(
                line.matches("unsafe").count(),
                line.matches("unsafe {").count(),
                "{place}: a block, or none"
            );
            assert!(
                comment.last().is_some_and(|first| first.starts_with("// SAFETY: ")),
                "{place} has no reason"
            );
        })
        .count()
}

#[test]
fn only_real_rs_xtask_and_tests_lift_the_ban_on_clock_randomness_and_environment() {
    let mut sources = rust_files(&root().join("src"));
    for Member { name, manifest, .. } in members() {
        if name != "countersign" && name != "countersign-xtask" {
            sources.extend(rust_files(&manifest.with_file_name("src")));
        }
    }
    for path in sources.iter().filter(|path| **path != root().join("src/real.rs")) {
        let text: String = fs::read_to_string(path).unwrap().split_whitespace().collect();
        for (at, _) in text.match_indices("clippy::disallowed_") {
            let attribute = text[..at]
                .rfind("#[")
                .max(text[..at].rfind("#!["))
                .map_or("", |start| &text[start..at]);
            assert!(
                attribute.trim_start_matches(['#', '!']).starts_with("[cfg_attr(test,"),
                "{} lifts the ban of .clippy.toml outside its tests: take the value as an argument (invariant 1)",
                path.strip_prefix(root()).unwrap().display()
            );
        }
    }
}

/// What an arrow test is made of: a member of the workspace and what its manifest names.
struct Member {
    name: String,
    manifest: PathBuf,
    dependencies: Vec<Dependency>,
}

struct Dependency {
    name: String,
    is_ours: bool,
    development_only: bool,
}

fn members() -> Vec<Member> {
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let member = |package: &Value| Member {
        name: text(&package["name"]),
        manifest: text(&package["manifest_path"]).into(),
        dependencies: package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|dependency| Dependency {
                name: text(&dependency["name"]),
                is_ours: !dependency["path"].is_null(),
                development_only: dependency["kind"] == "dev",
            })
            .collect(),
    };
    metadata["packages"].as_array().unwrap().iter().map(member).collect()
}

/// One sentence for each edge that the map does not have.
fn broken_arrows(member: &Member) -> Vec<String> {
    let Some(short) = member.name.strip_prefix("countersign-") else {
        return Vec::new();
    }; // the root may know anybody
    if short == "xtask" {
        return Vec::new();
    }
    let map: BTreeMap<&str, &Row> = MAP.iter().map(|row| (row.name, row)).collect();
    let Some(row) = map.get(short) else {
        return vec![format!(
            "{} is not on the map: give it a row in tests/architecture.rs and README.md",
            member.name
        )];
    };
    let mut broken = Vec::new();
    for Dependency { name, is_ours, .. } in member
        .dependencies
        .iter()
        .filter(|dependency| !dependency.development_only)
    {
        if *is_ours {
            if !name
                .strip_prefix("countersign-")
                .is_some_and(|name| row.depends_on.contains(&name))
            {
                broken.push(format!("{} -> {name}: the map has no such arrow", member.name));
            }
        } else if let Some(topic) = row.may_not_know.iter().find(|topic| topic.covers(name)) {
            broken.push(format!(
                "{} -> {name}: {short} may not know {}",
                member.name, topic.name
            ));
        }
    }
    broken
}

impl Topic {
    fn covers(&self, package: &str) -> bool {
        self.packages.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => package.starts_with(prefix),
            None => package == *pattern,
        })
    }
}

#[test]
fn a_broken_arrow_is_named() {
    let edge = |from: &str, to: &str, is_ours, development_only| {
        let dependency = Dependency {
            name: to.into(),
            is_ours,
            development_only,
        };
        broken_arrows(&Member {
            name: from.into(),
            manifest: PathBuf::new(),
            dependencies: vec![dependency],
        })
    };
    let ours = |from, to| edge(from, to, true, false);
    assert_eq!(
        ours("countersign-store", "countersign-service"),
        ["countersign-store -> countersign-service: the map has no such arrow"]
    );
    assert_eq!(
        edge("countersign-server", "ring", false, false),
        ["countersign-server -> ring: server may not know sealing"]
    );
    assert_eq!(edge("countersign-verify", "tokio-util", false, false).len(), 1);
    assert_eq!(
        ours("countersign-common", "countersign-otp").len(),
        1,
        "a crate that is not on the map"
    );
    assert!(ours("countersign-store", "countersign-verify").is_empty());
    assert!(ours("countersign", "countersign-server").is_empty());
    assert!(
        edge("countersign-otp", "ring", false, true).is_empty(),
        "a development dependency is free"
    );
}

/// The manual's threat model names the test behind each promise, as `file.rs::name`; a file is below `tests`, or stands in
/// a crate.
#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let text = fs::read_to_string(root().join("src/manual/threat_model.md")).unwrap();
    let promises = text.split("## What holds").nth(1).expect("the table of what holds");
    let rows = promises
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| what holds"));
    let mut missing = Vec::new();
    for row in rows {
        let named: Vec<_> = row.split('`').filter_map(|word| word.split_once(".rs::")).collect();
        if named.is_empty() {
            missing.push(format!("no test: {row}"));
        }
        for (file, test) in named {
            let of_a_crate = file.starts_with("crates/");
            let path = if of_a_crate {
                root().into()
            } else {
                root().join("tests")
            }
            .join(format!("{file}.rs"));
            let source = fs::read_to_string(&path).unwrap_or_default();
            let stands = [
                format!("#[test]\nfn {test}("),
                format!("    fn {test}("),
                format!("\nasync fn {test}("),
            ];
            if !stands.iter().any(|stands| source.contains(stands)) {
                missing.push(format!("{} has no test {test}", path.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Rules that no story cites yet; the list only shrinks.
const UNCITED_RULES: [&str; 0] = [];

/// A rule stands in `src/manual/rules.md`, and is cited as `P3a` in a text or as `p3a_` in a test's name.
#[test]
fn every_rule_is_cited_by_a_story_or_named_here() {
    let manual = fs::read_to_string(root().join("src/manual/rules.md")).expect("the rules");
    let rules: Vec<&str> = manual
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(' ').next())
        .filter(|rule| rule.starts_with(['D', 'B', 'U', 'P', 'A']))
        .collect();
    assert!(rules.len() > 30, "the table is read: {rules:?}");
    let places = ["tests", "crates/service/tests", "crates/verify/tests"];
    let stories: Vec<String> = places
        .iter()
        .flat_map(|place| rust_files(&root().join(place)))
        .filter(|path| !path.ends_with("architecture.rs"))
        .map(|path| fs::read_to_string(path).expect("a source"))
        .collect();
    let uncited: Vec<&str> = rules
        .into_iter()
        .filter(|rule| !stories.iter().any(|story| cites(story, rule)))
        .collect();
    assert_eq!(uncited, UNCITED_RULES, "cite it, or take it off the list");
}

fn cites(story: &str, rule: &str) -> bool {
    let is_end = |rest: &str| !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_');
    let is_start = |before: &str| !before.ends_with(|last: char| last.is_ascii_alphanumeric() || last == '_');
    let in_words = story
        .match_indices(rule)
        .any(|(at, _)| is_start(&story[..at]) && is_end(&story[at + rule.len()..]));
    let named = rule.to_lowercase() + "_";
    let in_a_name = story
        .match_indices(&*named)
        .any(|(at, _)| story[..at].ends_with("fn ") || story[..at].ends_with('_'));
    in_words || in_a_name
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
