//! Diagnosis of refused codes: support's questions and their answers, in virtual time.

mod support;

use service::{
    Answer, Caller, DiagnosedCause, Diagnosis, Input, Owner, Role, ServiceError, Settings, TokenTransition, UnixMs,
};
use support::{Button, STEP_MS, World, actor_of, alice, bob, by_code, is_invalid, phone::Phone, text};

use DiagnosedCause::{
    ClockOff, NoDevice, OlderEnrollment, OtherAlgorithm, OtherEntry, OtherPeriod, RightButLocked, Used, Wrong,
};

/// So many support cases in all.
const CASES: usize = 1_000;
const KINDS: usize = 14;

/// Whoever asks for this case: nobody's allowance is touched by another's.
async fn ask(world: &World, case: usize, owner: &Owner, code: &str) -> Diagnosis {
    let desk = world.caller(&[Role::Support], None).await;
    let desk = desk.acting(actor_of(&format!("desk-{case}")));
    let told = world.service.diagnose(&desk, owner, &text(code)).await;
    told.expect("an answer")
}

/// A small generator, so that every run has the same cases.
struct Draw(u64);

impl Draw {
    fn between(&mut self, from: i64, to: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        from + i64::try_from(self.0 % u64::try_from(to - from + 1).expect("a range")).expect("small")
    }
}

/// A code that `shown` gives and that is, by chance, no other one of this device: the service looks at a whole day.
async fn unmistakable(world: &World, device: &Phone, shown: impl Fn(UnixMs) -> String) -> String {
    loop {
        let now = world.now();
        let code = shown(now);
        let own = (-2_900..=125).filter(|steps| device.later(now, *steps) == code).count();
        let others = [device.by_sha256(), device.by_sha512(), device.every_s(60)];
        let minutes = |other: &Phone| (-45..=4).any(|steps| other.later(now, steps) == code);
        let strange = others.iter().filter(|other| minutes(other)).count();
        if own + strange <= 1 {
            return code;
        }
        world.clock.pass(STEP_MS);
    }
}

struct Case<'a> {
    world: &'a World,
    caller: &'a Caller,
    number: usize,
    owner: Owner,
    draw: &'a mut Draw,
}

