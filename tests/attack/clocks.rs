//! Clocks that are wrong: at a start, while running, and in small steps. The wall clock of a real process is moved by
//! `libfaketime` (Debian's `faketime`); the clock that is never set goes on as the machine's.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    faketime,
    http::{Api, Reply},
    now_ms,
    phone::Phone,
    process::{Ended, Running, Served, countersign, run, serve},
    soak, until,
};

const MINUTE_S: i64 = 60;
const HOUR_S: i64 = 60 * MINUTE_S;
const DAY_S: i64 = 24 * HOUR_S;

/// A machine whose wall clock, and whose kernel's word about it, the test sets.
struct Machine {
    home: TempDir,
}

impl Machine {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let bin = home.path().join("bin");
        fs::create_dir(&bin).expect("a directory");
        // What the kernel says of its clock is systemd's to tell; here it is the test's.
        let word = home.path().join("word");
        let script = bin.join("timedatectl");
        fs::write(&script, format!("#!/bin/sh\ncat '{}'\n", word.display())).expect("a script");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("a program");
        let machine = Self { home };
        machine.set(0);
        machine.synchronised(false);
        machine
    }

    fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// The wall clock is this far ahead of the world's (behind: negative), from now on.
    fn set(&self, seconds: i64) {
        self.write("ahead", &format!("{seconds:+}"));
    }

    /// Whether the kernel calls its clock synchronised.
    fn synchronised(&self, so: bool) {
        self.write("word", if so { "yes\n" } else { "no\n" });
    }

    /// At once, for somebody reads it at any moment.
    fn write(&self, name: &str, text: &str) {
        let new = self.home.path().join("new");
        fs::write(&new, text).expect("a file");
        fs::rename(&new, self.home.path().join(name)).expect("a file");
    }

    fn ahead_s(&self) -> i64 {
        let text = fs::read_to_string(self.home.path().join("ahead")).expect("a file");
        text.parse().expect("seconds")
    }

    /// The step of its wall clock.
    fn step(&self) -> u64 {
        let seconds = i64::try_from(now_ms() / 1_000).expect("a time") + self.ahead_s();
        u64::try_from(seconds).expect("after 1970") / 30
    }

    /// The same, once it lasts for some seconds.
    fn step_that_lasts(&self) -> u64 {
        until("a step that lasts", || {
            let ms = i64::try_from(now_ms()).expect("a time") + self.ahead_s() * 1_000;
            ms.rem_euclid(30_000) < 20_000
        });
        self.step()
    }

    /// The command as it runs on this machine.
    fn on(&self, mut command: Command) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env("LD_PRELOAD", faketime::library())
            .env("FAKETIME_TIMESTAMP_FILE", self.home.path().join("ahead"))
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("NO_FAKE_STAT", "1")
            .env("PATH", format!("{}:{path}", self.home.path().join("bin").display()));
        command
    }

    fn serve(&self) -> Served {
        let data = self.data();
        Served::greeting(Running::start(&mut self.on(serve(&data))), &data)
    }

    /// `countersign clock …` beside the service.
    fn clock(&self, args: &[&str]) -> Ended {
        let mut command = countersign();
        command.arg("clock").args(args).arg("--data-dir").arg(self.data());
        run(&mut self.on(command), "")
    }

    /// Starts on a new directory, binds alice, and ends; her code of this step is used.
    fn with_alice(&self) -> (Api, String, Phone) {
        let served = self.serve();
        let api = served.api();
        let (device, phone) = bind(&api, "alice", self.step_that_lasts());
        served.end().with_code(0);
        (api, device, phone)
    }
}

/// The proof of identity is of the service's own time, or it would be refused for that.
fn bind(api: &Api, user: &str, step: u64) -> (String, Phone) {
    let at = i64::try_from(step * 30_000).expect("a time");
    let (enrollment, phone) = api.start_binding_at(user, at).expect("an answer");
    let bound = api.confirm(user, &enrollment, &phone.code(step)).expect("an answer");
    let bound = bound.with_status(200);
    (bound.body["device"]["id"].as_str().expect("an id").to_owned(), phone)
}

