//! The service beside the model: each step is taken by both, and what they say of it is compared.

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;
use service::{
    AnsweredChallenge, Caller, Challenge, ChallengeAnswer, ChallengePurpose, Decision, GrantUse, Ground, Id,
    MethodReport, NewAdministrators, NewChallenge, Owner, ProtectionChange, ProtectionMethod, Role, Service,
    ServiceError, Settings, SignedGrant, UnixMs,
};
use store::StoreError;

use crate::{
    person::{By, Closing, Comes, Device, Over, Pass, Person, Question, Required, SIGN_OUT, TRUST_MS, Trust},
    support::{STEP_MS, World, alice, bob, faulty::Fault, identity, text},
};

/// A challenge that was asked for.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) id: String,
    pub(crate) who: usize,
    pub(crate) purpose: ChallengePurpose,
    session: Option<String>,
    operation: Option<String>,
    methods: Vec<String>,
    expires: UnixMs,
    /// The living trust that its browser presented.
    trust: Option<Id>,
    pub(crate) is_answered: bool,
    pub(crate) is_thief: bool,
    /// It was asked for by the stolen key.
    is_by_key: bool,
}

/// A grant that somebody holds.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) who: usize,
    pub(crate) text: String,
    pub(crate) id: Id,
    pub(crate) purpose: ChallengePurpose,
    session: Option<String>,
    pub(crate) operation: Option<String>,
    pub(crate) method: Option<String>,
    issued: UnixMs,
    pub(crate) expires: UnixMs,
    pub(crate) is_thief: bool,
}

/// How a challenge is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answering {
    Code { device: usize },
    WrongCode,
    UsedCode,
    Paper,
    SpentPaper,
    Sms { right: bool },
    Email { right: bool },
}

/// A commit that fails: written though its answer is lost, or not written.
pub(crate) type Crash = Option<bool>;

/// What a challenge is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) purpose: ChallengePurpose,
    pub(crate) is_risky: bool,
    /// A trust, one of its tokens, and whether it is the other user's.
    pub(crate) token: Option<(usize, usize, bool)>,
    /// A session of the user's, else one of the caller's own naming.
    pub(crate) session: Option<usize>,
    pub(crate) operation: &'static str,
}

pub(crate) struct Walk {
    pub(crate) world: World,
    pub(crate) caller: Caller,
    /// The stolen one: it asks and verifies, and no more.
    pub(crate) key: Caller,
    pub(crate) people: [Person; 2],
    pub(crate) required: Required,
    pub(crate) asked: Vec<Asked>,
    pub(crate) held: Vec<Held>,
    /// A time that was believed is never taken back.
    newest: UnixMs,
}

fn settings() -> Settings {
    Settings {
        devices_max: 2,
        enrollments_per_user: 1_000,
        clock_gap_ms: 10_000 * UnixMs::DAY,
        ..Settings::default()
    }
}

pub(crate) fn owner(who: usize) -> Owner {
    [alice(), bob()][who].clone()
}

impl Walk {
    /// Alice has a device, recovery codes, a proven number and address, and an account; Bob has nothing.
    pub(crate) async fn new() -> Self {
        let world = World::with(settings()).await;
        let caller = world.all().await;
        let key = world.caller(&[Role::Verify], None).await;
        let mut alice_now = Person::default();
        for method in ["email", "sms"] {
            world.prove(&caller, &alice(), method).await;
            alice_now.methods.push((method, identity(&alice(), method)));
        }
        alice_now.was_ever_proven = true;
        let step = step_of(world.now());
        let (id, phone, papers) = world.bind_as(&caller, &alice(), None, true).await;
        alice_now.devices.push(Device {
            id,
            phone,
            last_step: step,
        });
        alice_now.papers = papers.iter().map(|paper| paper.as_str().to_owned()).collect();
        alice_now.own = crate::person::Choice {
            login: By::Mfa,
            operation: By::Mfa,
            suspicious: By::Mfa,
            allows_trust: true,
        };
        let suspicious = ProtectionChange {
            login_protection: ProtectionMethod::Mfa,
            operation_protection: ProtectionMethod::Mfa,
            suspicious_login_protection: ProtectionMethod::Mfa,
            allow_trusted_devices: true,
            session_idle_minutes: 120,
            session_total_hours: 48,
            factor: None,
        };
        let set = world.service.set_protection(&caller, &alice(), 1, &suspicious).await;
        set.expect("adding to it is free");
        let first = NewAdministrators {
            root: "alice".into(),
            administrators: Vec::new(),
            factor: None,
        };
        let set = world.service.set_administrators(&caller, "acme", 0, &first).await;
        set.expect("the first are set freely");
        Self {
            newest: world.now(),
            world,
            caller,
            key,
            people: [alice_now, Person::default()],
            required: Required::default(),
            asked: Vec::new(),
            held: Vec::new(),
        }
    }

