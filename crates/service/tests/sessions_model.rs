//! The life of sessions (P6) against a model, over random interleavings with crashes and clock jumps: what was ended never comes
//! back, and no session goes on beyond its idle or its whole time.

mod support;

use proptest::{collection::vec, prelude::*};
use service::{
    Caller, CheckedSession, NewSession, Owner, Service, ServiceError, SessionEnd, Settings, StartedSession, UnixMs,
};
use support::{World, alice, bob};
use tokio::runtime::Builder;

const IDLE_MS: i64 = 120 * UnixMs::MINUTE;

#[derive(Clone, Debug)]
enum Step {
    Begin { bob: bool },
    Check { which: usize, is_seen: bool },
    End { which: usize },
    EndAll { bob: bool },
    Save,
    Housekeeping,
    Crash,
    Restart,
    Pass { ms: i64 },
    SetClock { ms: i64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let span = prop_oneof![
        0..=UnixMs::MINUTE,
        Just(IDLE_MS / 2),
        Just(IDLE_MS - 1),
        Just(IDLE_MS),
        Just(24 * UnixMs::HOUR),
    ];
    let step = prop_oneof![
        2 => any::<bool>().prop_map(|bob| Step::Begin { bob }),
        8 => (any::<usize>(), any::<bool>()).prop_map(|(which, is_seen)| Step::Check { which, is_seen }),
        1 => any::<usize>().prop_map(|which| Step::End { which }),
        1 => any::<bool>().prop_map(|bob| Step::EndAll { bob }),
        2 => Just(Step::Save),
        1 => Just(Step::Housekeeping),
        1 => Just(Step::Crash),
        1 => Just(Step::Restart),
        4 => span.prop_map(|ms| Step::Pass { ms }),
        1 => (-UnixMs::HOUR..=UnixMs::HOUR).prop_map(|ms| Step::SetClock { ms }),
    ];
    vec(step, 1..60)
}

/// One session as the model knows it.
struct Modelled {
    owner: Owner,
    begun: StartedSession,
    seen: UnixMs,
    saved: UnixMs,
    /// Somebody ended it.
    is_ended: bool,
    /// Its row was forgotten, for its whole time was over.
    is_forgotten: bool,
    /// What a check of this process found first.
    over: Option<SessionEnd>,
}

impl Modelled {
    fn expected(&self, now: UnixMs) -> Option<SessionEnd> {
        let is_gone = self.is_ended || self.is_forgotten;
        match self.over {
            _ if is_gone && now >= self.begun.expires_at => Some(SessionEnd::Expired),
            _ if is_gone => Some(SessionEnd::Ended),
            Some(over) => Some(over),
            None if now >= self.begun.expires_at => Some(SessionEnd::Expired),
            None if now.since(self.seen) >= IDLE_MS => Some(SessionEnd::Idle),
            None => None,
        }
    }
}

struct Model {
    world: World,
    caller: Caller,
    sessions: Vec<Modelled>,
}

impl Model {
    async fn new() -> Self {
        let world = World::new().await;
        let caller = world.all().await;
        Self {
            world,
            caller,
            sessions: Vec::new(),
        }
    }

    async fn take(&mut self, step: &Step) {
        match *step {
            Step::Begin { bob } => self.begin(bob).await,
            Step::Check { which, is_seen } => self.check(which, is_seen),
            Step::End { which } => self.end(which).await,
            Step::EndAll { bob } => self.end_all(bob).await,
            Step::Save => {
                let saved = self.world.service.save_touches(&Caller::system()).await;
                saved.expect("a healthy engine");
                self.saved();
            }
            Step::Housekeeping => self.housekeeping().await,
            Step::Crash => self.starts_again().await,
            Step::Restart => {
                self.world.service.close().await;
                self.saved();
                self.starts_again().await;
            }
            Step::Pass { ms } => self.world.clock.pass(ms),
            Step::SetClock { ms } => {
                self.world.clock.set(ms);
                self.world.clock.is_synchronised(true);
            }
        }
    }

    async fn begin(&mut self, is_bob: bool) {
        let owner = if is_bob { bob() } else { alice() };
        let wanted = NewSession::default();
        let begun = self.world.service.create_session(&self.caller, &owner, &wanted);
        let Some(begun) = believed(begun.await) else { return };
        let now = self.world.now();
        self.sessions.push(Modelled {
            owner,
            begun,
            seen: now,
            saved: now,
            is_ended: false,
            is_forgotten: false,
            over: None,
        });
    }

    fn check(&mut self, which: usize, is_seen: bool) {
        let count = self.sessions.len();
        let Some(session) = self.sessions.get_mut(which % count.max(1)) else {
            return;
        };
        let checked = self
            .world
            .service
            .check_session(&self.caller, &session.begun.token, is_seen);
        let Some(checked) = believed(checked) else { return };
        let now = self.world.now();
        match (checked, session.expected(now)) {
            (CheckedSession::Active { owner, id, .. }, None) => {
                assert_eq!((&owner, id), (&session.owner, session.begun.id));
                if is_seen {
                    session.seen = session.seen.max(now);
                }
            }
            (CheckedSession::Over(over), Some(expected)) => {
                assert_eq!(over, expected);
                session.over = Some(over);
            }
            (checked, expected) => panic!("{checked:?} is not {expected:?}"),
        }
    }

    async fn end(&mut self, which: usize) {
        let count = self.sessions.len();
        let Some(session) = self.sessions.get_mut(which % count.max(1)) else {
            return;
        };
        let ended = self
            .world
            .service
            .end_session(&self.caller, &session.owner, session.begun.id);
        match ended.await {
            Ok(()) => session.is_ended = true,
            Err(ServiceError::NotFound(_)) => assert!(session.is_ended || session.is_forgotten),
            Err(error) => assert!(matches!(error, ServiceError::ClockUnreliable(_)), "{error}"),
        }
    }

    async fn end_all(&mut self, is_bob: bool) {
        let owner = if is_bob { bob() } else { alice() };
        let ended = self.world.service.end_all_sessions(&self.caller, &owner, None).await;
        let Some(count) = believed(ended) else { return };
        let mut theirs = 0;
        for session in self.sessions.iter_mut().filter(|session| session.owner == owner) {
            theirs += usize::from(!session.is_ended && !session.is_forgotten);
            session.is_ended = true;
        }
        assert_eq!(count, theirs);
    }

    async fn housekeeping(&mut self) {
        if believed(self.world.service.run_housekeeping(&Caller::system()).await).is_none() {
            return;
        }
        let now = self.world.now();
        for session in &mut self.sessions {
            session.is_forgotten |= now > session.begun.expires_at;
        }
    }

    fn saved(&mut self) {
        for session in self.sessions.iter_mut().filter(|session| session.over.is_none()) {
            session.saved = session.seen;
        }
    }

    async fn starts_again(&mut self) {
        let service = Service::start(self.world.ports.clone(), Settings::default()).await;
        self.world.service = service.expect("it starts");
        for session in &mut self.sessions {
            session.seen = session.saved;
            session.over = None;
        }
    }
}

/// `None` while the clock is not believed, and nothing is said.
fn believed<T>(told: Result<T, ServiceError>) -> Option<T> {
    match told {
        Ok(told) => Some(told),
        Err(ServiceError::ClockUnreliable(_)) => None,
        Err(error) => panic!("{error}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn p6_no_session_outlives_its_times_or_its_end(steps in steps()) {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut model = Model::new().await;
            for step in &steps {
                model.take(step).await;
            }
            // At last each of them is asked about.
            for which in 0..model.sessions.len() {
                model.check(which, true);
            }
        });
    }
}
