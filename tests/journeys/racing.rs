//! Many hands, one code: it opens once (D4, invariant 3), and guessing together is no faster (A1).

use std::{env, sync::Arc, thread};

use serde_json::{Value, json};
use server::Limits;
use service::{Answer, Caller, Id, Method, Owner, Question, Role, ServiceError, Settings};
use tokio::sync::Barrier;

use crate::{
    judges::STEP_MS,
    raw::{self, Line},
    world::{Bound, HOUR_MS, Offered, World, accepted},
};

pub(crate) const RACERS: usize = 64;

/// All rounds where there is time, enough to trust in where there is not.
fn rounds(short: usize, long: usize) -> usize {
    if env::var_os("COUNTERSIGN_SOAK").is_some() {
        long
    } else {
        short
    }
}

fn question(code: &str) -> Question {
    Question {
        owner: Owner::new("acme", "alice"),
        code: code.to_owned().into(),
        first_factor: true,
        method: Method::Totp,
        request_id: None,
        client: None,
    }
}

/// All racers ask at once, each in a task of its own.
pub(crate) fn race(world: &World, code: &str) -> Vec<Result<Answer, ServiceError>> {
    let service = world.service();
    world.wait(async {
        let start = Arc::new(Barrier::new(RACERS));
        let racers: Vec<_> = (0..RACERS)
            .map(|_| {
                let (service, start, question) = (service.clone(), start.clone(), question(code));
                tokio::spawn(async move {
                    start.wait().await;
                    service.verify(&Caller::shell(), vec![question]).await.remove(0)
                })
            })
            .collect();
        let mut answers = Vec::with_capacity(RACERS);
        for racer in racers {
            answers.push(racer.await.expect("a racer does not panic"));
        }
        answers
    })
}

pub(crate) fn count(
    answers: &[Result<Answer, ServiceError>],
    wanted: impl Fn(&Result<Answer, ServiceError>) -> bool,
) -> usize {
    answers.iter().filter(|answer| wanted(answer)).count()
}

/// Accepted, as a code of this device, for the first time.
pub(crate) fn opened(answer: &Result<Answer, ServiceError>, device: Option<Id>) -> bool {
    matches!(answer, Ok(Answer::Accepted(accepted)) if accepted.device == device && !accepted.repeated)
}

#[test]
fn of_64_requests_with_one_right_code_one_is_accepted_however_many_may_wait() {
    let settings = Settings {
        waiting_per_user: RACERS,
        ..Settings::default()
    };
    let world = World::with(settings, Limits::default());
    let bound = world.user("acme", "alice").bind();
    let device = Some(bound.device.parse().expect("an id"));
    for round in 0..1_000 {
        let code = bound.phone.code_at(world.now_ms());
        let answers = race(&world, &code);
        let winners = count(&answers, |answer| opened(answer, device));
        assert_eq!(winners, 1, "D4: round {round}");
        // The others are a used code by now, the same each time: one guess (A1).
        let refused = count(&answers, |answer| *answer == Ok(Answer::Refused));
        assert_eq!(refused, RACERS - 1, "A1: round {round}: {answers:?}");
        world.pass(HOUR_MS);
    }
}

#[test]
fn of_64_requests_with_one_right_code_one_is_accepted_and_most_are_told_to_wait() {
    let mut world = World::new();
    let bound = world.user("acme", "alice").bind();
    let device = Some(bound.device.parse().expect("an id"));
    let rounds = 1_000;
    let codes = bound.phone.codes_from(world.now_ms(), rounds);
    // Once in a million steps a phone shows the same code again, and it may be taken for the later one.
    let again = |round: usize| {
        let near = &codes[round.saturating_sub(1)..rounds.min(round + 2)];
        near.iter().filter(|code| **code == codes[round]).count() > 1
    };
    let (mut races, mut waits) = (0, 0);
    for (round, code) in codes.iter().enumerate() {
        if again(round) {
            world.pass(STEP_MS);
            continue;
        }
        let answers = race(&world, code);
        races += 1;
        let winners = count(&answers, |answer| opened(answer, device));
        assert_eq!(winners, 1, "D4: round {round}: {answers:?}");
        waits += count(&answers, |answer| *answer == Err(ServiceError::RateLimited));
        // Were ten refused meanwhile, support opens the lock.
        if count(&answers, |answer| matches!(answer, Ok(Answer::Locked { .. }))) > 0 {
            world.user("acme", "alice").unlock(&bound.device);
        }
        world.pass(STEP_MS);
    }
    assert!(
        waits > races,
        "one judged, four waiting: the rest is told to come back, {waits} in {races} races"
    );
    let verified = world.user("acme", "alice").events("verify", "accepted");
    assert_eq!(
        verified.len(),
        races,
        "A3: every acceptance is in the trail, and no other"
    );
    world.assert_trail_holds();
}

