//! What a botnet can do that has the password and ten thousand addresses, in a year of virtual time (A1, A2): the guesses that are
//! judged on each road, how long the owner is locked out of it, and that they get in all the same. The manual has the table:
//! `cargo test -p countersign-service --test botnet -- --nocapture` prints it.

mod support;

use service::{
    AnsweredChallenge, Caller, Challenge, ChallengeAnswer, ChallengePurpose, Client, Decision, Factor, Ground, Id,
    NewChallenge, ServiceError, UnixMs,
};
use support::{STEP_MS, World, alice, by_code, phone::Phone, text};
use verify::{LIFTS, Policy};

const ADDRESSES: u32 = 10_000;
const USERS: u32 = 100_000;
const YEAR: i64 = 365 * UnixMs::DAY;
/// The chance of one guess: three steps of six digits.
const HIT: f64 = 3e-6;

/// What came of one road in a year.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Road {
    /// Guesses that were judged.
    judged: u32,
    /// Time in which nothing was judged on it.
    locked_ms: i64,
}

impl Road {
    fn locked_share(&self) -> f64 {
        self.locked_ms as f64 / YEAR as f64
    }
}

/// A user whom the botnet is after, and her browser.
struct Siege {
    world: World,
    caller: Caller,
    device: Id,
    phone: Phone,
    papers: Vec<String>,
    trust: String,
    number: u32,
}

impl Siege {
    async fn begun() -> Self {
        let world = World::new().await;
        let caller = world.all().await;
        let (device, phone, papers) = world.bind_as(&caller, &alice(), None, true).await;
        let papers = papers.iter().map(|paper| paper.as_str().to_owned()).collect();
        let mut siege = Self {
            world,
            caller,
            device,
            phone,
            papers,
            trust: String::new(),
            number: 0,
        };
        let asked = siege.login(None, true).await;
        siege.typed_in_the_browser(&asked, false).await;
        siege
    }

    /// The login service asks for somebody who has the password, each time from another address.
    async fn login(&mut self, trust: Option<String>, is_risky: bool) -> Challenge {
        self.ask(ChallengePurpose::Login, trust, is_risky).await
    }

    async fn ask(&mut self, purpose: ChallengePurpose, trust: Option<String>, is_risky: bool) -> Challenge {
        let is_login = purpose == ChallengePurpose::Login;
        self.number += 1;
        let [.., high, low] = (self.number % ADDRESSES).to_be_bytes();
        let wanted = NewChallenge {
            owner: alice(),
            purpose,
            audience: None,
            operation: (!is_login).then(|| "console/set-a-new-password".into()),
            resource: None,
            session_id: None,
            first_factor: is_login.then(|| "password".into()),
            client: Some(Client {
                ip: Some(format!("198.18.{high}.{low}")),
                user_agent: None,
            }),
            is_risky,
            trusted_device: trust,
        };
        let asked = self.world.service.create_challenge(&self.caller, &wanted).await;
        asked.expect("a decision")
    }

    async fn answer(&self, asked: &Challenge, method: &str, code: &str, trust_device: bool) -> AnsweredChallenge {
        let answer = ChallengeAnswer {
            method: method.into(),
            code: text(code),
            trust_device,
        };
        let told = self
            .world
            .service
            .answer_challenge(&self.caller, &asked.id, answer)
            .await;
        match told {
            // Suspended: nothing is judged, and no time ends it.
            Err(ServiceError::Locked { .. }) => AnsweredChallenge {
                decision: Decision::Challenge,
                method: method.into(),
                locked_until: Some(UnixMs::new(i64::MAX)),
                grant: None,
                wrong_since_last_success: None,
                trusted_device: None,
            },
            told => told.expect("an answer"),
        }
    }

    /// She is asked in the browser that she trusts: judged on its own road, whatever the others are.
    async fn typed_in_the_browser(&mut self, asked: &Challenge, by_paper: bool) {
        let (method, code) = match by_paper.then(|| self.papers.pop()).flatten() {
            Some(paper) => ("recovery_code", paper),
            None => ("totp", self.phone.shows(self.world.now())),
        };
        let told = self.answer(asked, method, &code, true).await;
        assert_eq!(told.decision, Decision::Allow, "A2: {method} in her own browser");
        self.trust = told.trusted_device.expect("it is trusted for a week more");
        self.world.clock.pass(STEP_MS);
    }

    /// She logs in from her browser: on some days she is asked for a code, for her service calls the login risky; and on some
    /// of those her phone is not at hand.
    async fn owner_logs_in(&mut self, day: i64) {
        let asked = self.login(Some(self.trust.clone()), day % 6 == 0).await;
        match asked.decision {
            Decision::Allow => {
                assert_eq!(asked.ground, Ground::TrustedDevice);
                self.trust = asked.trusted_device.expect("the next token");
            }
            Decision::Challenge => self.typed_in_the_browser(&asked, day % 42 == 0).await,
            Decision::Deny => panic!("A2: the owner is denied"),
        }
    }

    /// Guesses that are wrong, and look like nobody's mistake: with others a year would end now and then with one more, or with
    /// the botnet in, which the arithmetic counts.
    fn codes(&self) -> Vec<String> {
        self.phone.wrong_codes(self.world.now(), 20)
    }

    /// Guesses on one road until nothing is judged; gives how many were, and until when that lasts.
    async fn guess(&mut self, purpose: ChallengePurpose, method: &str) -> (u32, UnixMs) {
        let mut judged = 0;
        let mut codes = self.codes();
        loop {
            let guess = match method {
                "totp" => codes.pop().expect("fewer are judged in a row"),
                _ => (0..16).rev().map(|place| letter(self.number, place)).collect(),
            };
            let asked = self.ask(purpose, None, false).await;
            let told = self.answer(&asked, method, &guess, false).await;
            match told.locked_until {
                // The one that locks was judged.
                Some(until) => return (judged + u32::from(asked.locked_until.is_none()), until),
                None => judged += 1,
            }
        }
    }

