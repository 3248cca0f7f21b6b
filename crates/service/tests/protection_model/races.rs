//! Two at once: of two answers to a challenge one passes at most, and of two uses of a grant; whatever their order.

use service::{ChallengePurpose, Decision, NewSession};

use crate::{
    person::{By, Closing},
    walk::{Answering, Ask, Walk, owner},
};

impl Walk {
    /// Two answers to one challenge, side by side. They are of different kinds, so that each could pass alone.
    pub(crate) async fn two_answers(&mut self, who: usize, ask: &Ask, both: [Answering; 2]) {
        let Some(place) = self.ask(who, ask, false, false).await else {
            return;
        };
        let [Some(one), Some(other)] = [self.typed(who, both[0]), self.typed(who, both[1])] else {
            return;
        };
        if one.0 == other.0 {
            return;
        }
        let now = self.now();
        let asked = self.asked[place].clone();
        let entitled = [
            self.is_entitled(&asked, both[0], one.0, now),
            self.is_entitled(&asked, both[1], other.0, now),
        ];
        let (told_one, told_other) = tokio::join!(
            self.told_of(&asked, (both[0], one.0, &one.1), false),
            self.told_of(&asked, (both[1], other.0, &other.1), false)
        );
        let told = [told_one, told_other];
        let is_allowed = |told: &Result<_, _>| {
            matches!(
                told,
                Ok(service::AnsweredChallenge {
                    decision: Decision::Allow,
                    ..
                })
            )
        };
        let allowed: Vec<usize> = (0..2).filter(|one| is_allowed(&told[*one])).collect();
        assert!(allowed.len() <= 1, "answered twice: {told:?}");
        let is_locked = self.may_be_locked(who, Some(asked.purpose));
        assert!(
            allowed.len() == 1 || is_locked || entitled == [false, false],
            "{told:?}"
        );
        if let Some(&passed) = allowed.first() {
            assert!(entitled[passed], "{:?} is not right: {told:?}", both[passed]);
            let told = told.into_iter().nth(passed).and_then(Result::ok);
            self.answered(place, both[passed], false, told).await;
        }
    }

    /// One login's grant begins two sessions at once: one of them at most.
    pub(crate) async fn two_uses(&mut self, who: usize, grant: usize) {
        let logins = self
            .held
            .iter()
            .enumerate()
            .filter(|(_, held)| held.who == who && held.purpose == ChallengePurpose::Login && !held.is_thief);
        let logins: Vec<usize> = logins.map(|(place, _)| place).collect();
        let Some(&place) = logins.iter().rev().nth(grant % logins.len().max(1)) else {
            return;
        };
        let now = self.now();
        let held = self.held[place].clone();
        let is_entitled = self.is_alive(&held, now) && self.people[who].is_open();
        let wanted = NewSession {
            grant: Some(held.text.clone()),
            client: None,
        };
        let of = owner(who);
        let service = self.service();
        let (one, other) = tokio::join!(
            service.create_session(&self.caller, &of, &wanted),
            service.create_session(&self.caller, &of, &wanted)
        );
        let mut begun: Vec<_> = [one, other].into_iter().filter_map(Result::ok).collect();
        assert_eq!(
            begun.len(),
            usize::from(is_entitled),
            "P2: a login's grant begins one session"
        );
        if let Some(begun) = begun.pop() {
            self.begun(who, Some(&held), (begun.id, begun.token.as_str().to_owned()));
        }
    }

    /// An account begins to be closed while somebody logs in: there is no session then (P9).
    pub(crate) async fn close_and_begin(&mut self, who: usize, grant: usize) {
        let now = self.now();
        let held = self.grant(grant, false).map(|place| self.held[place].clone());
        let held = held.filter(|held| held.who == who);
        let person = &self.people[who];
        let is_asked = person.login(&self.required).0 != By::None || person.own.suspicious != By::None;
        let is_entitled = person.is_open()
            && match &held {
                Some(held) => held.purpose == ChallengePurpose::Login && self.is_alive(held, now),
                None => !is_asked,
            };
        let wanted = NewSession {
            grant: held.as_ref().map(|held| held.text.clone()),
            client: None,
        };
        let of = owner(who);
        let service = self.service();
        let (closed, begun) = tokio::join!(
            service.start_closing(&self.caller, &of),
            service.create_session(&self.caller, &of, &wanted)
        );
        closed.expect("it begins to close");
        assert!(begun.is_err() || is_entitled, "nobody was entitled to a session");
        let person = &mut self.people[who];
        if !matches!(person.closing, Closing::Until(_)) {
            person.closes(now);
        }
    }
}