    /// The time as the service believes it.
    pub(crate) fn now(&mut self) -> UnixMs {
        self.newest = self.newest.max(self.world.now());
        self.newest
    }

    pub(crate) fn service(&self) -> &Service {
        &self.world.service
    }

    fn caller_of(&self, is_key: bool) -> &Caller {
        if is_key { &self.key } else { &self.caller }
    }

    pub(crate) fn breaks(&self, crash: Crash) {
        let error = StoreError::Unavailable("it broke down".into());
        match crash {
            Some(true) => self.world.engine.becomes(Fault::Lost(error)),
            Some(false) => self.world.engine.becomes(Fault::Writing(error)),
            None => {}
        }
    }

    /// The process that broke down starts again.
    pub(crate) async fn mends(&mut self, crash: Crash) {
        self.world.engine.becomes(Fault::None);
        if crash.is_some() {
            self.restart().await;
        }
    }

    pub(crate) async fn restart(&mut self) {
        let behind_ms = self.now().since(self.world.now());
        self.world.clock.pass(behind_ms.max(0));
        let service = Service::start(self.world.ports.clone(), settings()).await;
        self.world.service = service.expect("it starts");
        for session in self.people.iter_mut().flat_map(|person| &mut person.sessions) {
            // A restart forgets when they were seen, and what was found of them.
            session.seen = session.begun;
        }
    }

    /// Somebody sets the clock; nothing is decided before it is believed again.
    pub(crate) async fn set_clock(&mut self, ms: i64) {
        let _before = self.now();
        self.world.clock.set(ms);
        for _wait in 0..100 {
            let probe = self.service().check_session(&self.caller, "no token", false);
            match probe {
                Ok(_) => return,
                Err(ServiceError::ClockUnreliable(_)) => self.world.clock.pass(31 * UnixMs::SECOND),
                Err(error) => panic!("{error}"),
            }
        }
        panic!("the clock is never believed again");
    }

    /// Asks for a challenge, and compares the decision, its ground and its methods with the model's.
    pub(crate) async fn ask(&mut self, who: usize, ask: &Ask, is_thief: bool, is_by_key: bool) -> Option<usize> {
        let now = self.now();
        let session = self.session_of(who, ask);
        let operation = match ask.purpose {
            ChallengePurpose::Login => None,
            ChallengePurpose::Operation | ChallengePurpose::Identity => Some(ask.operation.to_owned()),
        };
        let (token, comes) = self.token_of(who, ask, now);
        let wanted = NewChallenge {
            owner: owner(who),
            purpose: ask.purpose,
            audience: None,
            operation: operation.clone(),
            resource: None,
            session_id: session.clone(),
            first_factor: Some("password".into()),
            client: None,
            is_risky: ask.is_risky && ask.purpose == ChallengePurpose::Login,
            trusted_device: token,
        };
        let told = self
            .service()
            .create_challenge(self.caller_of(is_by_key), &wanted)
            .await;
        let told = told.expect("a decision");
        let person = &mut self.people[who];
        if let Some((id, _, Comes::Theft)) = comes {
            person.trusts.retain(|trust| trust.id != id);
        }
        let living = comes.filter(|(.., comes)| *comes == Comes::Living && person.own.allows_trust);
        let question = Question {
            purpose: ask.purpose,
            is_risky: ask.is_risky,
            is_trusted: living.is_some(),
            session: session.as_deref(),
            operation: operation.as_deref(),
        };
        let expected = person.decides(&question, &self.required, now);
        let methods: Vec<String> = told.methods.iter().map(|offered| offered.method.clone()).collect();
        assert_eq!((told.decision, told.ground, methods.clone()), expected, "{ask:?}");
        assert_eq!(told.grant.is_some(), told.decision == Decision::Allow, "{ask:?}");
        self.allowed(who, &told, &question, living, is_thief);
        self.asked.push(Asked {
            id: told.id,
            who,
            purpose: ask.purpose,
            session,
            operation,
            methods,
            expires: now.plus(5 * UnixMs::MINUTE),
            trust: living.map(|(id, ..)| id),
            is_answered: false,
            is_thief,
            is_by_key,
        });
        (told.decision == Decision::Challenge).then(|| self.asked.len() - 1)
    }

