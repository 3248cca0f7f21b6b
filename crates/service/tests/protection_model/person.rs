//! What the rules say of one user: an independent model, simple on purpose. It keeps who has what, and decides from that.

use service::{ChallengePurpose, Decision, Ground, Id, UnixMs};

use crate::support::phone::Phone;

pub(crate) const BIND: &str = "accounts/bind-mfa-token";
pub(crate) const UNBIND: &str = "accounts/unbinding-mfa-token";
pub(crate) const SIGN_OUT: &str = "accounts/remove-login-status";
pub(crate) const PHONE_NUMBER: &str = "accounts/modifying-user-mobile-number";
pub(crate) const TRUST_MS: i64 = 7 * UnixMs::DAY;
const IDLE_MS: i64 = 2 * UnixMs::HOUR;

/// A protection's method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum By {
    #[default]
    None,
    Mfa,
    Sms,
}

/// What is chosen of protection, by a user or for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) login: By,
    pub(crate) operation: By,
    pub(crate) suspicious: By,
    pub(crate) allows_trust: bool,
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            login: By::None,
            operation: By::None,
            suspicious: By::None,
            allows_trust: true,
        }
    }
}

/// What the account requires.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Required {
    pub(crate) login: By,
    pub(crate) operation: By,
    pub(crate) forbids_alternatives: bool,
    pub(crate) version: u64,
}

/// A bound device, and the last step of which a code was taken.
#[derive(Clone)]
pub(crate) struct Device {
    pub(crate) id: Id,
    pub(crate) phone: Phone,
    pub(crate) last_step: i64,
}

/// A trusted browser: when each number came back first, and the tokens that it was given.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    pub(crate) id: Id,
    pub(crate) until: UnixMs,
    pub(crate) seen: Vec<UnixMs>,
    pub(crate) tokens: Vec<String>,
}

/// What a token of this number comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comes {
    Living,
    Theft,
    Dead,
}

impl Trust {
    /// Of a token that was given, by its place.
    pub(crate) fn comes(&self, place: usize, now: UnixMs) -> Comes {
        // The place of the first is its number less one, and so is the count of those that came back before it.
        let (number, newest) = (place + 1, self.seen.len());
        match () {
            () if now >= self.until => Comes::Dead,
            () if number >= newest => Comes::Living,
            () if now.since(self.seen[number]) <= UnixMs::MINUTE => Comes::Living,
            () => Comes::Theft,
        }
    }
}

/// A pass for operations in one session.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    pub(crate) session: String,
    pub(crate) operation: Option<String>,
    pub(crate) ends: UnixMs,
    /// `None` of a grant whose answer was lost.
    pub(crate) grant: Option<Id>,
    pub(crate) method: &'static str,
}

#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: Id,
    pub(crate) token: String,
    pub(crate) begun: UnixMs,
    pub(crate) seen: UnixMs,
    pub(crate) expires: UnixMs,
    pub(crate) is_over: bool,
}

impl Session {
    pub(crate) fn is_active(&self, now: UnixMs) -> bool {
        !self.is_over && now < self.expires && now.since(self.seen) < IDLE_MS
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Closing {
    #[default]
    None,
    Until(UnixMs),
    Withdrawn,
    Ended,
}

/// The question of a challenge, as far as it matters.
pub(crate) struct Question<'a> {
    pub(crate) purpose: ChallengePurpose,
    pub(crate) is_risky: bool,
    pub(crate) is_trusted: bool,
    pub(crate) session: Option<&'a str>,
    pub(crate) operation: Option<&'a str>,
}

/// A user, as the rules see them.
#[derive(Clone, Default)]
pub(crate) struct Person {
    pub(crate) devices: Vec<Device>,
    pub(crate) papers: Vec<String>,
    pub(crate) spent_papers: Vec<String>,
    pub(crate) own: Choice,
    /// Of the settings, as it was last read.
    pub(crate) own_version: u64,
    /// Proven methods, by name, with what they reach the user by.
    pub(crate) methods: Vec<(&'static str, String)>,
    pub(crate) was_ever_proven: bool,
    pub(crate) trusts: Vec<Trust>,
    pub(crate) passes: Vec<Pass>,
    pub(crate) sessions: Vec<Session>,
    pub(crate) closing: Closing,
    /// Grants of whole seconds up to then are over.
    pub(crate) grants_end: Option<UnixMs>,
    /// What ended one by one, and until when that is remembered.
    pub(crate) ended: Vec<(Over, UnixMs)>,
    /// Wrong codes ever, at checks of identity and everywhere else: below five of them nothing is locked there.
    pub(crate) wrong: Wrong,
}

/// Wrong codes by the roads that they lock (A2).
#[derive(Clone, Copy, Default)]
pub(crate) struct Wrong {
    pub(crate) at_identity: u32,
    pub(crate) elsewhere: u32,
}

impl Wrong {
    /// Of a challenge of this purpose.
    pub(crate) fn of(&mut self, purpose: ChallengePurpose) -> &mut u32 {
        match purpose {
            ChallengePurpose::Identity => &mut self.at_identity,
            ChallengePurpose::Login | ChallengePurpose::Operation => &mut self.elsewhere,
        }
    }
}

/// What ended of grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Grant(Id),
    Session(String, UnixMs),
}

impl Person {
    pub(crate) fn has(&self, method: &str) -> bool {
        self.methods.iter().any(|(name, _)| *name == method)
    }

