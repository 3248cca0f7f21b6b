//! Changes of a user's factors and settings, each by whatever somebody has; and what ends without one.

use service::{
    CheckedSession, Confirmation, EndedMethod, Factor, Id, NewEnrollment, NewProvenMethod, NewRequirements, NewSession,
    ProofOfIdentity, ProtectionChange, Replacement, Revocation, ServiceError, UnixMs,
};

use crate::{
    person::{BIND, By, Choice, Closing, Device, Over, PHONE_NUMBER, Person, Required, SIGN_OUT, Session, UNBIND},
    support::{SETTINGS, app, by_code, by_paper, confirmation, identity, phone::Phone, text},
    walk::{Crash, Held, Walk, method_of, owner, step_of},
};

/// What is to change.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    Settings(Choice),
    /// New recovery codes.
    Renew,
    SignOut,
    /// The first device.
    Unbind,
    /// A further device, or the first.
    Bind {
        papers: bool,
    },
    /// This method, reached by what it was or by something else.
    Prove {
        email: bool,
        other: bool,
    },
}

/// By what it is to be paid.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    Nothing,
    Code,
    WrongCode,
    Paper,
    SpentPaper,
    /// One of the grants that are held.
    Grant(usize),
}

/// A factor's worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Worth {
    Nothing,
    Right,
    Wrong,
}

impl What {
    fn rows(self) -> &'static [&'static str] {
        match self {
            Self::Settings(_) => &[SETTINGS],
            Self::Renew | Self::Bind { .. } => &[BIND],
            Self::SignOut => &[SIGN_OUT],
            Self::Unbind => &[UNBIND],
            Self::Prove { .. } => &[PHONE_NUMBER],
        }
    }

    fn method(email: bool) -> &'static str {
        if email { "email" } else { "sms" }
    }

    fn identity(who: usize, email: bool, other: bool) -> String {
        let first = identity(&owner(who), Self::method(email));
        if other { format!("another {first}") } else { first }
    }
}

/// What the rules say of a change: it is refused, changes nothing, or is done; and whether it takes the factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ruling {
    Refused,
    /// The factor is judged first, and only a right one lets it pass.
    Costs,
    Free,
    Idle,
}

impl Walk {
    /// The newest grants are the likeliest; a thief has their own.
    pub(crate) fn grant(&self, which: usize, is_thief: bool) -> Option<usize> {
        let all = self
            .held
            .iter()
            .enumerate()
            .filter(|(_, held)| held.is_thief == is_thief);
        let all: Vec<usize> = all.map(|(place, _)| place).collect();
        let place = which % all.len().max(1);
        all.len().checked_sub(place + 1).map(|place| all[place])
    }

    fn ruling(&self, who: usize, what: What, worth: Worth) -> Ruling {
        let person = &self.people[who];
        let has_device = !person.devices.is_empty();
        match what {
            What::Settings(next) => self.ruling_on_settings(person, &next),
            What::Renew if !has_device => Ruling::Refused,
            What::Renew => Ruling::Costs,
            What::SignOut if !person.may_be_identified(&self.required, self.world.now()) => Ruling::Free,
            What::SignOut => Ruling::Costs,
            What::Unbind if !has_device => Ruling::Refused,
            What::Unbind => {
                let is_required = [self.required.login, self.required.operation].contains(&By::Mfa);
                let is_last = person.devices.len() == 1;
                if is_required && is_last {
                    Ruling::Refused
                } else {
                    Ruling::Costs
                }
            }
            What::Bind { .. } if !has_device && worth == Worth::Nothing => Ruling::Free,
            What::Bind { .. } if person.devices.len() >= 2 => Ruling::Refused,
            What::Bind { .. } => Ruling::Costs,
            What::Prove { email, other } => {
                let method = What::method(email);
                let old = person.methods.iter().find(|(name, _)| *name == method);
                match old {
                    Some((_, old)) if *old == What::identity(who, email, other) => Ruling::Free,
                    // Beside a method that protects, another one takes a check.
                    None if !has_device
                        && (person.methods.is_empty() || !person.asks_for_something(&self.required)) =>
                    {
                        Ruling::Free
                    }
                    _ => Ruling::Costs,
                }
            }
        }
    }