impl Case<'_> {
    async fn refused(&self, code: &str) {
        let told = self.world.verify(self.caller, &self.owner, code).await;
        assert_eq!(told, Ok(Answer::Refused), "case {}", self.number);
    }

    async fn told(&self, code: &str) -> Diagnosis {
        ask(self.world, self.number, &self.owner, code).await
    }

    fn pass_steps(&mut self, from: i64, to: i64) {
        let steps = self.draw.between(from, to);
        self.world.clock.pass(steps * STEP_MS);
    }

    /// Bound two hours ago and more: no code of before that is asked about.
    async fn bound(&mut self) -> (service::Id, Phone) {
        let bound = self.world.bind(self.caller, &self.owner).await;
        self.pass_steps(250, 400);
        bound
    }

    async fn slow_clock(&mut self) {
        let (device, phone) = self.bound().await;
        let steps = self.draw.between(2, 120);
        let code = unmistakable(self.world, &phone, |at| phone.ahead(-steps).shows(at)).await;
        self.refused(&code).await;
        let told = self.told(&code).await;
        assert_eq!(
            (told.cause, told.device),
            (ClockOff, Some(device)),
            "{steps}: {}",
            told.text.en
        );
        assert_eq!(told.clock_off_s, Some(-30 * steps), "{}", told.text.en);
    }

    async fn fast_clock(&mut self) {
        let (_, phone) = self.bound().await;
        let steps = self.draw.between(2, 60);
        let code = unmistakable(self.world, &phone, |at| phone.ahead(steps).shows(at)).await;
        self.refused(&code).await;
        let early = self.told(&code).await;
        assert_eq!(early.cause, Wrong, "A5: nothing of what is still to come");
        // Until it is over, and the trail's own word of it is not masked any more (D5).
        self.world.clock.pass((steps + 3).max(15) * STEP_MS);
        let told = self.told(&code).await;
        assert_eq!(told.cause, ClockOff, "{steps}: {}", told.text.en);
        assert_eq!(told.clock_off_s, Some(30 * steps), "{}", told.text.en);
    }

    async fn used(&mut self) {
        let (device, phone) = self.bound().await;
        let code = unmistakable(self.world, &phone, |at| phone.shows(at)).await;
        let used_at = self.world.now();
        let told = self.world.verify(self.caller, &self.owner, &code).await;
        assert!(matches!(told, Ok(Answer::Accepted(_))), "{told:?}");
        self.refused(&code).await;
        self.pass_steps(0, 20);
        if self.draw.between(0, 1) == 1 {
            self.world.clock.pass(3 * STEP_MS);
            let next = phone.shows(self.world.now());
            let told = self.world.verify(self.caller, &self.owner, &next).await;
            assert!(matches!(told, Ok(Answer::Accepted(_))), "{told:?}");
        }
        for _again in 0..2 {
            let told = self.told(&code).await;
            assert_eq!((told.cause, told.device), (Used, Some(device)), "{}", told.text.en);
            assert_eq!(told.used_at, Some(used_at));
            self.pass_steps(3, 9);
        }
    }

    /// A second device's code where one of the first was asked for.
    async fn other_device(&mut self) {
        let (first, phone) = self.bound().await;
        let factor = service::Replacement {
            replaces: None,
            factor: by_code(&phone.shows(self.world.now())),
        };
        let (second, other, _) = self.world.bind_as(self.caller, &self.owner, Some(factor), false).await;
        self.pass_steps(250, 300);
        let code = unmistakable(self.world, &other, |at| other.shows(at)).await;
        let told = self
            .world
            .service
            .unbind(self.caller, &self.owner, first, &by_code(&code))
            .await;
        assert!(told.is_err());
        self.pass_steps(2, 15);
        let told = self.told(&code).await;
        assert_eq!(
            (told.cause, told.device),
            (OtherEntry, Some(second)),
            "{}",
            told.text.en
        );
    }

    /// The code of an entry that was scanned, and whose binding was not completed.
    async fn unfinished_entry(&mut self) {
        let (offer, entry) = self.world.start(self.caller, &self.owner).await;
        let code = unmistakable(self.world, &entry, |at| entry.shows(at)).await;
        self.refused(&code).await;
        let early = self.told(&code).await;
        assert_eq!(early.cause, NoDevice, "A5: it would still complete the binding");
        self.pass_steps(7, 16);
        let told = self.told(&code).await;
        assert_eq!((told.cause, told.device), (OtherEntry, None), "{:?}", offer.id);
    }

    async fn older_entry(&mut self) {
        let (_, entry) = self.world.start(self.caller, &self.owner).await;
        let (_, newer) = self.world.start(self.caller, &self.owner).await;
        self.pass_steps(0, 12);
        let code = unmistakable(self.world, &newer, |at| entry.shows(at)).await;
        let told = self.told(&code).await;
        assert_eq!(told.cause, OlderEnrollment, "{}", told.text.en);
    }

    async fn otherwise_computed(&mut self, by: impl Fn(&Phone) -> Phone, cause: DiagnosedCause) {
        let (device, phone) = self.bound().await;
        let other = by(&phone);
        let code = unmistakable(self.world, &phone, |at| other.shows(at)).await;
        self.refused(&code).await;
        self.pass_steps(0, 4);
        let told = self.told(&code).await;
        assert_eq!((told.cause, told.device), (cause, Some(device)), "{}", told.text.en);
    }

    async fn locked(&mut self) {
        let (device, phone) = self.bound().await;
        self.world.guess(self.caller, &self.owner, &phone, 10).await;
        self.pass_steps(1, 20);
        let code = unmistakable(self.world, &phone, |at| phone.shows(at)).await;
        let told = self.world.verify(self.caller, &self.owner, &code).await;
        let Ok(Answer::Locked { until, .. }) = told else {
            panic!("{told:?}")
        };
        assert_eq!(self.told(&code).await.cause, Wrong, "A5: nothing of the present");
        self.pass_steps(2, 18);
        let told = self.told(&code).await;
        assert_eq!(
            (told.cause, told.device),
            (RightButLocked, Some(device)),
            "{}",
            told.text.en
        );
        assert_eq!((told.locked_until, until.is_some()), (until, true));
    }

    async fn suspended(&mut self) {
        let (device, phone) = self.bound().await;
        // Some look like mistakes, and do not count for long.
        for wrong in phone.wrong_codes(self.world.now(), 70) {
            match self.world.verify(self.caller, &self.owner, &wrong).await {
                Ok(Answer::Refused) => self.world.clock.pass(UnixMs::HOUR / 8),
                told => {
                    assert!(matches!(told, Ok(Answer::Locked { until: None, .. })), "{told:?}");
                    break;
                }
            }
        }
        let code = unmistakable(self.world, &phone, |at| phone.shows(at)).await;
        self.pass_steps(2, 18);
        let told = self.told(&code).await;
        assert_eq!(
            (told.cause, told.device),
            (RightButLocked, Some(device)),
            "{}",
            told.text.en
        );
        assert!(
            told.locked_until.is_none() && told.text.en.contains("suspended"),
            "{}",
            told.text.en
        );
    }

    async fn unbound(&mut self) {
        let (device, phone) = self.bound().await;
        let code = phone.shows(self.world.now());
        let told = self
            .world
            .service
            .unbind(self.caller, &self.owner, device, &by_code(&code))
            .await;
        told.expect("it is unbound");
        self.pass_steps(2, 90);
        let told = self.told(&phone.shows(self.world.now())).await;
        assert_eq!((told.cause, told.device), (NoDevice, None), "{}", told.text.en);
        assert!(told.text.en.contains("the last one ended"), "{}", told.text.en);
    }

    async fn lost(&mut self) {
        let number = format!("CS-{}", self.number);
        self.world
            .stock(self.caller, &format!("lot-{}", self.number), &[&number])
            .await;
        let (device, token) = self.world.bind_token(self.caller, &self.owner, &number).await;
        self.pass_steps(250, 400);
        let gone = self
            .world
            .service
            .move_token(self.caller, &number, &TokenTransition::Lose)
            .await;
        gone.expect("it is lost");
        let code = unmistakable(self.world, &token, |at| token.shows(at)).await;
        self.pass_steps(2, 18);
        let told = self.told(&code).await;
        assert_eq!(
            (told.cause, told.device),
            (RightButLocked, Some(device)),
            "{}",
            told.text.en
        );
        assert!(
            told.locked_until.is_none() && told.text.en.contains("lost"),
            "{}",
            told.text.en
        );
    }

    async fn never_bound(&mut self) {
        self.refused("492039").await;
        let told = self.told("492039").await;
        assert_eq!((told.cause, told.device), (NoDevice, None));
    }

    async fn wrong(&mut self) {
        let (_, phone) = self.bound().await;
        let code = unmistakable(self.world, &phone, |at| phone.wrong_code(at.plus(-STEP_MS))).await;
        self.refused(&code).await;
        self.pass_steps(0, 300);
        let day = (-2_900..=5).any(|steps| phone.later(self.world.now(), steps) == code);
        let told = self.told(&code).await;
        assert!(day || told.cause == Wrong, "{}", told.text.en);
    }
}