#[test]
fn over_http_too() {
    let world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let mut lines: Vec<Line> = (0..RACERS).map(|_| Line::to(world.address())).collect();
    for round in 0..rounds(30, 1_000) {
        let code = bound.phone.code_at(world.now_ms());
        let body = json!({"account": "acme", "user": "alice", "code": code, "first_factor": true});
        let request = raw::post("/v1/verify", world.key(Role::Verify), &body);
        let (last, most) = request.split_last().expect("a request has bytes");
        for line in &mut lines {
            assert!(line.send(most), "the connection is kept alive");
        }
        for line in &mut lines {
            assert!(line.send(&[*last]), "the last byte starts them all");
        }
        let answers: Vec<_> = lines.iter_mut().map(|line| line.answer().expect("an answer")).collect();
        let won = answers
            .iter()
            .filter(|answer| answer.json() == accepted(&bound.device))
            .count();
        assert_eq!(won, 1, "D4: round {round}");
        for answer in &answers {
            let code = &answer.json()["code"];
            assert!(
                answer.status == 200 || (answer.status == 429 && code == "rate_limited"),
                "{answer:?}"
            );
        }
        // Losers have guessed wrong (A1); support is kind to racers.
        alice.unlock(&bound.device);
        world.pass(STEP_MS);
    }
}

/// All items of one batch guess at one user's code.
fn guesses(bound: &Bound, world: &World, from: usize) -> Value {
    let near = bound.phone.codes_from(world.now_ms() - 2 * STEP_MS, 5);
    let codes = (from..)
        .map(|number| format!("{number:06}"))
        .filter(|code| !near.contains(code));
    let item = |code| json!({"account": "acme", "user": "alice", "code": code, "first_factor": true});
    json!({"items": codes.take(4_096).map(item).collect::<Vec<_>>()})
}

#[test]
fn eight_thousand_guesses_in_two_batches_at_once_get_ten_judgements() {
    let mut world = World::new();
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let bodies = [guesses(&bound, &world, 0), guesses(&bound, &world, 500_000)];
    let results: Vec<Value> = thread::scope(|scope| {
        let send = |body| world.post(Role::Verify, "/v1/verify/batch", body).expect(200)["results"].clone();
        let sending: Vec<_> = bodies.iter().map(|body| scope.spawn(move || send(body))).collect();
        sending
            .into_iter()
            .map(|sending| sending.join().expect("a batch is answered"))
            .collect()
    });
    let outcomes: Vec<&Value> = results
        .iter()
        .flat_map(|results| results.as_array().expect("results"))
        .collect();
    assert_eq!(outcomes.len(), 2 * 4_096);
    let with = |outcome: &str| outcomes.iter().filter(|result| result["outcome"] == outcome).count();
    assert_eq!(
        (with("accepted"), with("refused")),
        (0, 10),
        "A1: ten judgements in all"
    );
    assert_eq!(with("locked"), 2 * 4_096 - 10);

    // The trail agrees: ten refusals, and the rest as a count (A3).
    drop(alice);
    world.restart();
    let alice = world.user("acme", "alice");
    assert_eq!(alice.events("verify", "refused").len(), 10);
    let counts = alice.events("verify", "locked");
    let met: u64 = counts
        .iter()
        .map(|event| event["count"].as_u64().expect("a count"))
        .sum();
    assert_eq!(met, 2 * 4_096 - 10);
    assert!(counts.len() <= 2, "A3: a record a minute, not a record a guess");
}