    fn ruling_on_settings(&self, person: &Person, next: &Choice) -> Ruling {
        let wanted = [next.login, next.operation, next.suspicious];
        let own = [person.own.login, person.own.operation, person.own.suspicious];
        let is_new_sms = wanted
            .iter()
            .zip(own)
            .any(|(next, own)| *next == By::Sms && own != By::Sms);
        match () {
            () if person.devices.is_empty() && wanted.contains(&By::Mfa) => Ruling::Refused,
            () if is_new_sms && !person.has("sms") => Ruling::Refused,
            () if *next == person.own => Ruling::Idle,
            () if !person.can_be_checked() && own == [By::None; 3] => Ruling::Free,
            () if !person.is_weakened_by(next, &self.required) => Ruling::Free,
            () => Ruling::Costs,
        }
    }

    /// The factor as it is sent, and what it is worth.
    fn factor(&mut self, who: usize, what: What, how: How) -> Option<(Option<Factor>, Worth)> {
        let has_device = !self.people[who].devices.is_empty();
        let now = self.now();
        Some(match how {
            How::Nothing => (None, Worth::Nothing),
            How::Code => (Some(by_code(&self.fresh_code(who, 0)?)), Worth::Right),
            How::WrongCode => (Some(by_code(&self.wrong_code(who))), Worth::Wrong),
            How::Paper => (Some(by_paper(self.people[who].papers.last()?)), Worth::Right),
            How::SpentPaper => (Some(by_paper(self.people[who].spent_papers.last()?)), Worth::Wrong),
            How::Grant(place) => {
                let held = self.held.get(place)?;
                let is_its = held.operation.as_deref().is_some_and(|row| what.rows().contains(&row));
                let is_strong = matches!(held.method.as_deref(), Some("totp" | "recovery_code"));
                let is_right = held.who == who
                    && held.purpose == service::ChallengePurpose::Identity
                    && is_its
                    && self.is_alive(held, now)
                    && (is_strong || !has_device);
                let factor = Factor::Grant(text(&held.text));
                (Some(factor), if is_right { Worth::Right } else { Worth::Wrong })
            }
        })
    }

    /// Tries a change, and compares whether it is done with what the rules say.
    pub(crate) async fn change(&mut self, who: usize, what: What, how: How, crash: Crash) {
        // What is shown once is not seen where its answer is lost, nor is a device bound in one commit.
        let crash =
            crash.filter(|_| !matches!(what, What::Renew | What::Bind { .. }) && !self.may_be_locked(who, None));
        let Some((factor, worth)) = self.factor(who, what, how) else {
            return;
        };
        let ruling = self.ruling(who, what, worth);
        let now = self.now();
        self.breaks(crash);
        let told = self.tell(who, what, factor).await;
        self.mends(crash).await;
        let is_done = match (ruling, worth) {
            (Ruling::Idle | Ruling::Free, _) | (Ruling::Costs, Worth::Right) => true,
            (Ruling::Refused, _) | (Ruling::Costs, Worth::Nothing | Worth::Wrong) => false,
        };
        let is_code = !matches!(how, How::Nothing | How::Grant(_));
        // Beside a locked device another judges the code, and finds it wrong.
        let is_refused = matches!(told, Err(ServiceError::CodeRefused { .. })) && self.people[who].devices.len() > 1;
        let is_locked = matches!(told, Err(ServiceError::Locked { .. })) || is_refused;
        let is_locked = is_locked && is_code && self.may_be_locked(who, None);
        self.people[who].wrong.elsewhere += u32::from(is_code && worth == Worth::Wrong);
        match (is_done && !is_locked, crash) {
            (true, None) => {
                let told = told.unwrap_or_else(|error| panic!("{what:?} by {how:?}: {error}"));
                self.takes_effect(who, (what, ruling), how, told, now);
            }
            (true, Some(true)) => self.takes_effect(who, (what, ruling), how, Told::default(), now),
            (true, Some(false)) => assert!(told.is_err() || is_idle(self, who, what, ruling), "{what:?} by {how:?}"),
            (false, _) => assert!(told.is_err(), "{what:?} by {how:?} is not to be done"),
        }
    }