    fn session_of(&self, who: usize, ask: &Ask) -> Option<String> {
        if ask.purpose != ChallengePurpose::Operation {
            return None;
        }
        let sessions = &self.people[who].sessions;
        let own = ask
            .session
            .and_then(|place| sessions.get(place % sessions.len().max(1)));
        Some(own.map_or_else(
            || "a session of the caller's".to_owned(),
            |session| session.id.to_string(),
        ))
    }

    /// The token that is presented, and what it comes to for this user.
    fn token_of(&self, who: usize, ask: &Ask, now: UnixMs) -> (Option<String>, Option<(Id, usize, Comes)>) {
        let Some((which, place, is_others)) = ask.token.filter(|_| ask.purpose == ChallengePurpose::Login) else {
            return (None, None);
        };
        let whose = if is_others { 1 - who } else { who };
        let trusts = &self.people[whose].trusts;
        let known: Vec<&Trust> = trusts.iter().filter(|trust| !trust.tokens.is_empty()).collect();
        let Some(trust) = known.get(which % known.len().max(1)) else {
            return (None, None);
        };
        // The newest are the likeliest.
        let place = trust.tokens.len() - 1 - place % trust.tokens.len();
        let comes = (!is_others).then(|| (trust.id, place, trust.comes(place, now)));
        (Some(trust.tokens[place].clone()), comes)
    }

    /// What an allowed question leaves: a grant, and the browser's next token.
    fn allowed(
        &mut self,
        who: usize,
        told: &Challenge,
        question: &Question<'_>,
        living: Option<(Id, usize, Comes)>,
        is_thief: bool,
    ) {
        let now = self.now();
        let person = &mut self.people[who];
        let is_by_trust = told.ground == Ground::TrustedDevice;
        assert_eq!(told.trusted_device.is_some(), is_by_trust);
        if let (true, Some((id, place, _)), Some(next)) = (is_by_trust, living, &told.trusted_device) {
            let trust = person.trusts.iter_mut().find(|trust| trust.id == id).expect("it lives");
            if place == trust.seen.len() {
                trust.seen.push(now);
                trust.tokens.push(next.clone());
            }
            assert_eq!(
                trust.tokens.last(),
                Some(next),
                "the next token is repeated until it is seen"
            );
        }
        let Some(grant) = &told.grant else { return };
        let pass = person
            .pass(question, now)
            .filter(|_| told.ground == Ground::GrantAlive)
            .cloned();
        let held = held(who, grant, is_thief);
        match pass {
            Some(pass) => {
                assert_eq!(held.method.as_deref(), Some(pass.method), "P3: the pass once more");
                assert_eq!(held.expires, pass.ends);
                assert!(pass.grant.is_none_or(|id| id == held.id));
            }
            None => assert_eq!((held.method.as_deref(), held.issued), (None, whole_seconds(now))),
        }
        self.hold(held, question.purpose, question.session, question.operation);
    }

    /// Keeps a grant that says what it was asked for.
    fn hold(&mut self, held: Held, purpose: ChallengePurpose, session: Option<&str>, operation: Option<&str>) {
        assert_eq!(
            (held.purpose, held.session.as_deref(), held.operation.as_deref()),
            (purpose, session, operation)
        );
        self.held.push(held);
    }

