//! How many guesses somebody has who knows the password: the manual's table, computed from the settings, and the real
//! service, asked by every road for weeks (in the long run a year) of virtual time beside an owner who logs in daily.
//! Rule A1.

use std::fs;

use serde_json::{Value, json};
use service::{Role, Settings};
use verify::{LIFTS, Moving, Purpose, ThrottlePolicy, WEEKS};

use crate::{
    judges::STEP_MS,
    support::{
        process::{countersign, run},
        soak,
    },
    world::{HOUR_MS, World},
};

const DAYS_OF_A_YEAR: u32 = 365;

/// A way to have a code judged.
struct Road {
    name: &'static str,
    an_hour: f64,
    a_day: f64,
    in_13_weeks: f64,
    a_year: f64,
    /// The chance of one guess, in a million.
    hits: f64,
}

impl Road {
    /// One with a long count: that many, however they are spread.
    fn counted(name: &'static str, stops: u32, policy: &ThrottlePolicy, hits: f64) -> Self {
        // A year touches 54 weeks at most: five times what thirteen of them allow.
        let weeks = DAYS_OF_A_YEAR.div_ceil(7) + 1;
        let times = weeks.div_ceil(WEEKS as u32);
        Self {
            name,
            an_hour: f64::from(stops.min(policy.attempts)),
            a_day: f64::from(stops),
            in_13_weeks: f64::from(stops),
            a_year: f64::from(stops * times),
            hits,
        }
    }

    /// One with an hourly count alone: one less than locks, every hour.
    fn hourly(name: &'static str, policy: &ThrottlePolicy, hits: f64) -> Self {
        let an_hour = f64::from(policy.attempts - 1);
        Self {
            name,
            an_hour,
            a_day: 24.0 * an_hour,
            in_13_weeks: 24.0 * 7.0 * WEEKS as f64 * an_hour,
            a_year: 24.0 * f64::from(DAYS_OF_A_YEAR) * an_hour,
            hits,
        }
    }

    /// Of a thousand years, how many end with somebody in.
    fn in_a_thousand(&self) -> f64 {
        self.a_year * self.hits / 1_000.0
    }
}

/// Every road that is open to somebody with the password, of users whose devices go by the time, or count.
fn roads(settings: &Settings, moving: Moving) -> Vec<Road> {
    let policy = &settings.policy;
    let devices = settings.devices_max as f64;
    // Codes that are right at a time; and places of two in a row.
    let (targets, places) = match moving {
        Moving::Time => (2 * policy.window_steps + 1, 2 * policy.search_steps + 1),
        Moving::Counter => (policy.counter_look_ahead + 1, policy.counter_search + 1),
    };
    let code = devices * f64::from(targets);
    // Two six-digit codes in a row, in millionths.
    let pair = devices * f64::from(places) / 1e6;
    let paper = settings.recovery_codes as f64 * 1e6 / 80_f64.exp2();
    let of = |purpose| policy.throttle(purpose, moving);
    let counted = |name, purpose, hits| Road::counted(name, of(purpose).suspend_after, &of(purpose), hits);
    let verification = of(Purpose::Verification);
    let lifted = verification.lift * LIFTS;
    vec![
        counted("`/verify`, one by one or in batches", Purpose::Verification, code),
        counted("unbinding, replacing, new recovery codes", Purpose::Unbinding, code),
        counted("a check of identity, which needs no password", Purpose::Identity, code),
        Road::counted("two lifted suspensions, wherever", lifted, &verification, code),
        counted("resync (two codes in a row)", Purpose::Resync, pair),
        Road::hourly("recovery codes", &policy.recovery_codes, paper),
    ]
}

