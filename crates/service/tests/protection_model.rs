//! Protection as a whole against a model (P1 to P9, P3a, P3b, U5, A2): challenges, grants, trusted devices, sessions and closing
//! under random interleavings, crashes and clock jumps. Every decision has the one ground that the model computes from the rules,
//! and whatever is allowed, somebody was entitled to. Thieves are among those who act: none reaches a change of factors.
//!
//! More histories with `COUNTERSIGN_SOAK=1`.

mod support;

#[path = "protection_model/changes.rs"]
mod changes;
#[path = "protection_model/person.rs"]
mod person;
#[path = "protection_model/races.rs"]
mod races;
#[path = "protection_model/thieves.rs"]
mod thieves;
#[path = "protection_model/walk.rs"]
mod walk;

use changes::{How, What};
use person::{BIND, By, Choice, PHONE_NUMBER, SIGN_OUT, UNBIND};
use proptest::{collection::vec, option, prelude::*, sample::select};
use service::{ChallengePurpose, UnixMs};
use support::SETTINGS;
use thieves::{Act, Loot};
use tokio::runtime::Builder;
use walk::{Answering, Ask, Crash, Walk};

/// A step of a history; `who` is Alice or Bob.
#[derive(Clone, Debug)]
enum Action {
    Ask {
        who: usize,
        ask: Ask,
    },
    Answer {
        newest: bool,
        which: usize,
        how: Answering,
        trusts: bool,
        crash: Crash,
    },
    /// Asks and answers rightly at once.
    Pass {
        who: usize,
        ask: Ask,
        how: Answering,
        trusts: bool,
    },
    Change {
        who: usize,
        what: What,
        how: How,
        crash: Crash,
    },
    Begin {
        who: usize,
        grant: Option<usize>,
        crash: Crash,
    },
    Introspect {
        which: usize,
    },
    Revoke {
        who: usize,
        grant: Option<usize>,
    },
    Check {
        who: usize,
        which: usize,
        is_seen: bool,
    },
    EndSession {
        who: usize,
        which: usize,
        crash: Crash,
    },
    Require {
        login: By,
        operation: By,
        forbids_alternatives: bool,
    },
    EndMethod {
        who: usize,
        email: bool,
        is_reassigned: bool,
    },
    Close {
        who: usize,
        crash: Crash,
    },
    Withdraw {
        who: usize,
    },
    Leave {
        who: usize,
    },
    Housekeeping,
    TimePasses {
        ms: i64,
    },
    SetClock {
        ms: i64,
    },
    Restart,
    TwoAnswers {
        who: usize,
        ask: Ask,
        one: Answering,
        other: Answering,
    },
    TwoUses {
        who: usize,
        grant: usize,
    },
    CloseAndBegin {
        who: usize,
        grant: usize,
    },
    Steal {
        loot: Loot,
        act: Act,
    },
}

fn who() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(0), 1 => Just(1)]
}

fn crash() -> impl Strategy<Value = Crash> {
    prop_oneof![8 => Just(None), 1 => Just(Some(true)), 1 => Just(Some(false))]
}

fn by() -> impl Strategy<Value = By> {
    select(vec![By::None, By::Mfa, By::Sms])
}

fn ask() -> impl Strategy<Value = Ask> {
    let purposes = prop_oneof![
        3 => Just(ChallengePurpose::Login),
        2 => Just(ChallengePurpose::Operation),
        2 => Just(ChallengePurpose::Identity),
    ];
    let rows = vec![BIND, UNBIND, SIGN_OUT, PHONE_NUMBER, SETTINGS, "cloud/reboot"];
    let token = option::of((
        any::<usize>(),
        prop_oneof![4 => 0..2_usize, 1 => 0..9_usize],
        prop::bool::weighted(0.1),
    ));
    (
        purposes,
        prop::bool::weighted(0.3),
        token,
        option::of(any::<usize>()),
        select(rows),
    )
        .prop_map(|(purpose, is_risky, token, session, row)| Ask {
            purpose,
            is_risky,
            token,
            session,
            // What is checked always is always checked anew; for passes there is an operation like any.
            operation: match purpose {
                ChallengePurpose::Operation if row != SIGN_OUT => "cloud/reboot",
                _ => row,
            },
        })
}

fn right() -> impl Strategy<Value = Answering> {
    prop_oneof![
        4 => (0..2_usize).prop_map(|device| Answering::Code { device }),
        1 => Just(Answering::Paper),
        2 => Just(Answering::Sms { right: true }),
        1 => Just(Answering::Email { right: true }),
    ]
}

