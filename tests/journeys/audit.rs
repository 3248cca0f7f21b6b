//! The trail shows whether a row was changed, removed or cut off (A3).
//!
//! An intruder with the database's file, but without the keyring, edits a copy of it; the finding names the place.

use std::{fs, path::Path};

use rusqlite::{Connection, params};
use serde_json::{Value, json};
use service::{Caller, Finding, Report, Role, SignedHead, verify_trail};
use store_sqlite::Sqlite;
use tempfile::TempDir;

use crate::world::{Hands, World, accepted, files, keyring, refused};

/// A database at rest with three chains: two that were closed by their writers, and one whose writer was killed.
struct Evidence {
    home: TempDir,
    /// What was kept outside: the newest head of each chain that its writer could sign.
    heads: Vec<SignedHead>,
    clock: std::sync::Arc<Hands>,
}

fn evidence() -> Evidence {
    let mut world = World::new();
    story(&world);
    world.restart();
    story(&world);
    let killed = world.service().signed_head(&Caller::shell()).expect("a head");
    world.kill_and_start();
    story(&world);
    world.stop();
    let mut heads = world.heads.clone();
    heads.push(killed);
    assert_eq!(heads.len(), 3, "a head of every chain");
    Evidence {
        home: world.snapshot(),
        heads,
        clock: world.clock.clone(),
    }
}

/// Something of everything: bindings, logins, refusals, an unbinding.
fn story(world: &World) {
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    assert_eq!(
        alice.verify(&bound.phone.code_at(world.now_ms())),
        accepted(&bound.device)
    );
    for _guess in 0..3 {
        assert_eq!(alice.verify(&bound.phone.wrong_code_at(world.now_ms())), refused());
    }
    world.pass(60_000);
    let code = bound.phone.code_at(world.now_ms());
    assert_eq!(
        alice.change(&bound.device, "unbind", &json!({"code": code})).status,
        204
    );
}

impl Evidence {
    /// What `audit verify` says of a copy that was edited so.
    fn after(&self, edit: impl FnOnce(&Connection)) -> Report {
        self.read(&self.heads, edit)
    }

    /// The same where nobody kept any head.
    fn without_heads(&self, edit: impl FnOnce(&Connection)) -> Report {
        self.read(&[], edit)
    }

    fn read(&self, heads: &[SignedHead], edit: impl FnOnce(&Connection)) -> Report {
        let copy = tempfile::tempdir().expect("a temporary directory");
        for file in files(self.home.path()) {
            fs::copy(&file, copy.path().join(file.file_name().expect("a name"))).expect("a copy");
        }
        let database = database(copy.path());
        edit(&database);
        database.close().expect("the edited database closes");
        let keyring = keyring(copy.path(), &self.clock);
        let store = Sqlite::open_to_read(copy.path()).expect("the database opens");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let report = runtime
            .block_on(verify_trail(&store, &keyring, heads))
            .expect("the trail can be read");
        store.close().expect("the database closes");
        report
    }
}

fn database(home: &Path) -> Connection {
    Connection::open(home.join("countersign.sqlite")).expect("the database opens")
}

/// `(chain, position, sequence)` of some row in the middle of a chain.
fn row(database: &Connection, chain: i64, condition: &str) -> (i64, u64, i64) {
    let sql = format!("SELECT position, sequence FROM audit WHERE chain = ? AND {condition} ORDER BY sequence LIMIT 1");
    let found = database.query_row(&sql, [chain], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)));
    let (position, sequence) = found.expect("there is such a row");
    (chain, position.try_into().expect("positions count from 1"), sequence)
}

fn change(database: &Connection, sql: &str, parameters: impl rusqlite::Params) {
    let changed = database.execute(sql, parameters).expect("an intruder knows SQL");
    assert_ne!(changed, 0, "{sql} changed nothing");
}

#[track_caller]
fn only(report: &Report) -> &Finding {
    assert_eq!(report.findings.len(), 1, "one deed, one finding: {:?}", report.findings);
    &report.findings[0]
}

