//! Thieves, each with what they stole of Alice. Whatever they do, while she has a device her factors stay hers (P3a).

use service::{ChallengePurpose, Decision, Factor, Id, NewProvenMethod, ServiceError};

use crate::{
    changes::{How, What},
    person::{By, Choice},
    support::{alice, app, by_code},
    walk::{Answering, Ask, Walk, is_locked},
};

/// Alice, whom they all are after.
const VICTIM: usize = 0;

/// What was stolen; all of them know her password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loot {
    /// Her phone number: text messages reach the thief.
    Number,
    /// The login service's key.
    Key,
    /// A page of hers: her session, and the token of a trusted browser.
    Page,
    /// Nothing more, and ten thousand addresses.
    Botnet,
}

#[derive(Clone, Debug)]
pub(crate) enum Act {
    Ask(Ask),
    /// Answers the newest challenge of a thief.
    Answer {
        trusts: bool,
    },
    Guess {
        times: u8,
        forgot: bool,
    },
    Change {
        what: What,
        by_guess: bool,
        grant: usize,
    },
    Begin {
        grant: usize,
    },
    EndTrust,
    EndSession {
        which: usize,
    },
    /// What the stolen key is not for.
    Exceed,
}

/// What no thief may change.
#[derive(PartialEq, Eq, Debug)]
struct Factors {
    devices: Vec<Id>,
    papers: Vec<String>,
    methods: Vec<(&'static str, String)>,
    own: Choice,
}

impl Walk {
    fn factors(&self) -> Factors {
        let person = &self.people[VICTIM];
        Factors {
            devices: person.devices.iter().map(|device| device.id).collect(),
            papers: person.papers.clone(),
            methods: person.methods.clone(),
            own: person.own,
        }
    }

    pub(crate) async fn steal(&mut self, loot: Loot, act: &Act) {
        let before = self.factors();
        let grants = self.held.len();
        match act {
            Act::Ask(ask) => {
                let ask = Ask {
                    // Only who stole a page has its token, and knows its session.
                    token: ask
                        .token
                        .filter(|_| loot == Loot::Page)
                        .map(|(which, place, _)| (which, place, false)),
                    session: ask.session.filter(|_| loot == Loot::Page),
                    ..ask.clone()
                };
                self.ask(VICTIM, &ask, true, loot == Loot::Key).await;
            }
            Act::Answer { trusts } => self.answer_as(loot, *trusts).await,
            Act::Guess { times, forgot } => self.guess(*times, *forgot).await,
            Act::Change { what, by_guess, grant } => {
                let how = match by_guess {
                    true => How::WrongCode,
                    false => self.grant(*grant, true).map_or(How::Nothing, How::Grant),
                };
                // The stolen key is none of the console's, which tries what anybody brings.
                self.change(VICTIM, *what, how, None).await;
            }
            Act::Begin { grant } => {
                let grant = self.grant(*grant, true);
                self.begin(VICTIM, grant, None).await;
            }
            Act::EndTrust if loot == Loot::Page => {
                self.service()
                    .end_trust(&self.caller, &alice(), None)
                    .await
                    .expect("they end");
                self.people[VICTIM].trusts.clear();
            }
            Act::EndSession { which } if loot == Loot::Page => self.end_session(VICTIM, *which, None).await,
            Act::Exceed => self.exceed().await,
            Act::EndTrust | Act::EndSession { .. } => {}
        }
        self.is_harmless(&before, grants, act);
    }

    /// What is hers is as it was; settings became stronger at most.
    fn is_harmless(&self, before: &Factors, grants: usize, act: &Act) {
        let after = self.factors();
        if before.devices.is_empty() {
            return;
        }
        assert_eq!(
            (&before.devices, &before.papers, &before.methods),
            (&after.devices, &after.papers, &after.methods),
            "{act:?}"
        );
        let less = |old: By, new: By| old != By::None && new != old && new != By::Mfa;
        let (old, new) = (before.own, after.own);
        let is_weaker = less(old.login, new.login)
            || less(old.operation, new.operation)
            || less(old.suspicious, new.suspicious)
            || new.allows_trust && !old.allows_trust;
        assert!(!is_weaker, "{act:?}: {old:?} became {new:?}");
        for held in &self.held[grants..] {
            let is_own = matches!(held.method.as_deref(), Some("totp" | "recovery_code"));
            // Whoever sits in her session has her pass for it, and nothing that is checked always.
            let is_her_pass = held.purpose == ChallengePurpose::Operation
                && self.people[VICTIM]
                    .passes
                    .iter()
                    .any(|pass| pass.grant.is_none_or(|id| id == held.id));
            assert!(!is_own || is_her_pass, "{act:?}: {held:?}");
        }
    }

    async fn answer_as(&mut self, loot: Loot, trusts: bool) {
        let newest = self.asked.iter().rposition(|asked| asked.is_thief);
        let Some(newest) = newest else { return };
        let how = match loot {
            Loot::Number | Loot::Key => Answering::Sms { right: true },
            Loot::Page => Answering::SpentPaper,
            Loot::Botnet => Answering::WrongCode,
        };
        self.answer(newest, how, trusts, None).await;
    }

    /// Many wrong codes through the login service, by whoever knows the password, or says that they forgot it.
    async fn guess(&mut self, times: u8, forgot: bool) {
        let login = Ask {
            purpose: if forgot {
                ChallengePurpose::Identity
            } else {
                ChallengePurpose::Login
            },
            is_risky: false,
            token: None,
            session: None,
            operation: "cloud/reboot",
        };
        let Some(asked) = self.ask(VICTIM, &login, true, false).await else {
            return;
        };
        let now = self.now();
        let Some(phone) = self.people[VICTIM].devices.first().map(|device| device.phone.clone()) else {
            return;
        };
        for wrong in phone.wrong_codes(now, times.into()) {
            let asked = self.asked[asked].clone();
            *self.people[VICTIM].wrong.of(asked.purpose) += 1;
            let told = self
                .told_of(&asked, (Answering::WrongCode, "totp", &wrong), false)
                .await;
            let is_open = matches!(&told, Ok(told) if told.decision == Decision::Challenge);
            assert!(is_open || is_locked(&told), "{told:?}");
        }
    }

    /// The login service's key asks and checks; factors are the console's.
    async fn exceed(&self) {
        let (service, key, of) = (self.service(), &self.key, alice());
        let method = NewProvenMethod {
            identity: "the thief's".into(),
            verified_at: self.world.now(),
            factor: None,
        };
        let factor: Factor = by_code("000000");
        let refused = [
            service.prove_method(key, &of, "sms", &method).await.err(),
            service.end_method(key, &of, "sms", true).await.err(),
            service.renew_recovery_codes(key, &of, &factor).await.err(),
            service.end_all_sessions(key, &of, None).await.err(),
            service.unbind(key, &of, Id::nil(), &factor).await.err(),
            service
                .start_enrollment(key, &self.world.wanted(&of, app(), None))
                .await
                .err(),
            service.start_closing(key, &of).await.err(),
            service.withdraw_closing(key, &of).await.err(),
            service.leave(key, &of).await.err(),
            service.user(key, &of).await.err(),
        ];
        assert!(
            refused
                .iter()
                .all(|told| matches!(told, Some(ServiceError::Forbidden(_)))),
            "{refused:?}"
        );
    }
}