/// As it stands in the manual.
fn table(settings: &Settings, moving: Moving) -> String {
    let mut lines = vec![
        "| road | an hour | a day | 13 weeks | a year | hits of a million | let in, of 1,000 years |".to_owned(),
        "|---|---|---|---|---|---|---|".to_owned(),
    ];
    let roads = roads(settings, moving);
    for road in &roads {
        lines.push(format!(
            "| {} | {} | {} | {} | {} | {} | {:.2} |",
            road.name,
            road.an_hour,
            road.a_day,
            road.in_13_weeks,
            road.a_year,
            if road.hits < 0.1 {
                "under 0.01".to_owned()
            } else {
                road.hits.to_string()
            },
            road.in_a_thousand(),
        ));
    }
    let sum: f64 = roads.iter().map(Road::in_a_thousand).sum();
    let codes = |of: fn(&Road) -> f64| roads[..4].iter().map(of).sum::<f64>();
    lines.push(format!(
        "| all, of one code each | {} | {} | {} | {} | | **{sum:.2}** |",
        codes(|road| road.an_hour),
        codes(|road| road.a_day),
        codes(|road| road.in_13_weeks),
        codes(|road| road.a_year),
    ));
    lines.join("\n")
}

/// The largest value that `serve` takes of a setting, in its own words.
fn largest(setting: &str) -> u32 {
    let home = tempfile::tempdir().expect("a temporary directory");
    let config = home.path().join("countersign.toml");
    fs::write(&config, format!("[policy]\n{setting} = 255\n")).expect("a file");
    let mut command = countersign();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(home.path().join("data"));
    let ended = run(command.arg("--config").arg(&config), "").with_code(2);
    let most = ended
        .err
        .split(" to ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next().map(str::to_owned));
    most.and_then(|most| most.parse().ok())
        .unwrap_or_else(|| panic!("{setting}: no largest value in {}", ended.err))
}

fn largest_settings() -> Settings {
    let mut settings = Settings {
        devices_max: largest("devices_max") as usize,
        recovery_codes: largest("recovery_codes") as usize,
        ..Settings::default()
    };
    let policy = &mut settings.policy;
    policy.window_steps = largest("window_steps");
    policy.counter_look_ahead = largest("counter_look_ahead");
    policy.verification.suspend_after = largest("suspend_after");
    policy.unbinding.suspend_after = largest("suspend_unbinding_after");
    let attempts = largest("lock_attempts");
    for road in [
        &mut policy.verification,
        &mut policy.unbinding,
        &mut policy.resync,
        &mut policy.identity,
    ] {
        road.attempts = attempts;
    }
    policy.recovery_codes.attempts = largest("recovery_attempts");
    settings
}

#[test]
fn the_manual_s_table_of_guesses_is_computed_from_the_settings() {
    let manual = include_str!("../../src/manual/lockout.md");
    for (of, settings, moving) in [
        ("the defaults", Settings::default(), Moving::Time),
        ("the defaults, of counter tokens", Settings::default(), Moving::Counter),
        ("the largest settings", largest_settings(), Moving::Time),
        (
            "the largest settings, of counter tokens",
            largest_settings(),
            Moving::Counter,
        ),
    ] {
        let table = table(&settings, moving);
        assert!(
            manual.contains(&table),
            "src/manual/lockout.md, {of}, is to say:\n{table}"
        );
    }
    for moving in [Moving::Time, Moving::Counter] {
        let roads = roads(&Settings::default(), moving);
        let sum: f64 = roads.iter().map(Road::in_a_thousand).sum();
        assert!(sum <= 1.7, "A1: {sum} in 1,000 a year");
    }
}

/// Guesses that were judged, and when.
#[derive(Default)]
struct Judged(Vec<i64>);

impl Judged {
    fn most_within(&self, ms: i64) -> f64 {
        let ends = |from: usize| self.0.partition_point(|at| *at < self.0[from] + ms) - from;
        (0..self.0.len()).map(ends).max().unwrap_or(0) as f64
    }
}

#[test]
fn every_road_at_once_for_weeks_gives_no_more_guesses_than_the_table_says() {
    let days = if soak() { 365 } else { 30 };
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let (mut codes, mut pairs, mut paper) = (Judged::default(), Judged::default(), Judged::default());
    let unlock = alice.path(&format!("/devices/{}/unlock", bound.device));
    let support = json!({"actor": {"id": "desk-14", "kind": "support"}});
    for day in 0..days {
        // The owner, once a day.
        world.pass(STEP_MS);
        let _accepted_or_locked = alice.verify(&bound.phone.code_at(world.now_ms()));
        for quarter in 0..4 {
            let wrong = bound.phone.wrong_codes_at(world.now_ms(), 40);
            let mut fresh = wrong.iter().cycle().skip(quarter + day);
            let mut next = || fresh.next().expect("endless").clone();
            let refused = |answer: &Value| answer["code"] == "code_refused" || answer["outcome"] == "refused";
            for _guess in 0..3 {
                let item =
                    |code: String| json!({"account": "acme", "user": "alice", "code": code, "first_factor": true});
                let batch = json!({"items": [item(next()), item(next())]});
                let answers = world.post(Role::Verify, "/v1/verify/batch", &batch).json();
                let in_batch = answers["results"]
                    .as_array()
                    .map_or(0, |items| items.iter().filter(|item| refused(item)).count());
                let tried = [
                    alice.ask(&next(), &json!({})).json(),
                    alice.change(&bound.device, "unbind", &json!({"code": next()})).json(),
                    alice
                        .start(&json!({"replaces": {"device_id": bound.device, "code": next()}}))
                        .json(),
                    world
                        .post(
                            Role::Enroll,
                            &alice.path("/recovery-codes"),
                            &json!({"code": next(), "actor": alice.actor()}),
                        )
                        .json(),
                ];
                let identity = json!({
                    "account": "acme", "user": "alice", "purpose": "identity", "operation": "console/set-a-new-password",
                });
                let asked = world.post(Role::Verify, "/v1/challenges", &identity).json();
                let path = format!("/v1/challenges/{}/answer", asked["id"].as_str().expect("an id"));
                let suspended = alice.device(&bound.device)["suspended"].clone();
                let is_suspended = suspended
                    .as_array()
                    .is_some_and(|roads| roads.contains(&json!("identity")));
                let is_judged = !is_suspended && asked.get("locked_until").is_none();
                let _refused = world.post(Role::Verify, &path, &json!({"method": "totp", "code": next()}));
                let judged = usize::from(is_judged) + in_batch + tried.iter().filter(|answer| refused(answer)).count();
                codes.0.extend(std::iter::repeat_n(world.now_ms(), judged));
                if refused(
                    &alice
                        .change(&bound.device, "resync", &json!({"codes": [next(), next()]}))
                        .json(),
                ) {
                    pairs.0.push(world.now_ms());
                }
                let letters = ["A", "B", "C", "D"][day % 4].repeat(8);
                let typed = format!("{letters}{}", next().replace(['0', '1', '8', '9'], "2"));
                if refused(
                    &alice
                        .ask(&format!("{typed}AA"), &json!({"method": "recovery_code"}))
                        .json(),
                ) {
                    paper.0.push(world.now_ms());
                }
            }
            // And support, at once, as often as it may.
            let _lifted = world.post(Role::Support, &unlock, &support);
            world.pass(6 * HOUR_MS);
        }
    }
    let roads = roads(&Settings::default(), Moving::Time);
    let day_ms = 24 * HOUR_MS;
    let all = |of: fn(&Road) -> f64| roads[..4].iter().map(of).sum::<f64>();
    // Thirteen weeks by the calendar are twelve at least.
    assert!(
        codes.most_within(12 * 7 * day_ms) <= all(|road| road.in_13_weeks),
        "A1: {} in twelve weeks",
        codes.0.len()
    );
    assert!(
        codes.most_within(365 * day_ms) <= all(|road| road.a_year),
        "A1: {} in a year",
        codes.0.len()
    );
    assert!(
        codes.0.len() as f64 >= all(|road| road.in_13_weeks),
        "the attacker is no straw man: {}",
        codes.0.len()
    );
    assert!(
        pairs.most_within(12 * 7 * day_ms) <= roads[4].in_13_weeks,
        "A1: {} pairs",
        pairs.0.len()
    );
    assert!(
        paper.most_within(day_ms) <= roads[5].a_day + 1.0,
        "A1: {} recovery codes",
        paper.0.len()
    );
    println!(
        "{days} days: {} codes, {} pairs, {} recovery codes judged",
        codes.0.len(),
        pairs.0.len(),
        paper.0.len()
    );
    // The owner is told that somebody has the password, and is let in again by a new one.
    let device = alice.device(&bound.device);
    assert_eq!(device["state"], "suspended", "A1: {device}");
}