    /// The code that this device shows in a step of which none was taken.
    pub(crate) fn fresh_code(&mut self, who: usize, device: usize) -> Option<String> {
        let count = self.people[who].devices.len();
        let last_step = self.people[who].devices.get(device % count.max(1))?.last_step;
        while step_of(self.now()) <= last_step {
            self.world.clock.pass(STEP_MS);
        }
        let now = self.now();
        Some(self.people[who].devices[device % count].phone.shows(now))
    }

    /// A code of a step that is used up.
    fn used_code(&self, who: usize) -> Option<String> {
        let device = self.people[who].devices.first()?;
        Some(device.phone.shows(UnixMs::new(device.last_step * STEP_MS)))
    }

    pub(crate) fn wrong_code(&mut self, who: usize) -> String {
        let now = self.now();
        let device = self.people[who].devices.first();
        device.map_or_else(|| "000000".into(), |device| device.phone.wrong_code(now))
    }

    /// What is typed, and its method; `None` where the user has nothing of the kind.
    pub(crate) fn typed(&mut self, who: usize, how: Answering) -> Option<(&'static str, String)> {
        let by_paper = |paper: Option<&String>| paper.map(|paper| ("recovery_code", paper.clone()));
        match how {
            Answering::Code { device } => self.fresh_code(who, device).map(|code| ("totp", code)),
            Answering::WrongCode => Some(("totp", self.wrong_code(who))),
            Answering::UsedCode => self.used_code(who).map(|code| ("totp", code)),
            Answering::Paper => by_paper(self.people[who].papers.last()),
            Answering::SpentPaper => by_paper(self.people[who].spent_papers.last()),
            Answering::Sms { .. } => Some(("sms", String::new())),
            Answering::Email { .. } => Some(("email", String::new())),
        }
    }

    /// Answers a challenge, and compares what comes of it.
    pub(crate) async fn answer(&mut self, which: usize, how: Answering, trusts: bool, crash: Crash) {
        let Some(asked) = self.asked.get(which % self.asked.len().max(1)).cloned() else {
            return;
        };
        let Some((method, code)) = self.typed(asked.who, how) else {
            return;
        };
        let now = self.now();
        let is_entitled = self.is_entitled(&asked, how, method, now);
        let crash = crash.filter(|_| !self.may_be_locked(asked.who, Some(asked.purpose)));
        self.breaks(crash);
        let told = self.told_of(&asked, (how, method, &code), trusts).await;
        self.mends(crash).await;
        let is_counted = matches!(how, Answering::WrongCode | Answering::UsedCode | Answering::SpentPaper);
        *self.people[asked.who].wrong.of(asked.purpose) += u32::from(is_counted);
        // Beside a locked device another judges the code, and finds it wrong.
        let is_refused = self.people[asked.who].devices.len() > 1
            && told.as_ref().is_ok_and(|told| told.decision != Decision::Allow);
        let is_locked = self.may_be_locked(asked.who, Some(asked.purpose)) && (is_locked(&told) || is_refused);
        let is_allowed = matches!(&told, Ok(told) if told.decision == Decision::Allow);
        match (is_entitled && !is_locked, crash) {
            (true, None) => {
                let told = told.unwrap_or_else(|error| panic!("{how:?} of {:?}: {error}", asked.purpose));
                assert!(is_allowed, "{how:?} of {:?} is right: {told:?}", asked.purpose);
                self.answered(which, how, trusts, Some(told)).await;
            }
            (true, Some(true)) => self.answered(which, how, trusts, None).await,
            _ => assert!(!is_allowed, "{how:?} of {:?} is not right: {told:?}", asked.purpose),
        }
    }

