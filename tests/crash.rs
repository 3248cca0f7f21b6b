//! `kill -9` under load, again and again on one data directory: what was acknowledged holds, and no code is right
//! twice (rules D4, U1, A3).
//!
//! Twenty rounds, two hundred with `COUNTERSIGN_SOAK=1`.
#![allow(
    clippy::disallowed_methods,
    reason = "a test of real processes has real time, and waits for it"
)]

mod support;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use support::{
    Dice,
    http::{Api, Reply, Unanswered, question},
    now_step,
    phone::Phone,
    process::{Running, Served, run, serve},
    soak, step_that_lasts,
    tools::sqlite3,
};

const CLIENTS: usize = 8;
/// Bound before the first round, over all clients.
const USERS: usize = 200;
/// Each client binds no more than these: the later of many rounds test as much as the first, and an account has 1,000 (P1).
const USERS_MOST: usize = 120;
/// Wrong codes and repeats since the last success, after which a user is asked for nothing but the code of this very
/// step; the tenth within an hour would lock (rule A1), and up to three more come after a crash.
const MISSES: u32 = 5;

/// One user, as the caller that speaks for them remembers.
struct User {
    name: String,
    phone: Phone,
    device: String,
    status: UserStatus,
    /// The highest step whose code may be burned.
    last: u64,
    /// Accepted in this round, for certain: each must be refused from now on.
    accepted: Vec<u64>,
    /// Bound or unbound in this round: not looked at since.
    unseen: bool,
    /// Accepted by `verify` in all rounds.
    acceptances: usize,
    misses: u32,
    /// Asked, and not answered when the service was killed.
    pending: Option<Pending>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UserStatus {
    Bound,
    Unbound,
    /// The confirmation was never answered and did not happen.
    Never,
}

#[derive(Clone, Debug)]
enum Pending {
    Verify {
        step: u64,
        request_id: String,
    },
    /// Wrong or used already: it changes nothing but a count.
    Miss,
    Confirm,
    Unbind,
}

/// What one client thread did in all rounds.
#[derive(Default)]
struct Tally {
    accepted: usize,
    refused: usize,
    bound: usize,
    unbound: usize,
    unanswered: usize,
    repeated_answers: usize,
}

/// A client thread: a login service and a console for users of its own.
struct Client {
    number: usize,
    api: Api,
    dice: Dice,
    users: Vec<User>,
    tally: Tally,
    requests: u64,
}

impl Client {
    fn request_id(&mut self) -> String {
        self.requests += 1;
        format!("{:011}-{:010}", self.number, self.requests)
    }

    /// Works until the service is gone.
    fn work(&mut self, killed: &AtomicBool) {
        let until = Instant::now() + Duration::from_secs(60);
        while let Ok(()) = self.act() {
            assert!(Instant::now() < until, "the service was never killed");
        }
        self.tally.unanswered += 1;
        assert!(killed.load(Relaxed), "the service is gone before it was killed");
    }

    fn act(&mut self) -> Result<(), Unanswered> {
        let who = self.dice.below(self.users.len());
        let bound = self.users[who].status == UserStatus::Bound;
        match self.dice.below(100) {
            0..5 if self.users.len() < USERS_MOST => self.bind(),
            5..8 if bound => self.unbind(who),
            8..20 if bound => self.miss(who),
            20..30 => self.batch(who),
            _ if bound => self.verify(who),
            _ => self.nothing(),
        }
    }

    /// No code is left for now; but the service may be gone.
    fn nothing(&self) -> Result<(), Unanswered> {
        self.api.get("/healthz").map(drop)
    }

    fn bind(&mut self) -> Result<(), Unanswered> {
        let name = format!("user-{}-{}", self.number, self.users.len());
        let (enrollment, phone) = self.api.start_binding(&name)?;
        let step = now_step() - 1;
        let code = phone.code(step);
        self.users.push(User {
            name,
            phone,
            device: String::new(),
            status: UserStatus::Never,
            last: step,
            accepted: Vec::new(),
            unseen: true,
            acceptances: 0,
            misses: 0,
            pending: Some(Pending::Confirm),
        });
        let user = self.users.last_mut().expect("it was just made");
        let answer = self.api.confirm(&user.name, &enrollment, &code)?;
        user.pending = None;
        if answer.status != 200 {
            // The step before this one was over when the code arrived.
            assert!(step + 1 < now_step(), "{}", answer.body);
            return Ok(());
        }
        user.device = answer.body["device"]["id"].as_str().expect("an id").to_owned();
        user.status = UserStatus::Bound;
        user.accepted.push(step);
        self.tally.bound += 1;
        Ok(())
    }

