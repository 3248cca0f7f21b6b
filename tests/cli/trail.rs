//! `audit verify`, before and after somebody was at the database.

use std::{fs, path::Path};

use rusqlite::Connection;

use crate::support::{
    contents,
    process::{Ended, Served, countersign, run},
    step_that_lasts, until,
};

/// A data directory with some history, ended.
fn with_history(dir: &Path) {
    let service = Served::start(dir);
    let api = service.api();
    let step = step_that_lasts(10);
    let (_, phone) = api.bind("alice", step - 1);
    for at in [step, step, step + 1] {
        api.verify("alice", &phone.code(at)).expect("an answer");
    }
    run(&mut service.beside(&["audit", "verify"]), "").with_code(0);
    until("the newest head is kept", || heads(dir).contains("\"chain\":1,"));
    service.end().with_code(0);
}

fn heads(dir: &Path) -> String {
    fs::read_to_string(dir.join("audit.heads")).unwrap_or_default()
}

fn verify(dir: &Path, more: &[&str]) -> Ended {
    run(
        countersign()
            .args(["audit", "verify", "--data-dir"])
            .arg(dir)
            .args(more),
        "",
    )
}

/// What somebody does who can write to the file.
fn at_the_database(dir: &Path, sql: &str) {
    let database = Connection::open(dir.join("countersign.sqlite")).expect("a database");
    assert_eq!(database.execute(sql, []).expect("a change"), 1, "{sql}");
}

#[test]
fn an_untouched_trail_holds() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    with_history(&dir);
    let clean = verify(&dir, &[]).with_code(0);
    assert!(
        clean.out.contains(" rows in ") && clean.out.contains(" heads"),
        "{}",
        clean.out
    );
    assert_eq!(clean.err, "");
    let report = verify(&dir, &["--json"]).with_code(0).json();
    assert_eq!(report["findings"], serde_json::json!([]));
    assert!(report["rows"].as_u64().is_some_and(|rows| rows >= 5), "{report}");
    assert!(report["heads"].as_u64().is_some_and(|heads| heads >= 1), "{report}");
}

#[test]
fn an_edited_row_is_found_with_its_place() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    with_history(&dir);
    let refused = "(SELECT max(sequence) FROM audit WHERE events LIKE '%\"refused\"%')";
    let database = Connection::open(dir.join("countersign.sqlite")).expect("a database");
    let place = format!("SELECT chain, position FROM audit WHERE sequence = {refused}");
    let number = |row: &rusqlite::Row<'_>, column| row.get::<_, i64>(column);
    let place = database.query_row(&place, [], |row| Ok((number(row, 0)?, number(row, 1)?)));
    let (chain, position) = place.expect("a refusal is in the trail");
    drop(database);
    at_the_database(
        &dir,
        &format!("UPDATE audit SET events = replace(events, '\"refused\"', '\"accepted\"') WHERE sequence = {refused}"),
    );

    let found = verify(&dir, &[]).with_code(1);
    let line = format!("chain {chain}, position {position}: the row was changed");
    assert!(found.out.lines().any(|said| said == line), "{line}\n{}", found.out);
    assert!(
        found.err.contains("1 finding") && found.err.contains(" help: "),
        "{}",
        found.err
    );
    let report = verify(&dir, &["--json"]).with_code(1).json();
    assert_eq!(
        report["findings"].as_array().map(Vec::len),
        Some(1),
        "one change is one finding: {report}"
    );
    assert_eq!(report["findings"][0]["position"], position);
}

#[test]
fn a_row_that_is_gone_is_missed() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    with_history(&dir);
    at_the_database(&dir, "DELETE FROM audit WHERE sequence = 3");
    let found = verify(&dir, &[]).with_code(1);
    assert!(
        found.out.contains("1 row(s) removed before position 4"),
        "{}",
        found.out
    );
}