    pub(crate) async fn told_of(
        &self,
        asked: &Asked,
        (how, method, code): (Answering, &'static str, &str),
        trust_device: bool,
    ) -> Result<AnsweredChallenge, ServiceError> {
        let caller = self.caller_of(asked.is_by_key);
        let (Answering::Sms { right } | Answering::Email { right }) = how else {
            let answer = ChallengeAnswer {
                method: method.into(),
                code: text(code),
                trust_device,
            };
            return self.service().answer_challenge(caller, &asked.id, answer).await;
        };
        let of = &self.people[asked.who].methods;
        let known = of.iter().find(|(name, _)| *name == method);
        let known = known.map_or_else(|| identity(&owner(asked.who), method), |(_, known)| known.clone());
        let report = MethodReport {
            method: method.into(),
            identity: if right { known } else { "somebody else's".into() },
            reference: "4711".into(),
            at: self.newest,
            trust_device,
        };
        self.service().report_method(caller, &asked.id, &report).await
    }

    /// Whether a right code may have been refused to a challenge of this purpose, or to a change: then the answer has to be
    /// there to say so. What is locked by checks of identity locks nothing else, and is locked by nothing else (A2).
    pub(crate) fn may_be_locked(&self, who: usize, purpose: Option<ChallengePurpose>) -> bool {
        let mut wrong = self.people[who].wrong;
        *wrong.of(purpose.unwrap_or(ChallengePurpose::Operation)) >= 5
    }

    /// Whether the rules let this answer pass.
    pub(crate) fn is_entitled(&self, asked: &Asked, how: Answering, method: &str, now: UnixMs) -> bool {
        let person = &self.people[asked.who];
        let is_right = match how {
            Answering::Code { .. } | Answering::Paper => true,
            Answering::WrongCode | Answering::UsedCode | Answering::SpentPaper => false,
            Answering::Sms { right } | Answering::Email { right } => right && person.has(method),
        };
        let is_of_now = |one: &&Asked| one.who == asked.who && one.is_answered && now < one.expires;
        let is_offered = asked.methods.iter().any(|offered| offered == method);
        is_right
            && is_offered
            && !asked.is_answered
            && now < asked.expires
            && (person.is_open() || asked.purpose == ChallengePurpose::Identity)
            && self.asked.iter().filter(is_of_now).count() < 16
    }

    /// Takes note of an answer that was right; its words are lost where the process broke down.
    pub(crate) async fn answered(
        &mut self,
        which: usize,
        how: Answering,
        trusts: bool,
        told: Option<AnsweredChallenge>,
    ) {
        let now = self.now();
        let which = which % self.asked.len();
        self.asked[which].is_answered = true;
        let asked = self.asked[which].clone();
        let method = self.burned(asked.who, how, now);
        let grant = told.as_ref().and_then(|told| told.grant.as_ref());
        let grant = grant.map(|grant| held(asked.who, grant, asked.is_thief));
        if asked.purpose == ChallengePurpose::Operation {
            let person = &mut self.people[asked.who];
            person.ended.retain(|(_, until)| now < *until);
            person.passes.retain(|pass| now < pass.ends);
            person.passes.push(Pass {
                session: asked.session.clone().expect("an operation has a session"),
                operation: asked.operation.clone(),
                ends: whole_seconds(now).plus(30 * UnixMs::MINUTE),
                grant: grant.as_ref().map(|grant| grant.id),
                method,
            });
            if person.passes.len() > 8 {
                person.passes.remove(0);
            }
        }
        let is_trusted = trusts && asked.purpose == ChallengePurpose::Login && self.people[asked.who].own.allows_trust;
        if is_trusted {
            let token = told
                .as_ref()
                .map(|told| told.trusted_device.clone().expect("its first token"));
            self.trusted(&asked, token, now).await;
        } else if let Some(told) = &told {
            assert_eq!(told.trusted_device, None);
        }
        if told.is_some() {
            let grant = grant.expect("whoever is right has a grant");
            assert_eq!(
                (grant.method.as_deref(), grant.issued),
                (Some(method), whole_seconds(now))
            );
            let life_ms = if asked.purpose == ChallengePurpose::Operation {
                30
            } else {
                5
            } * UnixMs::MINUTE;
            assert_eq!(grant.expires.since(grant.issued), life_ms);
            self.hold(
                grant,
                asked.purpose,
                asked.session.as_deref(),
                asked.operation.as_deref(),
            );
        }
    }

    fn burned(&mut self, who: usize, how: Answering, now: UnixMs) -> &'static str {
        let person = &mut self.people[who];
        match how {
            Answering::Code { device } => {
                let count = person.devices.len();
                person.devices[device % count].last_step = step_of(now);
                "totp"
            }
            Answering::Paper => {
                person.spent_papers.extend(person.papers.pop());
                "recovery_code"
            }
            Answering::Sms { .. } => "sms",
            Answering::Email { .. } => "email",
            Answering::WrongCode | Answering::UsedCode | Answering::SpentPaper => unreachable!("they are never right"),
        }
    }