fn answering() -> impl Strategy<Value = Answering> {
    prop_oneof![
        4 => right(),
        1 => Just(Answering::WrongCode),
        1 => Just(Answering::UsedCode),
        1 => Just(Answering::SpentPaper),
        1 => Just(Answering::Sms { right: false }),
    ]
}

fn what() -> impl Strategy<Value = What> {
    let choice =
        (by(), by(), by(), prop::bool::weighted(0.7)).prop_map(|(login, operation, suspicious, allows_trust)| {
            What::Settings(Choice {
                login,
                operation,
                suspicious,
                allows_trust,
            })
        });
    prop_oneof![
        4 => choice,
        1 => Just(What::Renew),
        2 => Just(What::SignOut),
        1 => Just(What::Unbind),
        2 => any::<bool>().prop_map(|papers| What::Bind { papers }),
        2 => (any::<bool>(), any::<bool>()).prop_map(|(email, other)| What::Prove { email, other }),
    ]
}

fn how() -> impl Strategy<Value = How> {
    prop_oneof![
        1 => Just(How::Nothing),
        2 => Just(How::Code),
        1 => Just(How::WrongCode),
        1 => Just(How::Paper),
        1 => Just(How::SpentPaper),
        4 => (0..4_usize).prop_map(How::Grant),
    ]
}

fn time() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => 1..90 * UnixMs::SECOND,
        2 => UnixMs::MINUTE..40 * UnixMs::MINUTE,
        1 => UnixMs::HOUR..50 * UnixMs::HOUR,
        1 => UnixMs::DAY..16 * UnixMs::DAY,
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => ask().prop_map(Act::Ask),
        4 => any::<bool>().prop_map(|trusts| Act::Answer { trusts }),
        1 => (1..14_u8, any::<bool>()).prop_map(|(times, forgot)| Act::Guess { times, forgot }),
        4 => (what(), prop::bool::weighted(0.2), 0..3_usize)
            .prop_map(|(what, by_guess, grant)| Act::Change { what, by_guess, grant }),
        1 => (0..3_usize).prop_map(|grant| Act::Begin { grant }),
        1 => Just(Act::EndTrust),
        1 => any::<usize>().prop_map(|which| Act::EndSession { which }),
        1 => Just(Act::Exceed),
    ]
}

fn loot() -> impl Strategy<Value = Loot> {
    select(vec![Loot::Number, Loot::Key, Loot::Page, Loot::Botnet])
}

fn of_challenges() -> impl Strategy<Value = Action> {
    let answer = (
        prop::bool::weighted(0.7),
        any::<usize>(),
        answering(),
        any::<bool>(),
        crash(),
    );
    let answer = answer.prop_map(|(newest, which, how, trusts, crash)| Action::Answer {
        newest,
        which,
        how,
        trusts,
        crash,
    });
    let pass = (who(), ask(), right(), prop::bool::weighted(0.7));
    prop_oneof![
        6 => (who(), ask()).prop_map(|(who, ask)| Action::Ask { who, ask }),
        6 => answer,
        8 => pass.prop_map(|(who, ask, how, trusts)| Action::Pass { who, ask, how, trusts }),
        2 => (who(), ask(), right(), right()).prop_map(|(who, ask, one, other)| Action::TwoAnswers { who, ask, one, other }),
        2 => (who(), 0..3_usize).prop_map(|(who, grant)| Action::TwoUses { who, grant }),
        1 => (who(), 0..2_usize).prop_map(|(who, grant)| Action::CloseAndBegin { who, grant }),
        2 => (0..6_usize).prop_map(|which| Action::Introspect { which }),
        1 => (who(), option::weighted(0.8, 0..6_usize)).prop_map(|(who, grant)| Action::Revoke { who, grant }),
    ]
}

fn of_people() -> impl Strategy<Value = Action> {
    let end_method = (who(), any::<bool>(), any::<bool>());
    let require = (by(), by(), prop::bool::weighted(0.3));
    prop_oneof![
        8 => (who(), what(), how(), crash()).prop_map(|(who, what, how, crash)| Action::Change { who, what, how, crash }),
        1 => end_method.prop_map(|(who, email, is_reassigned)| Action::EndMethod { who, email, is_reassigned }),
        2 => require.prop_map(|(login, operation, forbids_alternatives)| Action::Require {
            login,
            operation,
            forbids_alternatives,
        }),
        1 => (who(), crash()).prop_map(|(who, crash)| Action::Close { who, crash }),
        1 => who().prop_map(|who| Action::Withdraw { who }),
        1 => prop_oneof![1 => Just(0), 3 => Just(1)].prop_map(|who| Action::Leave { who }),
    ]
}

