//! Unbind requests and passcodes against a model of their rules, with four people, crashes and time in whatever order (U2, U2b,
//! U3): nothing is unbound without two owners, evidence and time, and nobody is let in without two of them.

mod support;

use proptest::{collection::vec, option, prelude::*, sample::select, test_runner::TestRunner};
use service::{
    Actor, ActorKind, Answer, Approver, Caller, ChallengeAnswer, ChallengePurpose, Decision, Id, NewApplication,
    NewChallenge, NewEvidence, NewKey, NewOutcome, NewPasscode, NewUnbindRequest, NewVouching, Owner, Role, Service,
    ServiceError, Settings, UnixMs,
};
use store::StoreError;
use support::{STEP_MS, World, actor_of, alice, by_code, faulty::Fault, phone::Phone, text};

/// A commit that breaks: `true` after it is written, `false` before.
type Crash = Option<bool>;

#[derive(Clone, Debug)]
enum Act {
    Open {
        who: usize,
        crash: Crash,
    },
    /// By whoever has the user's session.
    Apply {
        crash: Crash,
    },
    Vouch {
        who: usize,
        crash: Crash,
    },
    Approve {
        who: usize,
        by: usize,
        right: bool,
        crash: Crash,
    },
    Reject {
        who: usize,
        crash: Crash,
    },
    Withdraw {
        who: usize,
        crash: Crash,
    },
    Complete {
        crash: Crash,
    },
    DeviceCode,
    Request {
        who: usize,
    },
    ApprovePasscode {
        who: usize,
        by: usize,
        right: bool,
        crash: Crash,
    },
    Reveal {
        who: usize,
        crash: Crash,
    },
    Login {
        right: bool,
    },
    Time {
        ms: i64,
    },
    /// Somebody sets the clock.
    Clock {
        ms: i64,
    },
    Housekeeping,
    Restart,
}

fn act() -> impl Strategy<Value = Act> {
    // Mostly the two who may approve.
    let who = || select(vec![0, 0, 0, 1, 1, 1, 2, APPLICANT]);
    let crash = || prop_oneof![8 => Just(None), 1 => Just(Some(true)), 1 => Just(Some(false))];
    let right = || prop::bool::weighted(0.9);
    // Mostly whoever acts names themself.
    let by = || option::weighted(0.2, 0..4_usize);
    let time = select(vec![
        UnixMs::SECOND,
        4 * UnixMs::MINUTE,
        11 * UnixMs::MINUTE,
        5 * UnixMs::HOUR,
        UnixMs::DAY - 1,
        UnixMs::DAY + UnixMs::MINUTE,
        UnixMs::DAY + 2 * UnixMs::MINUTE,
        UnixMs::DAY + 3 * UnixMs::MINUTE,
        3 * UnixMs::DAY,
    ]);
    prop_oneof![
        4 => (who(), crash()).prop_map(|(who, crash)| Act::Open { who, crash }),
        3 => crash().prop_map(|crash| Act::Apply { crash }),
        6 => (who(), crash()).prop_map(|(who, crash)| Act::Vouch { who, crash }),
        9 => (who(), by(), right(), crash())
            .prop_map(|(who, by, right, crash)| Act::Approve { who, by: by.unwrap_or(who), right, crash }),
        1 => (who(), crash()).prop_map(|(who, crash)| Act::Reject { who, crash }),
        1 => (who(), crash()).prop_map(|(who, crash)| Act::Withdraw { who, crash }),
        7 => crash().prop_map(|crash| Act::Complete { crash }),
        1 => Just(Act::DeviceCode),
        4 => who().prop_map(|who| Act::Request { who }),
        6 => (who(), by(), right(), crash())
            .prop_map(|(who, by, right, crash)| Act::ApprovePasscode { who, by: by.unwrap_or(who), right, crash }),
        5 => (who(), crash()).prop_map(|(who, crash)| Act::Reveal { who, crash }),
        5 => prop::bool::weighted(0.6).prop_map(|right| Act::Login { right }),
        5 => time.prop_map(|ms| Act::Time { ms }),
        1 => (-20 * UnixMs::SECOND..UnixMs::HOUR).prop_map(|ms| Act::Clock { ms }),
        1 => Just(Act::Housekeeping),
        1 => Just(Act::Restart),
    ]
}