/// The finding is about this row.
#[track_caller]
fn assert_at(finding: &Finding, (chain, position, _): (i64, u64, i64), words: &str) {
    assert_eq!(
        (finding.chain, finding.position),
        (Some(chain), Some(position)),
        "{finding}"
    );
    assert!(finding.what.contains(words), "{finding}");
}

#[test]
fn an_untouched_trail_is_clean() {
    let evidence = evidence();
    let report = evidence.after(|_| {});
    assert_eq!(report.findings, [], "A3");
    assert_eq!(report.heads, 3);
    // Three starts; reading begins none.
    assert_eq!(report.chains, 3);
    // Keys, then three stories of a start, a binding, 1 + 3 codes and an unbinding.
    assert_eq!(report.rows, 6 + 3 * 7);
}

#[test]
fn a_changed_row_is_found_where_it_stands() {
    let evidence = evidence();
    let edits: [(&str, &str); 7] = [
        (
            "events LIKE '%\"names\":%'",
            "events = replace(events, '\"names\":\"', '\"names\":\"A')",
        ),
        (
            "events LIKE '%refused%'",
            "events = replace(events, 'refused', 'accepted')",
        ),
        ("states IS NOT NULL", "states = zeroblob(length(states))"),
        ("states IS NOT NULL", "states = NULL"),
        (
            "events LIKE '%accepted%'",
            "events = json_set(events, '$[0].at', 3600000 + json_extract(events, '$[0].at'))",
        ),
        (
            "position > 1",
            "events = json_set(events, '$[0].salt', hex(zeroblob(16)))",
        ),
        // Erasing an event keeps its commitment; making one up does not.
        (
            "events LIKE '%refused%'",
            "events = json_set(json_remove(events, '$[0].salt', '$[0].event'), '$[0].commitment', hex(zeroblob(32)))",
        ),
    ];
    for (condition, edit) in edits {
        for chain in 1..=3 {
            let mut place = None;
            let report = evidence.after(|database| {
                let found = row(database, chain, condition);
                change(
                    database,
                    &format!("UPDATE audit SET {edit} WHERE sequence = ?"),
                    [found.2],
                );
                place = Some(found);
            });
            let place = place.expect("edited");
            assert_at(only(&report), place, "the row was changed");
            // No head is needed for that.
            let alone = evidence.without_heads(|database| {
                change(
                    database,
                    &format!("UPDATE audit SET {edit} WHERE sequence = ?"),
                    [place.2],
                );
            });
            assert_eq!(alone.findings, report.findings);
        }
    }
}

#[test]
fn a_row_whose_hash_was_changed_with_it_is_found_by_the_next() {
    let evidence = evidence();
    let mut place = None;
    let report = evidence.after(|database| {
        let found = row(database, 2, "events LIKE '%refused%'");
        change(
            database,
            "UPDATE audit SET hash = zeroblob(32) WHERE sequence = ?",
            [found.2],
        );
        place = Some(found);
    });
    let (chain, position, sequence) = place.expect("edited");
    assert_at(&report.findings[0], (chain, position, sequence), "the row was changed");
    assert_at(
        &report.findings[1],
        (chain, position + 1, sequence + 1),
        "the row was changed",
    );
    assert_eq!(report.findings.len(), 2);
}