    async fn tell(&self, who: usize, what: What, factor: Option<Factor>) -> Result<Told, ServiceError> {
        let (service, caller, of) = (self.service(), &self.caller, owner(who));
        let none = || by_code("");
        match what {
            What::Settings(next) => {
                let version = self.people[who].own_version;
                let wanted = ProtectionChange {
                    login_protection: method_of(next.login),
                    operation_protection: method_of(next.operation),
                    suspicious_login_protection: method_of(next.suspicious),
                    allow_trusted_devices: next.allows_trust,
                    session_idle_minutes: 120,
                    session_total_hours: 48,
                    factor,
                };
                let told = service.set_protection(caller, &of, version, &wanted).await;
                told.map(|_| Told::default())
            }
            What::Renew => {
                let factor = factor.unwrap_or_else(none);
                let papers = service.renew_recovery_codes(caller, &of, &factor).await?;
                Ok(Told {
                    papers: papers.iter().map(|paper| paper.as_str().to_owned()).collect(),
                    ..Told::default()
                })
            }
            What::SignOut => {
                let told = service.end_all_sessions(caller, &of, factor.as_ref()).await;
                told.map(|_| Told::default())
            }
            What::Unbind => {
                let device = self.people[who].devices.first().map(|device| device.id);
                let factor = factor.unwrap_or_else(none);
                let told = service.unbind(caller, &of, device.unwrap_or_default(), &factor).await;
                told.map(|()| Told::default())
            }
            What::Bind { papers } => self.bind(who, papers, factor).await,
            What::Prove { email, other } => {
                let wanted = NewProvenMethod {
                    identity: What::identity(who, email, other),
                    verified_at: self.world.now(),
                    factor,
                };
                let told = service.prove_method(caller, &of, What::method(email), &wanted).await;
                told.map(|_| Told::default())
            }
        }
    }

    async fn bind(&self, who: usize, papers: bool, factor: Option<Factor>) -> Result<Told, ServiceError> {
        let (service, caller, of) = (self.service(), &self.caller, owner(who));
        let (proof, factor) = match factor {
            Some(Factor::Grant(grant)) => (ProofOfIdentity::Grant(grant), None),
            factor => (self.world.proof().into(), factor),
        };
        let replacement = factor.map(|factor| Replacement { replaces: None, factor });
        let wanted = NewEnrollment {
            identity_proof: proof,
            ..self.world.wanted(&of, app(), replacement)
        };
        let offer = service.start_enrollment(caller, &wanted).await?;
        let phone = Phone::of(&offer);
        let code = phone.shows(self.world.now());
        let confirmation = Confirmation {
            recovery_codes: papers,
            ..confirmation(&[&code])
        };
        let (device, papers) = service.confirm_enrollment(caller, &of, offer.id, &confirmation).await?;
        Ok(Told {
            papers: papers.iter().map(|paper| paper.as_str().to_owned()).collect(),
            device: Some(Device {
                id: device.id,
                phone,
                last_step: step_of(self.world.now()),
            }),
        })
    }

    fn takes_effect(&mut self, who: usize, (what, ruling): (What, Ruling), how: How, told: Told, now: UnixMs) {
        if ruling == Ruling::Costs {
            self.pays(who, how, now);
        }
        let person = &mut self.people[who];
        match what {
            What::Settings(next) => {
                if person.own.allows_trust && !next.allows_trust {
                    person.trusts.clear();
                }
                person.own = next;
            }
            What::Renew => {
                person.spent_papers.append(&mut person.papers);
                person.papers = told.papers;
            }
            What::SignOut => {
                person.all_sessions_end();
                person.trusts.clear();
                person.all_grants_end(now);
            }
            What::Unbind => {
                person.devices.remove(0);
                person.trusts.clear();
                person.all_grants_end(now);
                if person.devices.is_empty() {
                    person.last_device_is_gone(now);
                }
            }
            What::Bind { papers } => {
                person.devices.extend(told.device);
                // As the row has them: two of one millisecond stand in any order.
                person.devices.sort_by_key(|device| device.id);
                let next = Choice {
                    login: By::Mfa,
                    operation: By::Mfa,
                    ..person.own
                };
                person.own = next;
                if papers {
                    person.spent_papers.append(&mut person.papers);
                    person.papers = told.papers;
                }
            }
            What::Prove { email, other } => {
                let method = What::method(email);
                let identity = What::identity(who, email, other);
                if person
                    .methods
                    .iter()
                    .any(|(name, old)| *name == method && *old != identity)
                {
                    person.trusts.clear();
                    person.all_grants_end(now);
                }
                person.methods.retain(|(name, _)| *name != method);
                person.methods.push((method, identity));
                person.methods.sort_unstable();
                person.was_ever_proven = true;
            }
        }
    }

    fn pays(&mut self, who: usize, how: How, now: UnixMs) {
        let person = &mut self.people[who];
        match how {
            How::Code => person.devices[0].last_step = step_of(now),
            How::Paper => person.spent_papers.extend(person.papers.pop()),
            How::Grant(place) => {
                let held = &self.held[place];
                person.ends(Over::Grant(held.id), held.expires, now);
            }
            How::Nothing | How::WrongCode | How::SpentPaper => unreachable!("they pay for nothing"),
        }
    }