    fn unbind(&mut self, who: usize) -> Result<(), Unanswered> {
        let user = &mut self.users[who];
        // No neighbour: unbinding has a budget of its own, which verification does not reset.
        let Some(step) = user.fresh_step().filter(|step| *step == now_step()) else {
            return self.nothing();
        };
        let code = user.phone.code(step);
        user.pending = Some(Pending::Unbind);
        user.last = step;
        let answer = self.api.unbind(&user.name, &user.device, &code)?;
        user.pending = None;
        if answer.status == 204 {
            user.status = UserStatus::Unbound;
            user.accepted.push(step);
            user.unseen = true;
            self.tally.unbound += 1;
        } else {
            assert_eq!(answer.body["code"], "code_refused", "{}", answer.body);
            user.misses += 1;
        }
        Ok(())
    }

    /// A wrong code, or a right one again.
    fn miss(&mut self, who: usize) -> Result<(), Unanswered> {
        let again = self.dice.below(2) == 0;
        let user = &mut self.users[who];
        if user.misses >= MISSES {
            return self.nothing();
        }
        let code = match user.accepted.last() {
            Some(step) if again => user.phone.code(*step),
            _ => user.phone.wrong_code(now_step()),
        };
        user.misses += 1;
        user.pending = Some(Pending::Miss);
        let answer = self.api.verify(&user.name, &code)?;
        user.pending = None;
        assert_eq!(answer.outcome(), "refused", "{} {code}", user.name);
        self.tally.refused += 1;
        Ok(())
    }

    fn verify(&mut self, who: usize) -> Result<(), Unanswered> {
        let request_id = self.request_id();
        let user = &mut self.users[who];
        let fresh = user
            .fresh_step()
            .filter(|step| user.misses < MISSES || *step == now_step());
        let Some(step) = fresh else { return self.nothing() };
        let code = user.phone.code(step);
        user.ask(step, &request_id);
        let answer = self
            .api
            .post("/v1/verify", &question(&user.name, &code, Some(&request_id)))?;
        user.pending = None;
        user.answered(step, answer.outcome(), &mut self.tally);
        Ok(())
    }

    /// A few users at once, each code twice: one of the two is right.
    fn batch(&mut self, first: usize) -> Result<(), Unanswered> {
        let mut items = Vec::new();
        let mut asked = Vec::new();
        for who in (0..self.users.len()).cycle().skip(first).take(12) {
            let request_id = self.request_id();
            let user = &mut self.users[who];
            let fresh = user
                .fresh_step()
                .filter(|_| user.status == UserStatus::Bound && user.misses < MISSES);
            let Some(step) = fresh else { continue };
            let code = user.phone.code(step);
            user.ask(step, &request_id);
            items.push(question(&user.name, &code, Some(&request_id)));
            items.push(question(&user.name, &code, None));
            asked.push((who, step));
        }
        if asked.is_empty() {
            return self.nothing();
        }
        let answer = self
            .api
            .post("/v1/verify/batch", &json!({"items": items}))?
            .with_status(200);
        let results: Vec<Value> = answer.body["results"].as_array().expect("results").clone();
        assert_eq!(results.len(), items.len());
        for ((who, step), pair) in asked.into_iter().zip(results.chunks(2)) {
            let user = &mut self.users[who];
            user.pending = None;
            assert_eq!(
                pair[1]["outcome"], "refused",
                "the second of two in one batch: {}",
                user.name
            );
            user.answered(step, pair[0]["outcome"].as_str().expect("an outcome"), &mut self.tally);
            user.misses += 1;
        }
        Ok(())
    }