#[test]
fn a_removed_row_leaves_a_hole() {
    let evidence = evidence();
    for (chain, condition, count) in [
        (1, "position = 1", 1),
        (2, "events LIKE '%refused%'", 1),
        (3, "position = 2", 3),
    ] {
        let mut place = None;
        let report = evidence.without_heads(|database| {
            let found = row(database, chain, condition);
            let last = found.2 + count - 1;
            change(
                database,
                "DELETE FROM audit WHERE sequence BETWEEN ? AND ?",
                [found.2, last],
            );
            place = Some(found);
        });
        assert_at(
            only(&report),
            place.expect("edited"),
            &format!("{count} row(s) removed"),
        );
    }
    // Closing the hole by renumbering shows as well.
    let report = evidence.without_heads(|database| {
        let (chain, position, _) = row(database, 2, "events LIKE '%refused%'");
        let gap = params![chain, i64::try_from(position).expect("small")];
        change(database, "DELETE FROM audit WHERE chain = ? AND position = ?", gap);
        change(
            database,
            "UPDATE audit SET position = position - 1 WHERE chain = ? AND position > ?",
            gap,
        );
    });
    assert!(
        report
            .findings
            .iter()
            .any(|finding| finding.what.contains("the row was changed")),
        "{:?}",
        report.findings
    );
    assert!(
        report.findings.iter().any(|finding| finding.what.contains("cut off")),
        "{:?}",
        report.findings
    );
}

#[test]
fn added_and_exchanged_rows_are_found() {
    let evidence = evidence();
    let copied = "INSERT INTO audit (chain, position, states, hash, events) \
                  SELECT chain, position, states, hash, events FROM audit WHERE sequence = ?";
    let report = evidence.without_heads(|database| {
        let (.., sequence) = row(database, 2, "events LIKE '%accepted%'");
        change(database, copied, [sequence]);
    });
    assert!(
        report
            .findings
            .iter()
            .any(|finding| finding.what.contains("was there before")),
        "{:?}",
        report.findings
    );
    let report = evidence.without_heads(|database| {
        let (chain, position, sequence) = row(database, 2, "events LIKE '%accepted%'");
        let swap = "UPDATE audit SET position = ? WHERE sequence = ?";
        change(
            database,
            swap,
            params![i64::try_from(position).expect("small") + 1, sequence],
        );
        change(
            database,
            swap,
            params![i64::try_from(position).expect("small"), sequence + 1],
        );
        assert_eq!(chain, 2);
    });
    assert!(!report.findings.is_empty());
    // A row for a chain that never was.
    let report = evidence.without_heads(|database| {
        let (.., sequence) = row(database, 1, "position = 1");
        change(database, "UPDATE audit SET chain = 0 WHERE sequence = ?", [sequence]);
    });
    assert!(
        report
            .findings
            .iter()
            .any(|finding| finding.what.contains("does not know")),
        "{:?}",
        report.findings
    );
}

/// Nobody opened it before the register was read, nor while the rows were.
#[test]
fn a_row_of_a_chain_that_is_yet_to_come_is_found() {
    let report = evidence().without_heads(|database| {
        let (.., sequence) = row(database, 2, "events LIKE '%accepted%'");
        let added = "INSERT INTO audit (chain, position, states, hash, events) \
                     SELECT 99, position, states, hash, events FROM audit WHERE sequence = ?";
        change(database, added, [sequence]);
    });
    let found = only(&report);
    assert_eq!(found.chain, Some(99));
    assert!(found.what.contains("does not know"), "{found}");
}

/// The last rows of a chain, gone.
fn cut(database: &Connection, chain: i64, count: i64) -> (i64, u64, i64) {
    let newest = "SELECT position, sequence FROM audit WHERE chain = ? ORDER BY position DESC LIMIT 1 OFFSET ?";
    let first_gone = database.query_row(newest, [chain, count - 1], |row| {
        Ok((row.get::<_, i64>(0)?, row.get(1)?))
    });
    let (position, sequence) = first_gone.expect("that many rows");
    change(
        database,
        "DELETE FROM audit WHERE chain = ? AND position >= ?",
        [chain, position],
    );
    (chain, position.try_into().expect("positions count from 1"), sequence)
}