    /// There is anything that an identity check could ask.
    pub(crate) fn can_be_checked(&self) -> bool {
        !self.devices.is_empty() || !self.methods.is_empty()
    }

    /// There is anything that an identity check may ask.
    pub(crate) fn may_be_identified(&self, required: &Required, now: UnixMs) -> bool {
        let asked = Question {
            purpose: ChallengePurpose::Identity,
            is_risky: false,
            is_trusted: false,
            session: None,
            operation: None,
        };
        self.decides(&asked, required, now).0 == Decision::Challenge
    }

    /// Something is asked for, by their own choice or their account's.
    pub(crate) fn asks_for_something(&self, required: &Required) -> bool {
        let all = [self.login(required).0, self.operation(required).0, self.own.suspicious];
        all.iter().any(|by| *by != By::None)
    }

    fn is_closing(&self) -> bool {
        matches!(self.closing, Closing::Until(_))
    }

    /// May log in, and be checked for operations.
    pub(crate) fn is_open(&self) -> bool {
        !self.is_closing()
    }

    pub(crate) fn login(&self, required: &Required) -> (By, bool) {
        counting(self.own.login, required.login)
    }

    pub(crate) fn operation(&self, required: &Required) -> (By, bool) {
        counting(self.own.operation, required.operation)
    }

    /// The decision, its one ground, and what may answer (P1 to P5, P9, P3a, P3b).
    pub(crate) fn decides(
        &self,
        asked: &Question<'_>,
        required: &Required,
        now: UnixMs,
    ) -> (Decision, Ground, Vec<String>) {
        let (ground, main) = match self.asks(asked, required, now) {
            Ok(asks) => asks,
            Err((decision, ground)) => return (decision, ground, Vec::new()),
        };
        let mut methods = Vec::new();
        if !self.devices.is_empty() {
            methods.push("totp".to_owned());
            if !self.papers.is_empty() {
                methods.push("recovery_code".to_owned());
            }
        }
        let (login, operation) = (self.login(required).0, self.operation(required).0);
        let mains: Vec<By> = match main {
            Some(main) => vec![main],
            None if [login, operation] == [By::None, By::None] => vec![self.own.suspicious],
            None => vec![login, operation],
        };
        // Whoever logs in passes login protection, too, whatever else asks.
        let also = asked.purpose == ChallengePurpose::Login && login != By::None;
        for name in ["sms", "email"] {
            let is_sms = name == "sms";
            let is_main = is_sms && mains.contains(&By::Sms) && (!also || login == By::Sms);
            if self.has(name) && (is_main || !required.forbids_alternatives) {
                methods.push(name.to_owned());
            }
        }
        match methods.is_empty() {
            true => (Decision::Deny, Ground::NoMethod, methods),
            false => (Decision::Challenge, ground, methods),
        }
    }