    /// After a crash: everything that was acknowledged holds, and what was not becomes known.
    fn settle(&mut self) {
        let sound = "the service answers, for nobody kills it";
        for user in &mut self.users {
            match user.pending.take() {
                Some(Pending::Verify { step, request_id }) => {
                    // The way of a caller who got no answer: the same request again.
                    let code = user.phone.code(step);
                    let repeat = question(&user.name, &code, Some(&request_id));
                    let answer = self.api.post("/v1/verify", &repeat).expect(sound);
                    if now_step() == step {
                        assert_eq!(
                            answer.outcome(),
                            "accepted",
                            "{}, whether or not it had been",
                            user.name
                        );
                    }
                    if answer.outcome() == "accepted" {
                        let again = self.api.post("/v1/verify", &repeat).expect(sound);
                        assert_eq!(again.outcome(), "accepted", "{}: the same request", user.name);
                        assert_eq!(again.body["repeated"], true, "{}: and no new grant", user.name);
                        assert_eq!(again.body["decision_id"], answer.body["decision_id"], "{}", user.name);
                        self.tally.repeated_answers += 1;
                    }
                    user.answered(step, answer.outcome(), &mut self.tally);
                    // What was in flight beside it may have counted too.
                    user.misses += 2;
                }
                Some(Pending::Confirm) => {
                    let answer = self.api.user(&user.name).expect(sound);
                    if let [device] = devices(&answer) {
                        user.device = device["id"].as_str().expect("an id").to_owned();
                        user.status = UserStatus::Bound;
                        user.accepted.push(user.last);
                    } else {
                        user.unseen = false;
                    }
                }
                Some(Pending::Unbind) => {
                    let answer = self.api.user(&user.name).expect(sound);
                    if devices(&answer).is_empty() {
                        user.status = UserStatus::Unbound;
                        user.accepted.push(user.last);
                        user.unseen = true;
                    }
                }
                Some(Pending::Miss) | None => {}
            }
            for step in std::mem::take(&mut user.accepted).into_iter().rev().take(3) {
                let code = user.phone.code(step);
                // One in a million is the code of a step to come, too: then it is right, for that one. With so many thousands
                // asked it happens once in some fifty runs.
                if (user.last + 1..=now_step() + 2).any(|to_come| user.phone.code(to_come) == code) {
                    eprintln!("{}: the code of step {step} is one to come, too", user.name);
                    continue;
                }
                user.misses += 1;
                let answer = self.api.verify(&user.name, &code).expect(sound);
                assert_eq!(
                    answer.outcome(),
                    "refused",
                    "{} at step {step} was accepted before the crash",
                    user.name
                );
            }
            if std::mem::take(&mut user.unseen) {
                user.look(&self.api, &mut self.tally);
            }
        }
    }
}

impl User {
    /// A step whose code should be right: not used, and about now.
    fn fresh_step(&self) -> Option<u64> {
        let now = now_step();
        let step = (self.last + 1).max(now - 1);
        (step <= now + 1).then_some(step)
    }

    fn ask(&mut self, step: u64, request_id: &str) {
        self.last = step;
        self.pending = Some(Pending::Verify {
            step,
            request_id: request_id.to_owned(),
        });
    }

    fn answered(&mut self, step: u64, outcome: &str, tally: &mut Tally) {
        if outcome == "accepted" {
            self.accepted.push(step);
            self.acceptances += 1;
            self.misses = 0;
            tally.accepted += 1;
        } else {
            // A neighbour of the present step is out of reach once drift was learned, or time went by.
            // One in a million is the code of a step before, too, and burned with that.
            let code = self.phone.code(step);
            let is_burned = (step - 3..step).any(|before| self.phone.code(before) == code);
            assert!(
                step != now_step() || is_burned,
                "{}: {outcome}, though it is the code of this very step",
                self.name
            );
            assert_eq!(outcome, "refused", "{}", self.name);
            self.misses += 1;
            tally.refused += 1;
        }
    }