/// Who acts for support: two with keys bound to them, one whose key is bound to nobody, and the applicant, who works there.
struct Somebody {
    caller: Caller,
    /// The user whom the key is bound to, and their phone.
    bound: Option<(Owner, Phone)>,
}

const APPLICANT: usize = 3;

/// Where an unbind request stands, as the rules have it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stands {
    Applied,
    Requested,
    Approved,
    InForce,
    Over,
}

struct Request {
    id: Id,
    /// Nobody while it is applied.
    opener: Option<usize>,
    /// It began as the user's application.
    is_applied_for: bool,
    opened_at: UnixMs,
    in_force_at: Option<UnixMs>,
    token: Option<String>,
    is_over: bool,
}

impl Request {
    fn stands(&self, now: UnixMs) -> Stands {
        let since = |at: UnixMs| now.since(at);
        match self.in_force_at {
            _ if self.is_over => Stands::Over,
            None if self.opener.is_none() && since(self.opened_at) >= 7 * UnixMs::DAY => Stands::Over,
            None if self.opener.is_none() => Stands::Applied,
            None if since(self.opened_at) >= 3 * UnixMs::DAY => Stands::Over,
            None => Stands::Requested,
            Some(at) if since(at) >= UnixMs::DAY => Stands::Over,
            Some(at) if since(at) >= 0 => Stands::InForce,
            Some(_) => Stands::Approved,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Pass {
    Requested,
    Approved,
    Issued,
    Over,
}

struct Passcode {
    id: Id,
    requester: usize,
    ends: UnixMs,
    state: Pass,
    code: Option<String>,
    wrong: u32,
}

impl Passcode {
    fn stands(&self, now: UnixMs) -> Pass {
        if now < self.ends { self.state } else { Pass::Over }
    }
}

struct Walk {
    world: World,
    all: Caller,
    people: Vec<Somebody>,
    phone: Phone,
    request: Option<Request>,
    passcode: Option<Passcode>,
    guesses: u32,
    /// Wrong codes of each approver: below nine nothing is locked.
    wrong: [u32; 4],
    /// Applications within a day, and since when.
    applications: (Option<UnixMs>, u32),
    completed: u32,
    /// Of these, what began as an application.
    applied_for: u32,
    let_in: u32,
}

fn settings() -> Settings {
    let mut settings = Settings {
        clock_gap_ms: 10_000 * UnixMs::DAY,
        ..Settings::default()
    };
    settings.support.applications = true;
    settings
}

impl Walk {
    async fn begin() -> Self {
        let world = World::with(settings()).await;
        let [anna, bao] = world.two_of_support().await;
        let all = world.all().await;
        let (_, phone) = world.bind(&all, &alice()).await;
        let unbound = world.person(&[Role::Support], None, "team carl", "carl").await;
        let wanted = NewKey {
            roles: vec![Role::Support],
            owner: "team alice".into(),
            person: Some(alice()),
            accounts: None,
            audiences: Vec::new(),
            return_urls: Vec::new(),
        };
        let approver = anna.approver(world.now());
        let made = world
            .service
            .create_key(&Caller::shell(), &wanted, Some(&approver))
            .await;
        let applicant = world
            .service
            .authenticate(&made.expect("a key").1)
            .await
            .expect("it lives");
        let applicant = applicant.acting(Actor {
            kind: ActorKind::Support,
            ..actor_of("alice")
        });
        world.clock.pass(UnixMs::DAY);
        let people = vec![
            Somebody {
                caller: anna.caller,
                bound: Some((anna.owner, anna.phone)),
            },
            Somebody {
                caller: bao.caller,
                bound: Some((bao.owner, bao.phone)),
            },
            Somebody {
                caller: unbound,
                bound: None,
            },
            Somebody {
                caller: applicant,
                bound: Some((alice(), phone.clone())),
            },
        ];
        Self {
            world,
            all,
            people,
            phone,
            request: None,
            passcode: None,
            guesses: 0,
            wrong: [0; 4],
            applications: (None, 0),
            completed: 0,
            applied_for: 0,
            let_in: 0,
        }
    }

    fn service(&self) -> &Service {
        &self.world.service
    }

    fn breaks(&self, crash: Crash) {
        let error = StoreError::Unavailable("it broke down".into());
        self.world.engine.becomes(match crash {
            Some(true) => Fault::Lost(error),
            Some(false) => Fault::Writing(error),
            None => Fault::None,
        });
    }

    async fn mends(&mut self, crash: Crash) {
        self.world.engine.becomes(Fault::None);
        if crash.is_some() {
            self.restart().await;
        }
    }

    async fn restart(&mut self) {
        let started = Service::start(self.world.ports.clone(), settings()).await;
        self.world.service = started.expect("it starts");
    }

    /// A code that was not used before: a step is over.
    fn approver(&mut self, by: usize, right: bool) -> Option<Approver> {
        self.world.clock.pass(STEP_MS);
        let now = self.world.now();
        let (owner, phone) = self.people[by].bound.as_ref()?;
        Some(Approver {
            owner: owner.clone(),
            factor: by_code(&if right { phone.shows(now) } else { phone.wrong_code(now) }),
        })
    }

    /// Whether these two and this code are four eyes.
    fn is_four_eyes(&self, first: usize, who: usize, by: usize, right: bool) -> bool {
        let is_bound = self.people[who].bound.is_some();
        is_bound && by == who && who != first && ![who, first].contains(&APPLICANT) && right
    }

    /// Whether a code of this person reaches their row, where a wrong one would be counted.
    fn is_judged(&self, first: usize, who: usize, by: usize) -> bool {
        self.is_four_eyes(first, who, by, true)
    }

    /// Nothing is decided before the clock is believed again; codes of before are then of a step that is over.
    async fn set_clock(&mut self, ms: i64) {
        self.world.clock.set(ms);
        for _wait in 0..100 {
            match self.service().check_session(&self.all, "no token", false) {
                Ok(_) => return self.world.clock.pass(2 * STEP_MS),
                Err(ServiceError::ClockUnreliable(_)) => self.world.clock.pass(31 * UnixMs::SECOND),
                Err(error) => panic!("{error}"),
            }
        }
        panic!("the clock is never believed again");
    }

    async fn open(&mut self, who: usize, crash: Crash) {
        let now = self.world.now();
        let wanted = NewUnbindRequest {
            owner: alice(),
            device: None,
            outcome: NewOutcome::Unbind,
            evidence: vec![NewEvidence {
                kind: "id_number".into(),
                reference: "case-1".into(),
                statement: None,
            }],
            reason: "lost".into(),
        };
        let open = self
            .request
            .as_ref()
            .is_some_and(|request| request.stands(now) != Stands::Over);
        // What is over may have to be written first, which is two commits.
        let crash = crash.filter(|_| self.request.is_none());
        self.breaks(crash);
        let told = self
            .service()
            .open_unbind_request(&self.people[who].caller, &wanted)
            .await;
        self.mends(crash).await;
        let may = who != APPLICANT && !open;
        match (may, crash) {
            (true, None | Some(true)) => {
                let id = match told {
                    Ok(opened) => opened.id,
                    Err(_) => self.find("requested").await,
                };
                self.request = Some(Request {
                    id,
                    opener: Some(who),
                    is_applied_for: false,
                    opened_at: now,
                    in_force_at: None,
                    token: None,
                    is_over: false,
                });
            }
            _ => assert!(told.is_err(), "U2: {who} opened one"),
        }
    }

    async fn find(&self, state: &str) -> Id {
        let found = self
            .service()
            .unbind_requests(&self.people[0].caller, state, None, 9)
            .await;
        found.expect("a list").0.last().expect("it was written").id
    }

    async fn apply(&mut self, crash: Crash) {
        let now = self.world.now();
        let wanted = NewApplication {
            owner: alice(),
            evidence: Vec::new(),
            reason: "lost".into(),
        };
        let open = self
            .request
            .as_ref()
            .is_some_and(|request| request.stands(now) != Stands::Over);
        let crash = crash.filter(|_| self.request.is_none());
        let is_of_today = self
            .applications
            .0
            .is_some_and(|since| now.since(since).abs() < UnixMs::DAY);
        let (since, used) = match is_of_today {
            true => self.applications,
            false => (Some(now), 0),
        };
        self.breaks(crash);
        let told = self.service().apply_for_unbinding(&self.all, &wanted).await;
        self.mends(crash).await;
        match (!open && used < 3, crash) {
            (true, None | Some(true)) => {
                let id = match told {
                    Ok(applied) => applied.id,
                    Err(_) => self.find("applied").await,
                };
                self.applications = (since, used + 1);
                self.request = Some(Request {
                    id,
                    opener: None,
                    is_applied_for: true,
                    opened_at: now,
                    in_force_at: None,
                    token: None,
                    is_over: false,
                });
            }
            _ => assert!(told.is_err(), "U2: applied beside an open one, or too often"),
        }
    }

    async fn vouch(&mut self, who: usize, crash: Crash) {
        let now = self.world.now();
        let Some(request) = &self.request else { return };
        let (id, stands) = (request.id, request.stands(now));
        let vouched = NewVouching {
            evidence: vec![NewEvidence {
                kind: "id_number".into(),
                reference: "case-1".into(),
                statement: None,
            }],
            reason: "seen".into(),
        };
        self.breaks(crash);
        let caller = &self.people[who].caller;
        let told = self.service().vouch_for_unbind_request(caller, id, &vouched).await;
        self.mends(crash).await;
        match (stands == Stands::Applied && who != APPLICANT, crash) {
            (true, None | Some(true)) => {
                let request = self.request.as_mut().expect("there");
                request.opener = Some(who);
                request.opened_at = now;
            }
            _ => assert!(told.is_err(), "U2: {who} vouched for it, {stands:?}"),
        }
    }

    async fn approve(&mut self, (who, by, right): (usize, usize, bool), crash: Crash) {
        let Some((id, opener)) = self.request.as_ref().map(|request| (request.id, request.opener)) else {
            return;
        };
        let Some(approver) = self.approver(by, right) else {
            return;
        };
        let now = self.world.now();
        let stands = self.request.as_ref().map(|request| request.stands(now));
        let is_requested = stands == Some(Stands::Requested);
        let opener = opener.unwrap_or(who);
        let may = is_requested && self.is_four_eyes(opener, who, by, right);
        if is_requested && !right && self.is_judged(opener, who, by) {
            if self.wrong[by] == 8 {
                return;
            }
            self.wrong[by] += 1;
        }
        self.breaks(crash);
        let told = self
            .service()
            .approve_unbind_request(&self.people[who].caller, id, &approver)
            .await;
        self.mends(crash).await;
        match (may, crash) {
            (true, None | Some(true)) => {
                let request = self.request.as_mut().expect("there");
                request.in_force_at = Some(now.plus(UnixMs::DAY));
                request.token = told.ok().map(|approved| approved.applicant_token.as_str().to_owned());
            }
            _ => assert!(
                told.is_err(),
                "U2: {who} approved as {by} of what {opener} opened, {stands:?}"
            ),
        }
    }

    async fn end(&mut self, who: usize, rejects: bool, crash: Crash) {
        let Some(request) = &self.request else { return };
        let (id, opener) = (request.id, request.opener);
        let is_open = request.stands(self.world.now()) != Stands::Over;
        self.breaks(crash);
        let caller = &self.people[who].caller;
        let told = match rejects {
            true => self.service().reject_unbind_request(caller, id, "no").await,
            false => self.service().withdraw_unbind_request(caller, id, "no").await,
        };
        self.mends(crash).await;
        let may = is_open && (!rejects || Some(who) != opener);
        match (may, crash) {
            (true, None | Some(true)) => self.request.as_mut().expect("there").is_over = true,
            _ => assert!(told.is_err(), "U2: {who} ended it"),
        }
    }

    async fn complete(&mut self, crash: Crash) {
        let now = self.world.now();
        let Some(request) = &self.request else { return };
        let Some(token) = request.token.clone() else { return };
        let stands = request.stands(now);
        self.breaks(crash);
        let told = self.service().complete_unbind_request(&self.all, &token).await;
        self.mends(crash).await;
        match (stands == Stands::InForce, crash) {
            (true, None | Some(true)) => {
                let request = self.request.as_mut().expect("there");
                request.is_over = true;
                self.applied_for += u32::from(request.is_applied_for);
                self.completed += 1;
                // Whatever support was asked for ends with the last device.
                if let Some(passcode) = &mut self.passcode {
                    passcode.state = Pass::Over;
                }
                assert!(self.devices().await == 0, "they ended");
                let (_, phone) = self.world.bind(&self.all, &alice()).await;
                self.people[APPLICANT].bound = Some((alice(), phone.clone()));
                self.phone = phone;
            }
            _ => {
                assert!(told.is_err(), "U2: it was completed, {stands:?}");
                assert!(self.devices().await == 1, "U2: nothing ends before");
            }
        }
    }

    async fn devices(&self) -> usize {
        let user = self.service().user(&self.all, &alice()).await;
        user.expect("a user").devices.len()
    }

    async fn device_code(&mut self) {
        self.world.clock.pass(STEP_MS);
        let now = self.world.now();
        let told = self.world.verify(&self.all, &alice(), &self.phone.shows(now)).await;
        assert!(matches!(told, Ok(Answer::Accepted(_))), "{told:?}");
        if let Some(request) = &mut self.request
            && (request.in_force_at.is_some() || request.is_applied_for)
        {
            request.is_over = true;
        }
    }

    async fn ask_for_passcode(&mut self, who: usize) {
        let wanted = NewPasscode {
            owner: alice(),
            reason: "lost".into(),
        };
        let told = self.service().request_passcode(&self.people[who].caller, &wanted).await;
        match (told, who == APPLICANT) {
            (Ok(asked), false) => {
                self.passcode = Some(Passcode {
                    id: asked.id,
                    requester: who,
                    ends: asked.expires_at,
                    state: Pass::Requested,
                    code: None,
                    wrong: 0,
                });
            }
            (told, is_applicant) => assert!(told.is_err() && is_applicant, "U3: {who}"),
        }
    }

    async fn approve_passcode(&mut self, (who, by, right): (usize, usize, bool), crash: Crash) {
        let Some((id, requester)) = self.passcode.as_ref().map(|passcode| (passcode.id, passcode.requester)) else {
            return;
        };
        let Some(approver) = self.approver(by, right) else {
            return;
        };
        let stands = self.passcode.as_ref().map(|passcode| passcode.stands(self.world.now()));
        let is_requested = stands == Some(Pass::Requested);
        let may = is_requested && self.is_four_eyes(requester, who, by, right);
        if is_requested && !right && self.is_judged(requester, who, by) {
            if self.wrong[by] == 8 {
                return;
            }
            self.wrong[by] += 1;
        }
        self.breaks(crash);
        let told = self
            .service()
            .approve_passcode(&self.people[who].caller, id, &approver)
            .await;
        self.mends(crash).await;
        match (may, crash) {
            (true, None | Some(true)) => self.passcode.as_mut().expect("there").state = Pass::Approved,
            _ => assert!(
                told.is_err(),
                "U3: {who} approved as {by} of what {requester} asked, {stands:?}"
            ),
        }
    }

    async fn reveal(&mut self, who: usize, crash: Crash) {
        let now = self.world.now();
        let Some(passcode) = &self.passcode else { return };
        let (id, requester, stands) = (passcode.id, passcode.requester, passcode.stands(now));
        self.breaks(crash);
        let told = self.service().reveal_passcode(&self.people[who].caller, id).await;
        self.mends(crash).await;
        match (stands == Pass::Approved && who == requester, crash) {
            (true, None | Some(true)) => {
                let passcode = self.passcode.as_mut().expect("there");
                passcode.state = Pass::Issued;
                passcode.ends = now.plus(10 * UnixMs::MINUTE);
                passcode.code = told.ok().map(|shown| shown.passcode.as_str().to_owned());
            }
            _ => assert!(told.is_err(), "U3: {who} was shown it, {stands:?}"),
        }
    }

    async fn login(&mut self, right: bool) {
        let wanted = NewChallenge {
            owner: alice(),
            purpose: ChallengePurpose::Login,
            audience: None,
            operation: None,
            resource: None,
            session_id: None,
            first_factor: Some("password".into()),
            client: None,
            is_risky: false,
            trusted_device: None,
        };
        let asked = self
            .service()
            .create_challenge(&self.all, &wanted)
            .await
            .expect("a decision");
        let is_offered = asked.methods.iter().any(|offered| offered.method == "passcode");
        let stands = self.passcode.as_ref().map(|passcode| passcode.stands(self.world.now()));
        assert_eq!(is_offered, stands == Some(Pass::Issued), "U3: {stands:?}");
        if !is_offered {
            return;
        }
        self.guesses += 1;
        let passcode = self.passcode.as_mut().expect("it is offered");
        let right = passcode.code.clone().filter(|_| right);
        let typed = right.clone().unwrap_or_else(|| match &passcode.code {
            Some(code) => format!(
                "{:08}",
                (code.parse::<u32>().expect("digits") + self.guesses) % 100_000_000
            ),
            None => format!("{:08}", self.guesses),
        });
        let answer = ChallengeAnswer {
            method: "passcode".into(),
            code: text(&typed),
            trust_device: false,
        };
        let told = self
            .world
            .service
            .answer_challenge(&self.all, &asked.id, answer)
            .await
            .expect("an answer");
        assert_eq!(told.decision == Decision::Allow, right.is_some(), "U3");
        if right.is_some() {
            passcode.state = Pass::Over;
            self.let_in += 1;
        } else {
            passcode.wrong += 1;
            if passcode.wrong == 5 {
                passcode.state = Pass::Over;
            }
        }
    }

    async fn take(&mut self, act: &Act) {
        match *act {
            Act::Open { who, crash } => self.open(who, crash).await,
            Act::Apply { crash } => self.apply(crash).await,
            Act::Vouch { who, crash } => self.vouch(who, crash).await,
            Act::Approve { who, by, right, crash } => self.approve((who, by, right), crash).await,
            Act::Reject { who, crash } => self.end(who, true, crash).await,
            Act::Withdraw { who, crash } => self.end(who, false, crash).await,
            Act::Complete { crash } => self.complete(crash).await,
            Act::DeviceCode => self.device_code().await,
            Act::Request { who } => self.ask_for_passcode(who).await,
            Act::ApprovePasscode { who, by, right, crash } => self.approve_passcode((who, by, right), crash).await,
            Act::Reveal { who, crash } => self.reveal(who, crash).await,
            Act::Login { right } => self.login(right).await,
            Act::Time { ms } => self.world.clock.pass(ms),
            Act::Clock { ms } => self.set_clock(ms).await,
            Act::Housekeeping => {
                let passed = self.service().run_housekeeping(&Caller::system()).await;
                passed.expect("a pass");
                let is_gone = |passcode: &Passcode| passcode.stands(self.world.now()) == Pass::Over;
                if self.passcode.as_ref().is_some_and(is_gone) {
                    self.passcode = None;
                }
            }
            Act::Restart => self.restart().await,
        }
    }
}

/// `COUNTERSIGN_SOAK` walks longer; `cargo xtask soak` sets it.
#[test]
fn u2_u3_no_order_of_things_unbinds_or_lets_in_without_two_owners_evidence_and_time() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    #[allow(clippy::disallowed_methods, reason = "a test asks how long it may take")]
    let soak = std::env::var_os("COUNTERSIGN_SOAK").is_some();
    let cases = if soak { 5_000 } else { 128 };
    let (mut completed, mut applied_for, mut let_in) = (0, 0, 0);
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let totals = std::cell::RefCell::new((&mut completed, &mut applied_for, &mut let_in));
    let walked = runner.run(&vec(act(), 80..140), |acts| {
        runtime.block_on(async {
            let mut walk = Walk::begin().await;
            for act in &acts {
                walk.take(act).await;
            }
            let mut totals = totals.borrow_mut();
            *totals.0 += walk.completed;
            *totals.1 += walk.applied_for;
            *totals.2 += walk.let_in;
        });
        Ok(())
    });
    walked.unwrap_or_else(|failure| panic!("{failure}"));
    println!(
        "{cases} histories: {completed} requests completed, {applied_for} of them applied for, {let_in} logins by passcode"
    );
    assert!(
        completed > applied_for && applied_for > 0 && let_in > 0,
        "the walk goes all the way"
    );
}