#[test]
fn a_tail_that_is_cut_off_shows_by_the_heads() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    with_history(&dir);
    // As the heads that an operator keeps elsewhere; who cuts the tail may well replace the file beside it.
    let kept = home.path().join("heads.kept");
    fs::copy(dir.join("audit.heads"), &kept).expect("a copy");
    fs::remove_file(dir.join("audit.heads")).expect("it was there");
    let last = "(SELECT max(sequence) FROM audit WHERE chain = 1)";
    at_the_database(&dir, &format!("DELETE FROM audit WHERE sequence = {last}"));
    at_the_database(
        &dir,
        "UPDATE audit_chain SET last = NULL, position = NULL, hash = NULL, closing_signature = NULL WHERE chain = 1",
    );
    let found = verify(&dir, &["--heads", kept.to_str().expect("UTF-8")]).with_code(1);
    assert!(
        found.out.contains("chain 1") && found.out.contains("cut off"),
        "{}",
        found.out
    );
}

#[test]
fn heads_that_cannot_be_read_are_said() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    with_history(&dir);
    let file = home.path().join("heads");
    fs::write(&file, "not a head\n").expect("a file");
    let ended = verify(&dir, &["--heads", file.to_str().expect("UTF-8")]).with_code(1);
    assert!(ended.err.contains("heads, line 1"), "{}", ended.err);
}

#[test]
fn without_a_head_nobody_can_say_that_nothing_is_missing() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    with_history(&dir);
    let empty = home.path().join("empty");
    fs::write(&empty, "").expect("a file");
    let empty = empty.to_str().expect("UTF-8");
    let words = "a cut tail cannot be seen; name a kept copy with --heads FILE";
    let report = verify(&dir, &["--heads", empty, "--json"]).with_code(1).json();
    assert_eq!(report["findings"].as_array().map(Vec::len), Some(1), "{report}");
    let found = verify(&dir, &["--heads", empty]).with_code(1);
    assert!(found.out.contains(words), "{}", found.out);
    fs::remove_file(dir.join("audit.heads")).expect("it was there");
    let found = verify(&dir, &[]).with_code(1);
    assert!(found.out.contains(words), "{}", found.out);
}

#[test]
fn what_the_service_answers_is_a_head_to_hold_the_trail_against() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    let service = Served::start(&dir);
    let key = run(&mut service.beside(&["key", "create", "--role", "audit"]), "").with_code(0);
    let auditor = service.api().with_key(key.out.trim());
    let head = || auditor.get("/v1/audit/heads").expect("an answer").with_status(200).body;
    // One answer below the other, as a timer would keep them.
    let before = head();
    let step = step_that_lasts(10);
    service.api().bind("alice", step);
    let kept = home.path().join("kept");
    fs::write(&kept, format!("{before}\n{:#}\n", head())).expect("a file");
    service.end().with_code(0);
    let kept = kept.to_str().expect("UTF-8");
    let report = verify(&dir, &["--heads", kept, "--json"]).with_code(0).json();
    assert_eq!(report["heads"], 2, "{report}");

    let last = "(SELECT max(sequence) FROM audit WHERE chain = 1)";
    at_the_database(&dir, &format!("DELETE FROM audit WHERE sequence = {last}"));
    at_the_database(
        &dir,
        "UPDATE audit_chain SET last = NULL, position = NULL, hash = NULL, closing_signature = NULL WHERE chain = 1",
    );
    let found = verify(&dir, &["--heads", kept]).with_code(1);
    assert!(found.out.contains("cut off: a head kept outside"), "{}", found.out);
}

#[test]
fn a_look_leaves_nothing_behind() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    with_history(&dir);
    let before = contents(&dir);
    for look in [&["clock", "status"][..], &["key", "list"], &["audit", "verify"]] {
        run(countersign().args(look).arg("--data-dir").arg(&dir), "").with_code(0);
        assert!(contents(&dir) == before, "{look:?} changed something");
    }
}