fn ready(api: &Api) -> Reply {
    api.get("/readyz").expect("an answer")
}

#[track_caller]
fn assert_unreliable(reply: &Reply) {
    assert_eq!(
        (reply.status, reply.body["code"].as_str()),
        (503, Some("clock_unreliable")),
        "what cannot be proven refuses: {}",
        reply.body
    );
}

/// Nothing is judged, bound or made, and `/readyz` says the way out.
#[track_caller]
fn assert_doubted(machine: &Machine, api: &Api, phone: &Phone) {
    let said = ready(api);
    assert_unreliable(&said);
    let words = said.body["detail"].as_str().unwrap_or_default();
    assert!(words.contains("countersign clock accept"), "the way out: {words}");
    assert_unreliable(&api.verify("alice", &phone.code(machine.step())).expect("an answer"));
    let at = i64::try_from(machine.step() * 30_000).expect("a time");
    let body = api.start_request("carol", at);
    let path = "/v1/accounts/acme/users/carol/enrollments";
    assert_unreliable(&api.post(path, &body).expect("an answer"));
}

#[track_caller]
fn assert_accepts(machine: &Machine, api: &Api, phone: &Phone) {
    let step = machine.step_that_lasts();
    let answer = api.verify("alice", &phone.code(step + 1)).expect("an answer");
    assert_eq!(answer.outcome(), "accepted");
}

fn trail(api: &Api, dir: &Path, action: &str) -> Vec<Value> {
    let key = run(
        countersign()
            .args(["key", "create", "--role", "audit", "--data-dir"])
            .arg(dir),
        "",
    );
    let key = key.with_code(0).out;
    let page = api.with_key(key.trim()).get("/v1/audit?limit=1000").expect("an answer");
    let items = page.with_status(200).body["items"].as_array().expect("items").clone();
    let events = items.into_iter().map(|item| item["event"].clone());
    events.filter(|event| event["action"] == action).collect()
}

#[test]
fn a_start_with_the_clock_ahead_judges_nothing_and_costs_nobody_anything() {
    let machine = Machine::new();
    let (api, _, phone) = machine.with_alice();
    let far: &[i64] = if soak() {
        &[25 * HOUR_S, 30 * DAY_S, 365 * DAY_S, 3_650 * DAY_S]
    } else {
        &[25 * HOUR_S, 365 * DAY_S]
    };
    for &ahead in far {
        machine.set(ahead);
        let served = machine.serve();
        let api = api.at(&served.url);
        assert_doubted(&machine, &api, &phone);
        // Set right again, it goes on by itself.
        machine.set(0);
        until("it is ready", || ready(&api).status == 200);
        served.end().with_code(0);
    }
    let served = machine.serve();
    let api = api.at(&served.url);
    assert_eq!(ready(&api).status, 200, "no record of the time that never was");
    assert_accepts(&machine, &api, &phone);
}

#[test]
fn a_start_with_the_clock_behind_judges_nothing_until_the_kernel_vouches_for_it() {
    let machine = Machine::new();
    let (api, device, phone) = machine.with_alice();
    let used = phone.code(machine.step());
    machine.set(-2 * HOUR_S);
    let served = machine.serve();
    let api = api.at(&served.url);
    assert_doubted(&machine, &api, &phone);
    machine.synchronised(true);
    until("it is ready", || ready(&api).status == 200);
    let early = api.verify("alice", &phone.code(machine.step())).expect("an answer");
    assert_eq!(
        early.outcome(),
        "refused",
        "D4: her last step lies ahead, and is never lowered"
    );
    assert_eq!(
        api.verify("alice", &used).expect("an answer").outcome(),
        "refused",
        "D4"
    );
    let shown = api.get(&format!("/v1/accounts/acme/users/alice/devices/{device}"));
    let shown = shown.expect("an answer").with_status(200);
    assert!(shown.body["refused_until"].is_string(), "{}", shown.body);
    let believed = trail(&api, &served.dir, "clock.believe");
    assert_eq!(believed.len(), 1, "A3: it is in the trail: {believed:?}");
    assert_eq!(believed[0]["cause"], "synchronised");
}