    /// Support lifts the suspension, if it may.
    async fn is_lifted(&self) -> bool {
        let lifted = self
            .world
            .service
            .unlock(&self.caller, &alice(), self.device, None)
            .await;
        lifted.is_ok()
    }

    /// Guesses where factors are changed, if whoever has the password gets so far.
    async fn guess_at_unbinding(&mut self) -> (u32, UnixMs) {
        let mut judged = 0;
        let mut codes = self.codes();
        loop {
            let guess: Factor = by_code(&codes.pop().expect("fewer are judged in a row"));
            match self
                .world
                .service
                .unbind(&self.caller, &alice(), self.device, &guess)
                .await
            {
                Err(ServiceError::CodeRefused { .. }) => judged += 1,
                Err(ServiceError::Locked { until, .. }) => return (judged, until.unwrap_or(UnixMs::new(i64::MAX))),
                told => panic!("{told:?}"),
            }
        }
    }
}

/// A hexadecimal digit of it, as a letter.
fn letter(number: u32, place: u32) -> char {
    let digit = u64::from(number) >> (4 * place) & 15;
    char::from(b'A' + u8::try_from(digit).expect("a digit"))
}

/// What the botnet does on one road at the moment, and when it can go on.
async fn attack(siege: &mut Siege, road: &mut Road, next: &mut UnixMs, method: &str) {
    let now = siege.world.now();
    if now < *next {
        return;
    }
    let (judged, until) = match method {
        "unbinding" => siege.guess_at_unbinding().await,
        "identity" => siege.guess(ChallengePurpose::Identity, "totp").await,
        method => siege.guess(ChallengePurpose::Login, method).await,
    };
    road.judged += judged;
    *next = until;
    let end = support::BEGINNING.plus(YEAR);
    road.locked_ms += until.min(end).since(now);
}

const METHODS: [&str; 4] = ["totp", "recovery_code", "unbinding", "identity"];

/// A year of the real service: the botnet goes on the moment it can, and she logs in every day.
async fn year(support_lifts: bool) -> [Road; 4] {
    let mut siege = Siege::begun().await;
    let mut roads = [Road::default(); 4];
    let mut next = [siege.world.now(); 4];
    let end = support::BEGINNING.plus(YEAR);
    let mut day = 0;
    while siege.world.now() < end {
        for ((road, next), method) in roads.iter_mut().zip(&mut next).zip(METHODS) {
            attack(&mut siege, road, next, method).await;
        }
        let now = siege.world.now();
        let morning = support::BEGINNING.plus(day * UnixMs::DAY);
        if now >= morning {
            siege.owner_logs_in(day).await;
            day += 1;
            // Support lifts what is suspended, as long as it may.
            if support_lifts && next[0] == UnixMs::new(i64::MAX) && siege.is_lifted().await {
                roads[0].locked_ms -= end.since(now);
                next[0] = now;
            }
        }
        let tomorrow = support::BEGINNING.plus(day * UnixMs::DAY);
        let soonest = next.into_iter().min().unwrap_or(tomorrow).min(tomorrow);
        siege.world.clock.pass(soonest.since(siege.world.now()).max(1));
    }
    roads
}

/// How many of so many users are let in to, when each has this many guesses against them.
fn expected(users: u32, judged: u32) -> f64 {
    f64::from(users) * (1.0 - (1.0 - HIT).powi(i32::try_from(judged).expect("few")))
}

fn row(name: &str, road: &Road, hit: f64) -> String {
    if road.judged == 0 {
        return format!("| {name} | 0 | none | none | never |");
    }
    let one = 1.0 - (1.0 - hit).powi(i32::try_from(road.judged).expect("few"));
    let (one, all) = match hit < 1e-12 {
        true => ("under 1 in 10^18".to_owned(), "none".to_owned()),
        false => (
            format!("1 in {:.0}", 1.0 / one),
            format!("{:.0}", expected(USERS, road.judged)),
        ),
    };
    let locked = format!("{:.1} %", 100.0 * road.locked_share());
    format!("| {name} | {} | {one} | {all} | {locked} |", road.judged)
}

/// The table of the manual. Whenever she was asked in this year, the owner got in: the walk through it says so.
#[tokio::test]
async fn a1_a2_a_botnet_with_the_password_for_a_year() {
    let [alone, paper, unbinding, identity] = year(false).await;
    let [lifted, ..] = year(true).await;
    let browser = Road::default();
    let lines = [
        row("a code at login, from anywhere", &alone, HIT),
        row("the same, and support lifts it whenever it may", &lifted, HIT),
        row("a code at unbinding, if they get so far", &unbinding, HIT),
        row("a code at a check of identity, without the password", &identity, HIT),
        row("a recovery code, from anywhere", &paper, 10.0 / 80_f64.exp2()),
        row(
            "a code or a recovery code in the owner's trusted browser",
            &browser,
            HIT,
        ),
    ];
    let table = lines.join("\n");
    println!("{table}");
    assert_eq!((alone.judged, unbinding.judged, identity.judged), (60, 20, 10), "A1");
    assert!(
        (60..=5 * (60 + Policy::default().verification.lift * LIFTS)).contains(&lifted.judged),
        "A1: {lifted:?}"
    );
    let manual = include_str!("../../../src/manual/lockout.md");
    assert!(manual.contains(&table), "src/manual/lockout.md is to say:\n{table}");
}