async fn live(case: &mut Case<'_>) {
    match case.number % KINDS {
        0 => case.slow_clock().await,
        1 => case.fast_clock().await,
        2 => case.used().await,
        3 => case.other_device().await,
        4 => case.unfinished_entry().await,
        5 => case.older_entry().await,
        6 => case.otherwise_computed(Phone::by_sha256, OtherAlgorithm).await,
        7 => case.otherwise_computed(|phone| phone.every_s(60), OtherPeriod).await,
        8 => case.locked().await,
        9 => case.suspended().await,
        10 => case.unbound().await,
        11 => case.lost().await,
        12 => case.never_bound().await,
        _ => case.wrong().await,
    }
}

#[tokio::test]
async fn d5_a_thousand_support_cases_get_the_right_cause() {
    let world = World::with(Settings {
        devices_max: 2,
        ..Settings::default()
    })
    .await;
    let caller = world.all().await;
    let mut draw = Draw(0x9e37_79b9_7f4a_7c15);
    for number in 0..CASES {
        let owner = Owner::new(format!("account-{}", number % 7), format!("user-{number}"));
        let mut case = Case {
            world: &world,
            caller: &caller,
            number,
            owner,
            draw: &mut draw,
        };
        live(&mut case).await;
    }
    let asked = world.told("support.diagnose").await;
    assert!(asked.len() >= CASES, "A3: each ask is in the trail: {}", asked.len());
}