#[test]
fn a_gap_that_the_file_allows_is_allowed_beside_the_service_too() {
    let machine = Machine::new();
    machine.with_alice();
    machine.set(2 * DAY_S);
    let believed = |args: &[&str]| {
        let status = machine.clock(&[&["status"], args].concat()).with_code(0).out;
        let line = status.lines().find_map(|line| line.strip_prefix("believed"));
        line.expect("a line").trim().to_owned()
    };
    assert!(believed(&[]).starts_with("no: it is 2 d past the newest record"));
    let config = machine.home.path().join("config.toml");
    fs::write(&config, "[policy]\nclock_gap_hours = 72\n").expect("a file");
    assert_eq!(believed(&["--config", config.to_str().expect("UTF-8")]), "yes");
}

#[test]
fn a_start_ahead_whose_clock_the_kernel_vouches_for_is_ready_at_once() {
    let machine = Machine::new();
    let (api, _, phone) = machine.with_alice();
    machine.set(40 * DAY_S);
    machine.synchronised(true);
    let served = machine.serve();
    let api = api.at(&served.url);
    assert_eq!(ready(&api).status, 200, "the service was off for forty days");
    assert_accepts(&machine, &api, &phone);
}

#[test]
fn a_restart_after_a_quiet_night_is_ready_at_once() {
    let machine = Machine::new();
    let (api, _, phone) = machine.with_alice();
    machine.set(23 * HOUR_S);
    let served = machine.serve();
    let api = api.at(&served.url);
    assert_eq!(ready(&api).status, 200);
    assert_accepts(&machine, &api, &phone);
}

#[test]
fn an_operator_accepts_the_clock_and_what_lies_ahead_afterwards_is_listed() {
    let machine = Machine::new();
    let (api, device, phone) = machine.with_alice();
    machine.set(365 * DAY_S);
    let served = machine.serve();
    let here = api.at(&served.url);
    assert_doubted(&machine, &here, &phone);

    // Shown before it is asked, and asked before it is done.
    let shown = machine.clock(&["status", "--json"]).with_code(0).json();
    assert!(shown["gap_s"].as_i64().is_some_and(|gap| gap > 364 * DAY_S), "{shown}");
    assert_eq!(shown["synchronised"], false);
    let asked = machine.clock(&["accept"]).with_code(2);
    assert!(
        asked.out.contains("newest record") && asked.err.contains("--yes"),
        "{asked:?}"
    );
    assert_doubted(&machine, &here, &phone);
    machine.clock(&["accept", "--yes", "--actor", "kim"]).with_code(0);
    until("it is ready", || ready(&here).status == 200);
    assert_accepts(&machine, &here, &phone);
    served.end().with_code(0);

    // It was wrong after all.
    machine.set(0);
    let served = machine.serve();
    let here = api.at(&served.url);
    assert_doubted(&machine, &here, &phone);
    machine.clock(&["accept", "--yes", "--actor", "kim"]).with_code(0);
    until("it is ready", || ready(&here).status == 200);
    let answer = here.verify("alice", &phone.code(machine.step())).expect("an answer");
    assert_eq!(answer.outcome(), "refused", "never lowered");
    let shown = machine.clock(&["status", "--json"]).with_code(0).json();
    assert_eq!(shown["devices_ahead"][0]["device_id"], *device, "{shown}");
    assert!(shown["devices_ahead"][0]["refused_until"].is_string(), "{shown}");
    let listed = machine.clock(&["status"]).with_code(0);
    assert!(listed.out.contains("acme/alice"), "{}", listed.out);

    // Everybody else goes on, and so does she once she has bound anew.
    bind(&here, "bob", machine.step_that_lasts());
    let closed = here.delete("/v1/accounts/acme/users/alice?actor_id=kim&actor_kind=support");
    closed.expect("an answer").with_status(204);
    bind(&here, "alice", machine.step_that_lasts());
    let shown = machine.clock(&["status", "--json"]).with_code(0).json();
    assert_eq!(shown["devices_ahead"], json!([]));

    let accepted = trail(&here, &served.dir, "clock.accept");
    assert_eq!(accepted.len(), 2, "A3: {accepted:?}");
    assert!(
        accepted.iter().all(|event| event["actor"]["id"] == "kim"),
        "A3: {accepted:?}"
    );
    // A new start has nothing to doubt.
    served.end().with_code(0);
    let served = machine.serve();
    assert_eq!(ready(&api.at(&served.url)).status, 200);
}