fn of_sessions() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => (who(), option::weighted(0.8, 0..3_usize), crash())
            .prop_map(|(who, grant, crash)| Action::Begin { who, grant, crash }),
        3 => (who(), any::<usize>(), any::<bool>())
            .prop_map(|(who, which, is_seen)| Action::Check { who, which, is_seen }),
        1 => (who(), any::<usize>(), crash()).prop_map(|(who, which, crash)| Action::EndSession { who, which, crash }),
    ]
}

fn of_the_world() -> impl Strategy<Value = Action> {
    prop_oneof![
        1 => Just(Action::Housekeeping),
        8 => time().prop_map(|ms| Action::TimePasses { ms }),
        1 => (-50 * UnixMs::SECOND..UnixMs::HOUR).prop_map(|ms| Action::SetClock { ms }),
        1 => Just(Action::Restart),
    ]
}

fn history() -> impl Strategy<Value = Vec<Action>> {
    let steal = (loot(), act()).prop_map(|(loot, act)| Action::Steal { loot, act });
    let action = prop_oneof![
        8 => of_challenges(),
        4 => of_people(),
        4 => of_sessions(),
        3 => of_the_world(),
        6 => steal,
    ];
    vec(action, 30..50)
}

impl Walk {
    async fn take(&mut self, action: &Action) {
        match action.clone() {
            Action::Ask { who, ask } => drop(self.ask(who, &ask, false, false).await),
            Action::Answer {
                newest,
                which,
                how,
                trusts,
                crash,
            } => {
                let which = if newest {
                    self.asked.len().saturating_sub(1)
                } else {
                    which
                };
                let place = which % self.asked.len().max(1);
                // Nobody reads a thief their code.
                if self.asked.get(place).is_some_and(|asked| !asked.is_thief) {
                    self.answer(place, how, trusts, crash).await;
                }
            }
            Action::Pass { who, ask, how, trusts } => {
                if let Some(asked) = self.ask(who, &ask, false, false).await {
                    self.answer(asked, how, trusts, None).await;
                }
            }
            Action::Change { who, what, how, crash } => {
                let how = match how {
                    How::Grant(which) => self.grant(which, false).map_or(How::Nothing, How::Grant),
                    how => how,
                };
                self.change(who, what, how, crash).await;
            }
            Action::Begin { who, grant, crash } => {
                let grant = grant.and_then(|which| self.grant(which, false));
                self.begin(who, grant, crash).await;
            }
            Action::Introspect { which } => self.introspect(self.held.len().saturating_sub(1 + which)).await,
            Action::Revoke { who, grant } => {
                let grant = grant.and_then(|which| self.grant(which, false));
                self.revoke(who, grant).await;
            }
            Action::Check { who, which, is_seen } => self.check(who, which, is_seen),
            Action::EndSession { who, which, crash } => self.end_session(who, which, crash).await,
            Action::Require {
                login,
                operation,
                forbids_alternatives,
            } => {
                self.require(login, operation, forbids_alternatives).await;
            }
            Action::EndMethod {
                who,
                email,
                is_reassigned,
            } => self.end_method(who, email, is_reassigned).await,
            Action::Close { who, crash } => self.close(who, crash).await,
            Action::Withdraw { who } => self.withdraw(who).await,
            Action::Leave { who } => self.leave(who).await,
            Action::Housekeeping => self.housekeeping().await,
            Action::TimePasses { ms } => self.world.clock.pass(ms),
            Action::SetClock { ms } => self.set_clock(ms).await,
            Action::Restart => self.restart().await,
            Action::TwoAnswers { who, ask, one, other } => self.two_answers(who, &ask, [one, other]).await,
            Action::TwoUses { who, grant } => self.two_uses(who, grant).await,
            Action::CloseAndBegin { who, grant } => self.close_and_begin(who, grant).await,
            Action::Steal { loot, act } => self.steal(loot, &act).await,
        }
    }
}

fn histories() -> u32 {
    #[allow(clippy::disallowed_methods, reason = "a test asks how long it may take")]
    let soak = std::env::var_os("COUNTERSIGN_SOAK").is_some();
    if soak { 5_000 } else { 256 }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 1_000, ..ProptestConfig::with_cases(histories()) })]

    #[test]
    fn p1_to_p9_every_allow_has_its_one_ground_and_no_thief_reaches_a_factor(history in history()) {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut walk = Walk::new().await;
            walk.compare().await;
            for action in &history {
                walk.take(action).await;
                walk.compare().await;
            }
        });
    }
}