#[tokio::test]
async fn a5_twenty_an_hour_for_each_actor_and_each_user() {
    let world = World::new().await;
    let all = world.all().await;
    world.bind(&all, &alice()).await;
    world.bind(&all, &bob()).await;
    let key = world.caller(&[Role::Support], None).await;
    let ask = async |desk: &str, owner: Owner| {
        let desk = key.acting(actor_of(desk));
        world.service.diagnose(&desk, &owner, &text("000000")).await
    };
    for left in (0..20).rev() {
        let told = ask("desk-1", alice()).await.expect("an answer");
        assert_eq!(told.asks_left, left);
    }
    let refused = |told: &Result<Diagnosis, ServiceError>| matches!(told, Err(ServiceError::AskedTooOften { .. }));
    assert!(refused(&ask("desk-1", bob()).await), "the actor's twenty");
    assert!(refused(&ask("desk-2", alice()).await), "the user's twenty");
    assert!(ask("desk-2", bob()).await.is_ok());
    world.clock.pass(UnixMs::HOUR);
    assert!(ask("desk-1", alice()).await.is_ok());
    let told = world.service.diagnose(&key, &alice(), &text("none")).await;
    assert!(is_invalid(&told, Input::Code), "what is no code costs no ask");
}

#[tokio::test]
async fn a5_what_was_told_is_accepted_nowhere_any_more() {
    let world = World::new().await;
    let caller = world.all().await;
    let (device, phone) = world.bind(&caller, &alice()).await;
    world.clock.pass(200 * STEP_MS);
    let slow = phone.ahead(-5);
    let [first, second] = slow.two(world.now());
    let told = ask(&world, 1, &alice(), &first).await;
    assert_eq!((told.cause, told.clock_off_s), (ClockOff, Some(-150)));
    let pair = [&text(&first), &text(&second)];
    let resync = world.service.resync(&caller, &alice(), device, pair, None).await;
    assert!(
        resync.is_err(),
        "neither it nor its neighbour measures the clock: {resync:?}"
    );
    // After as long as the clock is off, its next two codes do.
    world.clock.pass(5 * STEP_MS);
    let [first, second] = slow.two(world.now());
    let pair = [&text(&first), &text(&second)];
    let resync = world.service.resync(&caller, &alice(), device, pair, None).await;
    assert_eq!(resync.expect("it is measured").drift_steps, -4);
}