#[test]
fn one_batch_with_one_right_code_many_times_opens_once() {
    let world = World::new();
    let bound = world.user("acme", "alice").bind();
    let code = bound.phone.code_at(world.now_ms());
    let item = json!({"account": "acme", "user": "alice", "code": code, "first_factor": true});
    let body = json!({"items": vec![item; 4_096]});
    let results = world.post(Role::Verify, "/v1/verify/batch", &body).expect(200)["results"].clone();
    assert_eq!(
        results[0],
        accepted(&bound.device),
        "those of one user are decided in their order"
    );
    let others = &results.as_array().expect("results")[1..];
    assert!(others.iter().all(|result| result["accepted"] == false), "D4");
}

#[test]
fn two_bindings_at_once_end_in_one_device() {
    let world = World::lingering(Settings::default());
    for round in 0..rounds(20, 200) {
        let name = format!("user-{round}");
        let user = world.user("acme", &name);
        let offered: Vec<_> = thread::scope(|scope| {
            let starting: Vec<_> = (0..4).map(|_| scope.spawn(|| user.enroll(&json!({})))).collect();
            starting
                .into_iter()
                .map(|starting| starting.join().expect("a binding starts"))
                .collect()
        });
        let now_ms = world.now_ms();
        let codes: Vec<String> = offered.iter().map(|offered| offered.phone.code_at(now_ms)).collect();
        let done: Vec<u16> = thread::scope(|scope| {
            let confirm = |id: &str, code: &str| user.confirm(id, &[code]).status;
            let confirming: Vec<_> = offered
                .iter()
                .zip(&codes)
                .map(|(offered, code)| scope.spawn(move || confirm(&offered.id, code)))
                .collect();
            confirming
                .into_iter()
                .map(|confirming| confirming.join().expect("an answer"))
                .collect()
        });
        assert_eq!(
            done.iter().filter(|status| **status == 200).count(),
            1,
            "D3: round {round}: {done:?}"
        );
        assert_eq!(
            user.get()["devices"].as_array().expect("devices").len(),
            1,
            "D3: round {round}"
        );
    }
}

#[test]
fn a_recovery_code_opens_once_however_many_try() {
    let world = World::lingering(Settings::default());
    let bound = world.user("acme", "alice").bind();
    for code in &bound.recovery_codes {
        let opened = thread::scope(|scope| {
            let alice = world.user("acme", "alice");
            let asks: Vec<_> = (0..4)
                .map(|_| {
                    let alice = alice.clone();
                    scope.spawn(move || alice.ask(code, &json!({"method": "recovery_code"})).json()["accepted"] == true)
                })
                .collect();
            let opened = asks.into_iter().map(|ask| ask.join().expect("an answer"));
            opened.filter(|opened| *opened).count()
        });
        assert_eq!(opened, 1, "B6: once");
        // Losers have tried a wrong one (A1).
        world.pass(HOUR_MS);
    }
    assert_eq!(world.user("acme", "alice").get()["recovery_codes_left"], 0);
}

#[test]
fn a_way_in_that_was_free_without_a_device_is_not_free_beside_one() {
    let settings = Settings {
        devices_max: 8,
        ..Settings::default()
    };
    let world = World::lingering(settings);
    for round in 0..rounds(20, 200) {
        let name = format!("user-{round}");
        let user = world.user("acme", &name);
        let offered: Vec<_> = thread::scope(|scope| {
            let starting: Vec<_> = (0..4).map(|_| scope.spawn(|| user.enroll(&json!({})))).collect();
            starting
                .into_iter()
                .map(|starting| starting.join().expect("a binding starts"))
                .collect()
        });
        let confirm = |offered: &Offered| {
            user.confirm(&offered.id, &[&offered.phone.code_at(world.now_ms())])
                .status
        };
        let done: Vec<u16> = offered.iter().map(confirm).collect();
        let bound = done.iter().filter(|status| **status == 200).count();
        assert_eq!(
            bound, 1,
            "U5: a further device needs a fresh factor; round {round}: {done:?}"
        );
    }
}