    fn asks(
        &self,
        asked: &Question<'_>,
        required: &Required,
        now: UnixMs,
    ) -> Result<(Ground, Option<By>), (Decision, Ground)> {
        let asks = |(by, is_required): (By, bool)| match is_required {
            true => Ok((Ground::RequiredByAccount, Some(by))),
            false => Ok((Ground::Protected, Some(by))),
        };
        let allow = |ground| Err((Decision::Allow, ground));
        if asked.purpose == ChallengePurpose::Identity {
            return Ok((Ground::Identity, None));
        }
        if self.is_closing() {
            return Err((Decision::Deny, Ground::Closing));
        }
        let is_known = !self.devices.is_empty() || self.own_version > 0 || self.was_ever_proven;
        let unasked = if is_known {
            Ground::NotProtected
        } else {
            Ground::UnknownUser
        };
        if asked.purpose == ChallengePurpose::Operation {
            let operation = self.operation(required);
            return match asked.operation {
                Some(SIGN_OUT) => Ok((Ground::IdentityAlways, None)),
                _ if operation.0 == By::None => allow(unasked),
                _ if self.pass(asked, now).is_some() => allow(Ground::GrantAlive),
                _ => asks(operation),
            };
        }
        let login = self.login(required);
        match () {
            () if asked.is_risky && self.own.suspicious != By::None => {
                Ok((Ground::RiskReported, Some(self.own.suspicious)))
            }
            () if login.0 == By::None => allow(unasked),
            () if asked.is_trusted && !asked.is_risky => allow(Ground::TrustedDevice),
            () => asks(login),
        }
    }

    /// The living pass that covers an operation in a session.
    pub(crate) fn pass(&self, asked: &Question<'_>, now: UnixMs) -> Option<&Pass> {
        let covers = |pass: &&Pass| {
            now < pass.ends
                && asked.session == Some(&pass.session)
                && (pass.operation.is_none() || pass.operation.as_deref() == asked.operation)
        };
        self.passes.iter().filter(covers).max_by_key(|pass| pass.ends)
    }

    /// Whether this change asks for less than before (U5).
    pub(crate) fn is_weakened_by(&self, next: &Choice, required: &Required) -> bool {
        let own = &self.own;
        let less = |old: By, new: By| old != By::None && new != old && new != By::Mfa;
        let in_force = |own, required| counting(own, required).0;
        less(own.login, next.login)
            || less(own.operation, next.operation)
            || less(own.suspicious, next.suspicious)
            || less(
                in_force(own.login, required.login),
                in_force(next.login, required.login),
            )
            || less(
                in_force(own.operation, required.operation),
                in_force(next.operation, required.operation),
            )
            || next.allows_trust && !own.allows_trust
    }

    /// Ends one by one are remembered up to a number: beyond, all grants end.
    pub(crate) fn ends(&mut self, over: Over, until: UnixMs, now: UnixMs) {
        self.ended.retain(|(_, until)| now < *until);
        self.passes.retain(|pass| now < pass.ends);
        if self.ended.len() >= 16 {
            return self.all_grants_end(now);
        }
        self.ended.push((over, until));
    }

    pub(crate) fn all_grants_end(&mut self, now: UnixMs) {
        self.passes.clear();
        self.ended.clear();
        self.grants_end = self.grants_end.max(Some(now));
    }

    pub(crate) fn all_sessions_end(&mut self) {
        for session in &mut self.sessions {
            session.is_over = true;
        }
    }

    /// They are to go in 15 days, and nobody is in for them until then (P9).
    pub(crate) fn closes(&mut self, now: UnixMs) {
        self.closing = Closing::Until(now.plus(15 * UnixMs::DAY));
        self.all_sessions_end();
        self.trusts.clear();
        self.all_grants_end(now);
    }

    /// All that there is of them ends (P9).
    pub(crate) fn goes(&mut self, now: UnixMs) {
        self.own = Choice::default();
        self.devices.clear();
        self.spent_papers.append(&mut self.papers);
        self.methods.clear();
        self.trusts.clear();
        self.all_sessions_end();
        self.all_grants_end(now);
        if self.is_closing() {
            self.closing = Closing::Ended;
        }
    }

    /// Settings that ask for a code no device can show any more are off (U1).
    pub(crate) fn last_device_is_gone(&mut self, now: UnixMs) {
        let own = &mut self.own;
        for by in [&mut own.login, &mut own.operation, &mut own.suspicious] {
            if *by == By::Mfa {
                *by = By::None;
            }
        }
        self.spent_papers.append(&mut self.papers);
        self.all_grants_end(now);
    }
}

fn counting(own: By, required: By) -> (By, bool) {
    let is_met = required == By::None || own == required || own == By::Mfa;
    if is_met { (own, false) } else { (required, true) }
}