#[tokio::test]
async fn a5_the_present_and_what_is_to_come_read_like_any_wrong_code() {
    let world = World::new().await;
    let caller = world.all().await;
    let (_, phone) = world.bind(&caller, &alice()).await;
    world.clock.pass(200 * STEP_MS);
    let now = world.now();
    // By chance a code stands at some step of a day once in some hundreds.
    let past: Vec<String> = (-2_900..=-2).map(|steps| phone.later(now, steps)).collect();
    let never = phone.wrong_codes(now, 9).into_iter().find(|code| !past.contains(code));
    let wrong = ask(&world, 1, &alice(), &never.expect("most are none of them")).await;
    assert_eq!(wrong.cause, Wrong);
    let codes = (-1..=12).map(|steps| (steps, phone.later(now, steps)));
    let codes = codes.filter(|(_, code)| !past.contains(code));
    for (case, (steps, code)) in codes.enumerate() {
        let told = ask(&world, case + 2, &alice(), &code).await;
        let same = Diagnosis {
            asks_left: wrong.asks_left,
            ..told.clone()
        };
        assert_eq!(same, wrong, "{steps}");
    }
    let told = world.verify(&caller, &alice(), &phone.later(world.now(), -1)).await;
    assert!(
        matches!(told, Ok(Answer::Accepted(_))),
        "and the user goes on with them: {told:?}"
    );
}

#[tokio::test]
async fn a5_an_ask_does_not_tell_what_the_trail_still_masks() {
    let world = World::new().await;
    let caller = world.all().await;
    let (_, phone) = world.bind(&caller, &alice()).await;
    let (_, same) = world.bind(&caller, &bob()).await;
    world.clock.pass(200 * STEP_MS);
    // Of one user a code that is still to come was refused, of the other one that never comes.
    let coming = phone.later(world.now(), 5);
    assert_eq!(world.verify(&caller, &alice(), &coming).await, Ok(Answer::Refused));
    let never = same.wrong_code(world.now());
    assert_eq!(world.verify(&caller, &bob(), &never).await, Ok(Answer::Refused));
    for (case, steps) in [-60, -15, -11, -4, -2].into_iter().enumerate() {
        let of_alice = ask(&world, case, &alice(), &phone.later(world.now(), steps)).await;
        let of_bob = ask(&world, case, &bob(), &same.later(world.now(), steps)).await;
        let facts = |told: &Diagnosis| (told.cause, told.clock_off_s);
        assert_eq!(facts(&of_alice), facts(&of_bob), "{steps}");
    }
}

/// A counter token: support found it by its codes, which burned them, long after the user used one.
#[tokio::test]
async fn d5_a_counters_code_was_used_when_it_was_and_no_later_time_brings_one_that_is_to_come() {
    let world = World::new().await;
    let caller = world.all().await;
    let token = Button::stocked(&world, &caller, "T-1", 7).await;
    let device = token.bound(&world, &caller, None).await;
    world.clock.pass(100 * STEP_MS);
    let accepted = world.verify(&caller, &alice(), &token.at(2)).await;
    assert!(matches!(accepted, Ok(Answer::Accepted(_))), "{accepted:?}");
    let used_at = world.now();
    world.clock.pass(100 * STEP_MS);
    let told = ask(&world, 1, &alice(), &token.at(2)).await;
    assert_eq!((told.cause, told.used_at), (Used, Some(used_at)));
    let [first, second] = [text(&token.at(3)), text(&token.at(4))];
    let found = world
        .service
        .find_bound(&caller, [&first, &second])
        .await
        .expect("a list");
    assert_eq!(found[0].device, Some(device));
    let found_at = world.now();
    world.clock.pass(100 * STEP_MS);
    let told = ask(&world, 2, &alice(), &token.at(4)).await;
    assert_eq!(
        (told.cause, told.used_at),
        (Used, Some(found_at)),
        "by support, not by the user"
    );
    let told = ask(&world, 3, &alice(), &token.at(2)).await;
    assert_eq!(
        (told.cause, told.used_at),
        (Used, None),
        "no more is known of those before"
    );

    let told = ask(&world, 4, &alice(), &token.at(6)).await;
    assert_eq!(told.cause, Wrong);
    let (en, zh) = (&told.text.en, &told.text.zh);
    assert!(en.contains("resync it by two codes in a row"), "{en}");
    assert!(
        !en.contains("minutes") && !en.contains("moment"),
        "no time brings it: {en}"
    );
    assert!(!zh.contains("分钟") && !zh.contains("此刻"), "{zh}");
}