    /// A browser is trusted, in place of the trust that it came with; what is over makes room.
    async fn trusted(&mut self, asked: &Asked, token: Option<String>, now: UnixMs) {
        let listed = self.service().trusted_devices(&self.caller, &owner(asked.who)).await;
        let person = &mut self.people[asked.who];
        person
            .trusts
            .retain(|trust| now < trust.until && Some(trust.id) != asked.trust);
        let listed = listed.expect("a list").into_iter().map(|trust| trust.id);
        let new: Vec<Id> = listed
            .filter(|id| person.trusts.iter().all(|trust| trust.id != *id))
            .collect();
        let &[id] = &new[..] else {
            panic!("one trust is new: {new:?}")
        };
        person.trusts.push(Trust {
            id,
            until: now.plus(TRUST_MS),
            seen: Vec::new(),
            tokens: token.into_iter().collect(),
        });
    }

    /// Whether the rules say that this grant is alive.
    pub(crate) fn is_alive(&self, held: &Held, now: UnixMs) -> bool {
        let person = &self.people[held.who];
        let ends_it = |(over, _): &(Over, UnixMs)| match over {
            Over::Grant(id) => *id == held.id,
            Over::Session(session, at) => Some(session) == held.session.as_ref() && held.issued <= *at,
        };
        now < held.expires && person.grants_end.is_none_or(|end| held.issued > end) && !person.ended.iter().any(ends_it)
    }

    /// Asks what a grant is worth where it was given.
    pub(crate) async fn introspect(&mut self, which: usize) {
        let Some(held) = self.held.get(which % self.held.len().max(1)).cloned() else {
            return;
        };
        let now = self.now();
        let at = GrantUse {
            session_id: held.session.clone(),
            operation: held.operation.clone(),
            resource: None,
        };
        let told = self
            .service()
            .introspect_grant(&self.caller, &held.text, &at)
            .await
            .expect("an answer");
        assert_eq!(told.is_some(), self.is_alive(&held, now), "{held:?}");
        let elsewhere = GrantUse {
            session_id: Some("another session".into()),
            ..at
        };
        if held.session.is_some() {
            let told = self
                .service()
                .introspect_grant(&self.caller, &held.text, &elsewhere)
                .await;
            assert_eq!(told.expect("an answer"), None, "P3: in the same session only");
        }
    }

    /// What can be seen of both users is what the model has.
    pub(crate) async fn compare(&mut self) {
        let now = self.now();
        for who in 0..2 {
            let (service, caller, of) = (&self.world.service, &self.caller, owner(who));
            let person = &self.people[who];
            let user = service.user(caller, &of).await.expect("a user");
            let ids: Vec<Id> = user.devices.iter().map(|device| device.id).collect();
            let expected: Vec<Id> = person.devices.iter().map(|device| device.id).collect();
            assert_eq!(ids, expected, "{of:?}: devices");
            assert_eq!(user.recovery_codes_left, person.papers.len(), "{of:?}: recovery codes");
            let chosen = &user.protection;
            let by = [
                &chosen.login_protection,
                &chosen.operation_protection,
                &chosen.suspicious_login_protection,
            ];
            let own = [person.own.login, person.own.operation, person.own.suspicious];
            assert_eq!(by.map(|by| by.method.clone()), own.map(method_of), "{of:?}: settings");
            assert_eq!(chosen.allow_trusted_devices, person.own.allows_trust);
            assert!(chosen.version >= person.own_version, "{of:?}: settings");
            let version = chosen.version;
            let methods = service.methods(caller, &of).await.expect("a register");
            let methods: Vec<(&str, &str)> = methods.iter().map(|one| (&*one.name, &*one.identity)).collect();
            let expected: Vec<(&str, &str)> = person
                .methods
                .iter()
                .map(|(name, identity)| (*name, &**identity))
                .collect();
            assert_eq!(methods, expected, "{of:?}: methods");
            let trusts = service.trusted_devices(caller, &of).await.expect("a list");
            let trusts: Vec<Id> = trusts.iter().map(|trust| trust.id).collect();
            let living = person.trusts.iter().filter(|trust| now < trust.until);
            assert_eq!(
                trusts,
                living.map(|trust| trust.id).collect::<Vec<_>>(),
                "{of:?}: trusts"
            );
            let sessions = service.sessions(caller, &of, None, u32::MAX).await.expect("a list");
            let mut sessions: Vec<Id> = sessions.iter().map(|session| session.id).collect();
            sessions.sort_unstable();
            let active = person.sessions.iter().filter(|session| session.is_active(now));
            let mut active: Vec<Id> = active.map(|session| session.id).collect();
            active.sort_unstable();
            assert_eq!(sessions, active, "{of:?}: sessions");
            self.people[who].own_version = version;
        }
        let who = self
            .world
            .service
            .administrators(&self.caller, "acme")
            .await
            .expect("a list");
        assert_eq!((&*who.root, who.administrators.len()), ("alice", 0));
    }