    /// A session begins, by a login's grant where one is needed.
    pub(crate) async fn begin(&mut self, who: usize, grant: Option<usize>, crash: Crash) {
        let now = self.now();
        let held = grant.and_then(|place| self.held.get(place)).cloned();
        let person = &self.people[who];
        let is_asked = person.login(&self.required).0 != By::None || person.own.suspicious != By::None;
        let is_right = match &held {
            Some(held) => {
                held.who == who && held.purpose == service::ChallengePurpose::Login && self.is_alive(held, now)
            }
            None => !is_asked,
        };
        let is_entitled = is_right && person.is_open();
        let wanted = NewSession {
            grant: held.as_ref().map(|held| held.text.clone()),
            client: None,
        };
        self.breaks(crash);
        let told = self.service().create_session(&self.caller, &owner(who), &wanted).await;
        self.mends(crash).await;
        let (id, token) = match (told, is_entitled, crash) {
            (Ok(begun), true, None) => (begun.id, begun.token.as_str().to_owned()),
            (Err(_), true, Some(true)) => (self.new_session(who).await, String::new()),
            (Err(_), _, _) if !is_entitled || crash.is_some() => return,
            (told, ..) => panic!("a session of {held:?}: {:?}, {is_entitled}", told.err()),
        };
        self.begun(who, held.as_ref(), (id, token));
    }

    /// A session has begun, and used up its grant.
    pub(crate) fn begun(&mut self, who: usize, held: Option<&Held>, (id, token): (Id, String)) {
        let now = self.now();
        let person = &mut self.people[who];
        if let Some(held) = held {
            person.ends(Over::Grant(held.id), held.expires, now);
        }
        person.sessions.push(Session {
            id,
            token,
            begun: now,
            seen: now,
            expires: now.plus(48 * UnixMs::HOUR),
            is_over: false,
        });
    }

    /// The one session that nobody was told of.
    async fn new_session(&self, who: usize) -> Id {
        let all = self.service().sessions(&self.caller, &owner(who), None, u32::MAX).await;
        let known = &self.people[who].sessions;
        let all = all.expect("a list").into_iter().map(|session| session.id);
        let new: Vec<_> = all.filter(|id| known.iter().all(|session| session.id != *id)).collect();
        assert_eq!(new.len(), 1, "one session is new");
        new[0]
    }

    pub(crate) fn check(&mut self, who: usize, which: usize, is_seen: bool) {
        let now = self.now();
        let count = self.people[who].sessions.len();
        let Some(session) = self.people[who].sessions.get(which % count.max(1)) else {
            return;
        };
        if session.token.is_empty() {
            return;
        }
        let told = self.service().check_session(&self.caller, &session.token, is_seen);
        let is_active = matches!(told.expect("an answer"), CheckedSession::Active { .. });
        assert_eq!(is_active, session.is_active(now), "{session:?}");
        let session = &mut self.people[who].sessions[which % count];
        if is_active && is_seen {
            session.seen = session.seen.max(now);
        }
    }

    pub(crate) async fn end_session(&mut self, who: usize, which: usize, crash: Crash) {
        let now = self.now();
        let count = self.people[who].sessions.len();
        let Some(session) = self.people[who].sessions.get(which % count.max(1)) else {
            return;
        };
        let (id, is_there) = (session.id, session.is_active(now));
        self.breaks(crash);
        let told = self.service().end_session(&self.caller, &owner(who), id).await;
        self.mends(crash).await;
        // One that is over, and not swept out yet, is ended like any.
        let is_done = match (&told, crash) {
            (told, None) => told.is_ok(),
            (Err(ServiceError::NotFound(_)), _) => false,
            (_, Some(is_written)) => is_written,
        };
        assert!(is_done || !is_there || crash == Some(false), "{told:?}");
        if is_done {
            let person = &mut self.people[who];
            person.sessions[which % count].is_over = true;
            let session = id.to_string();
            person.passes.retain(|pass| pass.session != session);
            person.ends(Over::Session(session, now), now.plus(30 * UnixMs::MINUTE), now);
        }
    }