    /// What stands about this user, and whether it works.
    fn look(&mut self, api: &Api, tally: &mut Tally) {
        let sound = "the service answers, for nobody kills it";
        let answer = api.user(&self.name).expect(sound);
        let found: Vec<_> = devices(&answer)
            .iter()
            .map(|device| device["id"].as_str().expect("an id"))
            .collect();
        match self.status {
            UserStatus::Bound => assert_eq!(found, [&self.device], "{} was bound", self.name),
            UserStatus::Unbound | UserStatus::Never => assert!(found.is_empty(), "{}: {found:?}", self.name),
        }
        let step = now_step();
        if step <= self.last {
            return;
        }
        let answer = api.verify(&self.name, &self.phone.code(step)).expect(sound);
        if self.status == UserStatus::Bound {
            self.last = step;
            self.answered(step, answer.outcome(), tally);
        } else {
            assert_eq!(answer.outcome(), "refused", "{} has no device", self.name);
        }
    }
}

fn devices(user: &Reply) -> &[Value] {
    assert_eq!(user.status, 200, "{}", user.body);
    user.body["devices"].as_array().expect("devices")
}

/// The service listens elsewhere since it was started again.
fn meet(clients: &mut [Client], service: &Served) {
    for client in clients {
        client.api = client.api.at(&service.url);
    }
}

/// All clients at once, each in a thread of its own.
fn together(clients: &mut [Client], each: impl Fn(&mut Client) + Sync) {
    thread::scope(|scope| {
        let each = &each;
        let working: Vec<_> = clients
            .iter_mut()
            .map(|client| scope.spawn(move || each(client)))
            .collect();
        for client in working {
            if let Err(panic) = client.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}

#[test]
fn acknowledged_is_durable_and_no_code_is_right_twice() {
    let home = tempfile::tempdir().expect("a directory");
    let dir = home.path().join("data");
    let kept = home.path().join("heads.kept");
    let mut dice = Dice::new();
    let mut served = Some(Served::start(&dir));
    let api = served.as_ref().expect("it runs").api();
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|number| Client {
            number,
            api: api.clone(),
            dice: dice.split(),
            users: Vec::new(),
            tally: Tally::default(),
            requests: 0,
        })
        .collect();
    step_that_lasts(8);
    together(&mut clients, |client| {
        while client.users.len() < USERS / CLIENTS {
            client.bind().expect("an answer");
        }
    });
    let judged = &clients[0].users[0].phone;
    for step in now_step()..now_step() + 5 {
        assert_eq!(judged.code(step), judged.code_by_oathtool(step));
    }

    let rounds = if soak() { 200 } else { 20 };
    let began = Instant::now();
    for round in 1..=rounds {
        let service = served.take().expect("it runs");
        meet(&mut clients, &service);
        let key = made_key(&service);
        let killed = AtomicBool::new(false);
        let wait = Duration::from_millis(100 + dice.below(900) as u64);
        thread::scope(|scope| {
            let working = scope.spawn(|| together(&mut clients, |client| client.work(&killed)));
            thread::sleep(wait);
            killed.store(true, Relaxed);
            service.running.kill();
            if let Err(panic) = working.join() {
                std::panic::resume_unwind(panic);
            }
        });
        // As an operator keeps them: out of reach of whoever can write to the data directory.
        fs::copy(dir.join("audit.heads"), &kept).expect("heads are kept");
        if round % 4 == 0 {
            killed_while_starting(&dir, &mut dice);
        }
        let service = Served::start(&dir);
        meet(&mut clients, &service);
        together(&mut clients, Client::settle);
        assert_eq!(sqlite3(&dir, "PRAGMA integrity_check"), "ok");
        holds(&service, &kept);
        served = Some(revoked_for_good(service, &key));
        if round % 10 == 0 {
            println!("round {round} after {:.1} s", began.elapsed().as_secs_f64());
        }
    }

    let service = served.take().expect("it runs");
    meet(&mut clients, &service);
    together(&mut clients, |client| {
        client
            .users
            .iter_mut()
            .for_each(|user| user.look(&client.api, &mut client.tally))
    });
    holds(&service, &kept);
    service.end().with_code(0);
    written_once(&dir, &clients);

    let sum = |count: fn(&Tally) -> usize| clients.iter().map(|client| count(&client.tally)).sum::<usize>();
    let accepted = sum(|tally| tally.accepted);
    println!(
        "{rounds} rounds in {:.1} s: {accepted} accepted, {} refused, {} bound, {} unbound, {} never answered, of \
         which {} were right and repeated",
        began.elapsed().as_secs_f64(),
        sum(|tally| tally.refused),
        sum(|tally| tally.bound),
        sum(|tally| tally.unbound),
        sum(|tally| tally.unanswered),
        sum(|tally| tally.repeated_answers),
    );
    assert!(accepted > USERS, "there was load");
    assert!(
        sum(|tally| tally.unbound) > 0 && sum(|tally| tally.repeated_answers) > 0,
        "there was some of each"
    );
}

/// A key made beside the running service.
fn made_key(service: &Served) -> String {
    run(&mut service.beside(&["key", "create", "--role", "enroll"]), "")
        .with_code(0)
        .out
        .trim()
        .to_owned()
}

/// A key that was made before the crash works after it, and one that was revoked does not come back with another.
fn revoked_for_good(service: Served, key: &str) -> Served {
    let status = |service: &Served| Api::new(&service.url, key).user("anybody").expect("an answer").status;
    assert_eq!(status(&service), 200, "the key was printed before the crash");
    let id = key_id(&service, key);
    run(&mut service.beside(&["key", "revoke", &id]), "").with_code(0);
    let dir = service.dir.clone();
    service.running.kill();
    let again = Served::start(&dir);
    assert_eq!(status(&again), 401, "the key was revoked before the crash");
    again
}

/// The newest key that lives: nobody else makes any.
fn key_id(service: &Served, key: &str) -> String {
    let keys = run(&mut service.beside(&["key", "list", "--json"]), "")
        .with_code(0)
        .json();
    let alive: Vec<_> = keys
        .as_array()
        .expect("an array")
        .iter()
        .filter(|key| key["revoked_at"].is_null())
        .collect();
    assert_eq!(alive.len(), 2, "the first key and {key}");
    let made = alive
        .iter()
        .find(|key| key["roles"] == json!(["enroll"]))
        .expect("the key");
    made["id"].as_str().expect("an id").to_owned()
}

/// Starts that do not get far.
fn killed_while_starting(dir: &Path, dice: &mut Dice) {
    for _ in 0..3 {
        let starting = Running::start(&mut serve(dir));
        thread::sleep(Duration::from_millis(dice.below(120) as u64));
        starting.kill();
    }
}

/// The trail holds, up to the heads of the data directory and up to those that were kept elsewhere.
fn holds(service: &Served, kept: &Path) {
    run(&mut service.beside(&["audit", "verify"]), "").with_code(0);
    let kept = kept.to_str().expect("a path in UTF-8");
    run(&mut service.beside(&["audit", "verify", "--heads", kept]), "").with_code(0);
}

/// The trail has one acceptance for each that was told, and no other (invariant 7).
fn written_once(dir: &Path, clients: &[Client]) {
    let sql = "SELECT user, times FROM user JOIN \
               (SELECT replace(value ->> '$.event.person', '-', '') AS person, count(*) AS times \
                FROM audit, json_each(events) \
                WHERE value ->> '$.event.action' = 'verify' AND value ->> '$.event.outcome' = 'accepted' GROUP BY 1) \
               ON person = lower(hex(id))";
    let rows = sqlite3(dir, sql);
    let mut written: BTreeMap<&str, usize> = rows
        .lines()
        .map(|line| line.split_once('|').expect("two columns"))
        .map(|(user, count)| (user, count.parse().expect("a count")))
        .collect();
    for user in clients.iter().flat_map(|client| &client.users) {
        assert_eq!(
            written.remove(&*user.name).unwrap_or(0),
            user.acceptances,
            "{}",
            user.name
        );
    }
    assert!(written.is_empty(), "{written:?}");
}

/// A first start makes the directory, a keyring, a database and a key; killed anywhere between, the next one ends it.
#[test]
fn a_first_start_may_be_killed_anywhere() {
    let mut dice = Dice::new();
    let home = tempfile::tempdir().expect("a directory");
    let began = Instant::now();
    let measured = Served::start(&home.path().join("measured"));
    let usual = began.elapsed();
    measured.end().with_code(0);
    let mut interrupted = 0;
    for attempt in 0..if soak() { 300 } else { 40 } {
        let dir = home.path().join(format!("data-{attempt}"));
        let starting = Running::start(&mut serve(&dir));
        thread::sleep(usual.mul_f64(dice.below(1_000) as f64 / 1_000.0));
        starting.kill();
        interrupted += usize::from(!dir.join("admin.key").exists());

        let service = Served::start(&dir);
        let api = if dir.join("admin.key").exists() {
            service.api()
        } else {
            // The key was made, and killed before it was written down: the greeting says how to make another.
            let said = service.running.out();
            assert!(said.contains("countersign key create --role verify,enroll"), "{said}");
            let made = run(&mut service.beside(&["key", "create", "--role", "verify,enroll"]), "").with_code(0);
            Api::new(&service.url, made.out.trim())
        };
        let (_, phone) = api.bind("alice", now_step());
        let next = now_step() + 1;
        assert_eq!(
            api.verify("alice", &phone.code(next)).expect("an answer").outcome(),
            "accepted"
        );
        run(&mut service.beside(&["audit", "verify"]), "").with_code(0);
        service.end().with_code(0);
    }
    assert!(interrupted > 0, "no start was killed before its end");
}