    /// Closings that are due are ended.
    pub(crate) async fn housekeeping(&mut self) {
        let now = self.now();
        self.service()
            .run_housekeeping(&Caller::system())
            .await
            .expect("a healthy engine");
        for person in &mut self.people {
            if matches!(person.closing, Closing::Until(end) if end <= now) {
                person.goes(now);
            }
        }
    }
}

pub(crate) fn is_locked(told: &Result<AnsweredChallenge, ServiceError>) -> bool {
    match told {
        Ok(told) => told.decision == Decision::Challenge && told.locked_until.is_some(),
        Err(error) => matches!(error, ServiceError::Locked { .. }),
    }
}

pub(crate) fn step_of(at: UnixMs) -> i64 {
    at.get().div_euclid(STEP_MS)
}

fn whole_seconds(at: UnixMs) -> UnixMs {
    UnixMs::new(at.get().div_euclid(1_000) * 1_000)
}

pub(crate) fn method_of(by: By) -> ProtectionMethod {
    match by {
        By::None => ProtectionMethod::None,
        By::Mfa => ProtectionMethod::Mfa,
        By::Sms => ProtectionMethod::External("sms".into()),
    }
}

/// Reads a grant as its bearer does.
fn held(who: usize, grant: &SignedGrant, is_thief: bool) -> Held {
    let claims = grant.text.split('.').nth(1).expect("a JSON Web Token");
    let claims = BASE64URL_NOPAD.decode(claims.as_bytes()).expect("base64url");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    let words = |name: &str| claims[name].as_str().map(str::to_owned);
    let time = |name: &str| UnixMs::new(claims[name].as_i64().expect("a time") * 1_000);
    let purpose = match claims["purpose"].as_str() {
        Some("login") => ChallengePurpose::Login,
        Some("operation") => ChallengePurpose::Operation,
        Some("identity") => ChallengePurpose::Identity,
        other => panic!("{other:?}"),
    };
    assert_eq!(words("user").as_deref(), Some(&*owner(who).user));
    let methods = claims["amr"].as_array().expect("a list");
    assert!(methods.len() <= 1, "one check, one method: {methods:?}");
    let held = Held {
        who,
        text: grant.text.clone(),
        id: words("jti").expect("an id").parse().expect("a UUID"),
        purpose,
        session: words("sid"),
        operation: words("op"),
        method: methods.first().and_then(Value::as_str).map(str::to_owned),
        issued: time("iat"),
        expires: time("exp"),
        is_thief,
    };
    assert!(
        held.purpose != ChallengePurpose::Identity || held.method.is_some(),
        "P3b: a check gave it"
    );
    let is_a_factor = held.operation.as_deref() == Some(SIGN_OUT) && held.purpose == ChallengePurpose::Operation;
    assert!(
        !is_a_factor || held.method.is_some(),
        "P3: `identity_always` is always checked"
    );
    held
}