#[test]
fn a_clock_that_jumps_under_a_running_service_is_doubted_until_it_is_right_or_vouched_for() {
    let machine = Machine::new();
    let served = machine.serve();
    let api = served.api();
    let (_, phone) = bind(&api, "alice", machine.step_that_lasts());
    for there in [10 * MINUTE_S, 2 * DAY_S, -10 * MINUTE_S, 365 * DAY_S] {
        machine.set(there);
        assert_unreliable(&api.verify("alice", &phone.code(machine.step())).expect("an answer"));
        assert_unreliable(&ready(&api));
        machine.set(0);
        assert_eq!(ready(&api).status, 200, "a short mistake leaves no trace");
    }
    if soak() {
        // It keeps its word for a minute, and that is not enough for two days.
        machine.set(2 * DAY_S);
        assert_doubted(&machine, &api, &phone);
        thread::sleep(Duration::from_secs(70));
        assert_doubted(&machine, &api, &phone);
        machine.set(0);
        machine.set(HOUR_S);
        assert_unreliable(&ready(&api));
        thread::sleep(Duration::from_secs(70));
        assert_eq!(ready(&api).status, 200, "it kept its word");
    }
    machine.set(2 * DAY_S);
    assert_doubted(&machine, &api, &phone);
    machine.clock(&["accept", "--yes"]).with_code(0);
    until("it is ready", || ready(&api).status == 200);
    assert_accepts(&machine, &api, &phone);
}

#[test]
fn steps_of_less_than_a_minute_walk_through_no_lock() {
    let machine = Machine::new();
    let served = machine.serve();
    let api = served.api();
    let (_, phone) = bind(&api, "alice", machine.step_that_lasts());
    let step = machine.step();
    let mut wrong = 0;
    while wrong < 12 {
        let code = format!("{:06}", 111_111 + wrong);
        wrong += 1;
        let near = (step - 3..step + 6)
            .map(|step| phone.code(step))
            .any(|right| right == code);
        if !near {
            api.verify("alice", &code).expect("an answer");
        }
    }
    let locked = api.verify("alice", &phone.code(machine.step())).expect("an answer");
    assert_eq!(locked.outcome(), "locked", "A1");
    for (step_s, steps) in [(59, 70), (-59, 70), (5, 900)] {
        machine.set(0);
        for nth in 1..=steps {
            machine.set(nth * step_s);
            let answer = api.verify("alice", &phone.code(machine.step())).expect("an answer");
            if answer.status == 200 {
                assert_eq!(answer.outcome(), "locked", "A1: after {nth} steps of {step_s} s");
            } else {
                assert_unreliable(&answer);
            }
        }
        assert_unreliable(&ready(&api));
    }
    // A minute of it was within what clocks may gain; from there the service goes on.
    machine.set(58);
    until("it is ready", || ready(&api).status == 200);
    let locked = api.verify("alice", &phone.code(machine.step())).expect("an answer");
    assert_eq!(locked.outcome(), "locked", "A1: as long as ever");
}