#[test]
fn a_cut_tail_is_found_by_the_register_and_by_the_head_outside() {
    let evidence = evidence();
    for chain in 1..=3 {
        for count in [1, 4] {
            // The closing in the register knows how long the chain was.
            let mut place = None;
            let report = evidence.without_heads(|database| place = Some(cut(database, chain, count)));
            assert_at(only(&report), place.expect("cut"), "cut off: the register signed");

            // Without its closing only the head outside knows.
            let unclose =
                "UPDATE audit_chain SET position = NULL, hash = NULL, closing_signature = NULL WHERE chain = ?";
            let unclosed = |database: &Connection| {
                change(database, unclose, [chain]);
                cut(database, chain, count)
            };
            let silent = evidence.without_heads(|database| {
                unclosed(database);
            });
            assert_eq!(
                silent.findings,
                [],
                "A3 holds up to the newest head kept outside, and no further"
            );
            let report = evidence.after(|database| place = Some(unclosed(database)));
            assert_at(
                only(&report),
                place.expect("cut"),
                "cut off: a head kept outside signed",
            );
        }
    }
}

#[test]
fn a_closing_can_be_neither_forged_nor_borrowed() {
    let evidence = evidence();
    let edits = [
        "closing_signature = zeroblob(64)",
        "closing_signature = opening_signature",
        "closing_signature = (SELECT closing_signature FROM audit_chain WHERE chain = 2)",
        "position = position - 1",
        "hash = zeroblob(32)",
    ];
    for edit in edits {
        let report = evidence.without_heads(|database| {
            change(database, &format!("UPDATE audit_chain SET {edit} WHERE chain = 1"), []);
        });
        let finding = only(&report);
        assert_eq!(finding.chain, Some(1), "{finding}");
        assert!(
            finding.what.contains("its closing has a bad signature"),
            "{edit}: {finding}"
        );
    }
    // Cut, and closed again by hand where it is cut.
    let report = evidence.without_heads(|database| {
        let (_, position, _) = cut(database, 2, 2);
        let last = i64::try_from(position).expect("small") - 1;
        let reclose = "UPDATE audit_chain SET position = ?1, \
                       hash = (SELECT hash FROM audit WHERE chain = 2 AND position = ?1) WHERE chain = 2";
        change(database, reclose, [last]);
    });
    assert!(
        only(&report).what.contains("its closing has a bad signature"),
        "{}",
        only(&report)
    );
}

#[test]
fn an_opening_is_signed_and_follows_the_one_before() {
    let evidence = evidence();
    for edit in [
        "writer = 'somebody'",
        "at = at + 1",
        "previous = zeroblob(32)",
        "opening_signature = zeroblob(64)",
    ] {
        let report = evidence.without_heads(|database| {
            change(database, &format!("UPDATE audit_chain SET {edit} WHERE chain = 2"), []);
        });
        let about_it =
            |finding: &Finding| finding.chain == Some(2) && finding.what.contains("its opening has a bad signature");
        assert!(report.findings.iter().any(about_it), "{edit}: {:?}", report.findings);
    }
}

#[test]
fn a_removed_chain_is_missing() {
    let evidence = evidence();
    let removed = |database: &Connection, chain: i64| {
        change(database, "DELETE FROM audit WHERE chain = ?", [chain]);
        change(database, "DELETE FROM audit_chain WHERE chain = ?", [chain]);
    };
    for chain in 1..=2 {
        let report = evidence.without_heads(|database| removed(database, chain));
        assert_eq!(only(&report).chain, Some(chain));
        assert!(
            only(&report).what.contains("missing from the register"),
            "{}",
            only(&report)
        );
        // The rows alone: a chain without a register.
        let report = evidence.without_heads(|database| {
            change(database, "DELETE FROM audit_chain WHERE chain = ?", [chain]);
        });
        let strange = report
            .findings
            .iter()
            .filter(|finding| finding.what.contains("does not know"))
            .count();
        assert!(strange >= 7, "each of its rows: {:?}", report.findings);
    }
    // The newest one: its number is given again, so only the head outside knows that there was another.
    let report = evidence.after(|database| removed(database, 3));
    assert!(!report.findings.is_empty(), "A3: up to the newest head kept outside");
    assert!(
        report.findings.iter().all(|finding| finding.chain == Some(3)),
        "{:?}",
        report.findings
    );

    // Renumbering what is left does not help.
    let report = evidence.without_heads(|database| {
        removed(database, 2);
        change(database, "UPDATE audit SET chain = 2 WHERE chain = 3", []);
        change(database, "UPDATE audit_chain SET chain = 2 WHERE chain = 3", []);
    });
    assert!(
        report.findings.iter().any(|finding| finding.chain == Some(2)),
        "{:?}",
        report.findings
    );
}