#[test]
fn two_last_devices_that_end_at_once_leave_nothing_behind() {
    let settings = Settings {
        devices_max: 2,
        ..Settings::default()
    };
    let world = World::lingering(settings);
    for round in 0..rounds(20, 200) {
        let name = format!("user-{round}");
        let user = world.user("acme", &name);
        let phone = user.bind();
        let code = phone.phone.code_at(world.now_ms());
        let tablet = user.complete(user.enroll(&json!({"factor": {"code": code}})));
        world.pass(STEP_MS);
        let codes = [&phone, &tablet].map(|bound| (bound, bound.phone.code_at(world.now_ms())));
        let done: Vec<u16> = thread::scope(|scope| {
            let end = |bound: &Bound, code: &str| user.change(&bound.device, "unbind", &json!({"code": code})).status;
            let ending: Vec<_> = codes
                .iter()
                .map(|(bound, code)| scope.spawn(move || end(bound, code)))
                .collect();
            ending
                .into_iter()
                .map(|ending| ending.join().expect("an answer"))
                .collect()
        });
        assert_eq!(done, [204, 204]);
        let left = user.get();
        assert_eq!(left["devices"], json!([]));
        assert_eq!(
            left["recovery_codes_left"], 0,
            "U1: they end with the last device; round {round}"
        );
        assert_eq!(left["protection"]["login_protection"], "none", "U1: round {round}");
    }
}

#[test]
fn guesses_at_unbinding_side_by_side_are_counted_each() {
    let settings = Settings {
        waiting_per_user: RACERS,
        ..Settings::default()
    };
    let world = World::lingering(settings);
    let alice = world.user("acme", "alice");
    let bound = alice.bind();
    let codes = bound.phone.wrong_codes_at(world.now_ms(), RACERS);
    let told: Vec<Value> = thread::scope(|scope| {
        let guess = |code| alice.change(&bound.device, "unbind", &json!({"code": code})).json();
        let guessing: Vec<_> = codes.iter().map(|code| scope.spawn(move || guess(code))).collect();
        guessing
            .into_iter()
            .map(|guess| guess.join().expect("an answer"))
            .collect()
    });
    let judged = told.iter().filter(|told| told["code"] == "code_refused").count();
    let locked = told.iter().filter(|told| told["retry_after_s"] == 3_600).count();
    assert_eq!((judged, locked), (10, RACERS - 10), "A1: {told:?}");
    assert_eq!(alice.events("device.unbind", "refused").len(), 10, "A3");
    // Only that budget is spent: the phone still opens (A2).
    let code = bound.phone.code_at(world.now_ms());
    assert_eq!(alice.verify(&code), accepted(&bound.device));
}

#[test]
fn an_account_that_floods_leaves_room_for_the_others() {
    let world = World::new();
    let bob = world.user("elsewhere", "bob").bind();
    let flood: Vec<Question> = (0..9_000)
        .map(|number| Question {
            owner: Owner::new("acme", format!("user-{number}")),
            ..question("000000")
        })
        .collect();
    let one = Question {
        owner: Owner::new("elsewhere", "bob"),
        ..question(&bob.phone.code_at(world.now_ms()))
    };
    let service = world.service();
    let (flooded, answered) = world.wait(async {
        let flooding = tokio::spawn({
            let service = service.clone();
            async move { service.verify(&Caller::shell(), flood).await }
        });
        // Behind all of them, and it does not wait for all of them.
        tokio::task::yield_now().await;
        let answered = service.verify(&Caller::shell(), vec![one]).await.remove(0);
        (flooding.await.expect("the flood is answered"), answered)
    });
    assert!(
        opened(&answered, Some(bob.device.parse().expect("an id"))),
        "{answered:?}"
    );
    let judged = count(&flooded, |answer| *answer == Ok(Answer::Refused));
    let told_to_wait = count(&flooded, |answer| *answer == Err(ServiceError::RateLimited));
    assert_eq!(judged + told_to_wait, 9_000);
    assert_eq!(judged, 8_192, "an eighth of the places is one account's");
}