    /// Revokes one grant, or all of a user.
    pub(crate) async fn revoke(&mut self, who: usize, grant: Option<usize>) {
        let now = self.now();
        let held = grant.and_then(|place| self.held.get(place)).cloned();
        let wanted = match &held {
            Some(held) => Revocation::Grant(held.text.clone()),
            None => Revocation::User(owner(who)),
        };
        self.service()
            .revoke_grants(&self.caller, &wanted)
            .await
            .expect("it ends");
        match held {
            Some(held) if now < held.expires => {
                let person = &mut self.people[held.who];
                person.passes.retain(|pass| pass.grant != Some(held.id));
                person.ends(Over::Grant(held.id), now.plus(30 * UnixMs::MINUTE), now);
            }
            Some(_) => {}
            None => self.people[who].all_grants_end(now),
        }
    }

    pub(crate) async fn require(&mut self, login: By, operation: By, forbids_alternatives: bool) {
        let all = ["email", "face", "qq", "sms", "wechat"];
        let alternatives = all.iter().filter(|_| !forbids_alternatives);
        let wanted = NewRequirements {
            login_protection: method_of(login),
            operation_protection: method_of(operation),
            alternatives: alternatives.map(|&name| name.to_owned()).collect(),
        };
        let version = self.required.version;
        let told = self
            .service()
            .set_requirements(&self.caller, "acme", version, &wanted)
            .await;
        self.required = Required {
            login,
            operation,
            forbids_alternatives,
            version: told.expect("it is required").version,
        };
    }

    /// A method is taken away, because it is somebody else's now or because nobody wants it (P7).
    pub(crate) async fn end_method(&mut self, who: usize, email: bool, is_reassigned: bool) {
        let now = self.now();
        let method = What::method(email);
        let told: Result<Vec<EndedMethod>, ServiceError> = self
            .service()
            .end_method(&self.caller, &owner(who), method, is_reassigned)
            .await;
        let required = self.required;
        let person = &mut self.people[who];
        let in_force = [
            person.login(&required).0,
            person.operation(&required).0,
            person.own.suspicious,
        ];
        let serves = method == "sms" && in_force.contains(&By::Sms);
        let is_done = person.has(method) && (is_reassigned || !serves);
        assert_eq!(told.is_ok(), is_done, "{method}: {told:?}");
        if !is_done {
            return;
        }
        person.methods.retain(|(name, _)| *name != method);
        if method == "sms" && !person.devices.is_empty() {
            for by in [
                &mut person.own.login,
                &mut person.own.operation,
                &mut person.own.suspicious,
            ] {
                if *by == By::Sms {
                    *by = By::Mfa;
                }
            }
        }
        if is_reassigned {
            person.trusts.clear();
            person.sessions.iter_mut().for_each(|session| session.is_over = true);
            person.all_grants_end(now);
        }
    }

    pub(crate) async fn close(&mut self, who: usize, crash: Crash) {
        let now = self.now();
        self.breaks(crash);
        let told = self.service().start_closing(&self.caller, &owner(who)).await;
        self.mends(crash).await;
        assert!(told.is_ok() || crash.is_some(), "{told:?}");
        let person = &mut self.people[who];
        if matches!(person.closing, Closing::Until(_)) || crash == Some(false) {
            return;
        }
        person.closes(now);
    }

    pub(crate) async fn withdraw(&mut self, who: usize) {
        let now = self.now();
        let told = self.service().withdraw_closing(&self.caller, &owner(who)).await;
        let closing = &mut self.people[who].closing;
        let is_done = match closing {
            Closing::Until(end) => now < *end,
            Closing::Withdrawn => true,
            Closing::None | Closing::Ended => false,
        };
        assert_eq!(told.is_ok(), is_done, "{closing:?}: {told:?}");
        if is_done {
            *closing = Closing::Withdrawn;
        }
    }

    pub(crate) async fn leave(&mut self, who: usize) {
        let now = self.now();
        self.service()
            .leave(&self.caller, &owner(who))
            .await
            .expect("they leave");
        self.people[who].goes(now);
    }
}

/// Nothing was to be written.
fn is_idle(walk: &Walk, who: usize, what: What, ruling: Ruling) -> bool {
    match what {
        // The same, proven at the same time as before, or once more.
        What::Prove { email, other } => {
            let known = walk.people[who]
                .methods
                .iter()
                .find(|(name, _)| *name == What::method(email));
            known.is_some_and(|(_, known)| *known == What::identity(who, email, other))
        }
        _ => ruling == Ruling::Idle,
    }
}

/// What is shown once.
#[derive(Default)]
struct Told {
    papers: Vec<String>,
    device: Option<Device>,
}