#[test]
fn a_head_that_nobody_signed_is_found_out() {
    let mut evidence = evidence();
    let newest = evidence.heads.len() - 1;
    evidence.heads[newest].position += 1;
    let report = evidence.after(|_| {});
    assert!(
        only(&report).what.contains("a head kept outside has a bad signature"),
        "{}",
        only(&report)
    );
    // A head of somebody else's keyring.
    let stranger = tempfile::tempdir().expect("a temporary directory");
    let strangers = keyring(stranger.path(), &evidence.clock);
    let store = Sqlite::open_to_read(evidence.home.path()).expect("the database opens");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let report = runtime
        .block_on(verify_trail(&store, &strangers, &[]))
        .expect("the trail can be read");
    assert!(
        report.findings.len() >= 3,
        "no signature is of this keyring: {:?}",
        report.findings
    );
}

#[test]
fn a_whole_database_of_yesterday_is_found_by_the_head_of_today() {
    let mut world = World::new();
    story(&world);
    world.stop();
    let yesterday = world.snapshot();
    let kept = world.heads.clone();
    world.start();
    story(&world);
    world.stop();
    let evidence = Evidence {
        home: yesterday,
        heads: world.heads.clone(),
        clock: world.clock.clone(),
    };
    let report = evidence.read(&kept, |_| {});
    assert_eq!(report.findings, [], "by itself it is a whole trail");
    let report = evidence.after(|_| {});
    assert!(!report.findings.is_empty(), "A3: what was cut off is known outside");
}

/// A batch is one commit and one row; whoever reads it in pages gets each of its events, once.
#[test]
fn pages_go_through_rows_of_many_events() {
    let mut world = World::new();
    let names: Vec<String> = (0..12).map(|number| format!("user-{number}")).collect();
    let bound: Vec<_> = names.iter().map(|name| world.user("acme", name).bind()).collect();
    let items: Vec<_> = names
        .iter()
        .zip(&bound)
        .map(|(user, bound)| {
            let code = bound.phone.code_at(world.now_ms());
            json!({"account": "acme", "user": user, "code": code, "first_factor": true})
        })
        .collect();
    world
        .post(Role::Verify, "/v1/verify/batch", &json!({"items": items}))
        .expect(200);
    let page = |cursor: Option<&str>, limit: usize| {
        let cursor = cursor.map_or(String::new(), |cursor| format!("&cursor={cursor}"));
        world
            .get(Role::Audit, &format!("/v1/audit?limit={limit}{cursor}"))
            .expect(200)
    };
    let all = page(None, 1_000)["items"].as_array().expect("items").clone();
    let id = |record: &Value| record["id"].as_str().expect("an id").to_owned();
    let ids: Vec<String> = all.iter().map(id).collect();
    let row = |id: &str| id.rsplit_once('.').map(|(row, _)| row.to_owned());
    let longest = ids
        .iter()
        .map(|id| ids.iter().filter(|other| row(other) == row(id)).count());
    assert_eq!(
        longest.max(),
        Some(12),
        "A3: all of the batch, in the row of its commit"
    );
    for limit in [1, 5, 12, 13] {
        let mut found: Vec<String> = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let read = page(cursor.as_deref(), limit);
            found.extend(read["items"].as_array().expect("items").iter().map(id));
            cursor = read["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, ids, "{limit} a page");
    }
    assert!(
        ids.iter().collect::<std::collections::HashSet<_>>().len() == ids.len(),
        "each is another"
    );
    world.assert_trail_holds();
}
