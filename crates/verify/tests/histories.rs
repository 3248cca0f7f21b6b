//! Whole histories of one device with a drifting clock, held against a model that remembers everything and
//! is written the naive way. Rules D4, D6 and A1.

use std::collections::BTreeSet;

use otp::{Algorithm, Code, Key, Parameters, Period, Secret, Step};
use proptest::prelude::*;
use verify::{Credential, DeviceState, Kind, Lock, Policy, Purpose, Standing, UnixMs, Verdict, judge, resync};

const SECRET: &[u8] = b"12345678901234567890";
const START: i64 = 1_700_000_000_000;

fn credential(kind: Kind) -> Credential {
    Credential::new(Secret::from_slice(SECRET).expect("20 bytes"), Parameters::DEFAULT, kind)
}

/// The code of the text, as another program would compare it.
fn code_at(step: u64) -> Code {
    let secret = Secret::from_slice(SECRET).expect("20 bytes");
    Key::new(&secret, Algorithm::Sha1).code(Step::new(step), Parameters::DEFAULT.digits)
}

fn digits_at(step: u64) -> String {
    code_at(step).text(&mut [0; 8]).to_owned()
}

#[derive(Clone, Debug)]
enum Act {
    /// Time passes, in milliseconds.
    Wait(i64),
    /// The user types what the device shows, or showed so many steps ago.
    Type { steps_ago: u64 },
    /// Somebody guesses.
    Guess(u32),
    /// Somebody replays the last accepted code.
    Replay,
    /// The user resyncs with the code shown and the next one.
    Resync,
    /// The device's clock slips by seconds.
    Slip(i64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..120_000_i64).prop_map(Act::Wait),
        1 => (0..100_000_000_i64).prop_map(Act::Wait),
        5 => (0..3_u64).prop_map(|steps_ago| Act::Type { steps_ago }),
        6 => (0..1_000_000_u32).prop_map(Act::Guess),
        2 => Just(Act::Replay),
        1 => Just(Act::Resync),
        1 => (-40..40_i64).prop_map(Act::Slip),
    ]
}

/// What a careful person with a notebook would know.
#[derive(Default)]
struct Notebook {
    burned: BTreeSet<u64>,
    failures: Vec<i64>,
    failures_ever: u32,
    locks: u32,
    locked_until: Option<i64>,
    drift_changes: Vec<i64>,
}

impl Notebook {
    fn locked(&self, now: i64) -> bool {
        self.locked_until.is_some_and(|until| now < until)
    }

    fn fail(&mut self, now: i64) {
        let hour = 3_600_000;
        if self.failures.first().is_some_and(|first| now - first >= hour) {
            self.failures.clear();
        }
        self.failures.push(now);
        self.failures_ever += 1;
        if self.failures.len() == 10 {
            let factor = 2_i64.pow(self.locks.min(10));
            let day = 24 * hour;
            let from_first = self.failures[0] + (hour * factor).min(day);
            let from_now = now + (hour / 4 * factor).min(day);
            self.locked_until = Some(from_first.max(from_now));
            self.locks += 1;
            self.failures.clear();
        }
    }

    fn succeed(&mut self) {
        self.failures.clear();
        self.failures_ever = 0;
        self.locks = 0;
        self.locked_until = None;
    }
}

struct World {
    now: i64,
    device_ahead_s: i64,
    kind: Kind,
    state: DeviceState,
    notes: Notebook,
}

impl World {
    fn new(kind: Kind) -> Self {
        let step = (START / 30_000) as u64;
        let state = DeviceState::bound(Step::new(step), 0, UnixMs::new(START));
        let mut notes = Notebook::default();
        notes.burned.insert(step);
        Self {
            now: START,
            device_ahead_s: 0,
            kind,
            state,
            notes,
        }
    }

    fn shown(&self) -> u64 {
        ((self.now / 1_000 + self.device_ahead_s) / 30) as u64
    }

    fn expected(&self) -> i64 {
        self.now / 30_000 + i64::from(self.state.offset_steps) + i64::from(self.state.drift_steps)
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Wait(ms) => self.now += ms,
            Act::Slip(seconds) => self.device_ahead_s += seconds,
            Act::Type { steps_ago } => self.try_code(&code_at(self.shown() - steps_ago)),
            Act::Guess(value) => self.try_code(&Code::parse(&format!("{value:06}")).expect("six digits")),
            Act::Replay => {
                let last = *self.notes.burned.last().expect("the binding's step");
                self.try_code(&code_at(last));
            }
            Act::Resync => self.try_resync(),
        }
    }

    fn try_code(&mut self, code: &Code) {
        let before = self.state;
        let judgement = judge(
            &before,
            &credential(self.kind),
            Some(code),
            Purpose::Verification,
            UnixMs::new(self.now),
            &Policy::default(),
        );
        let text = code.text(&mut [0; 8]).to_owned();
        let last = *self.notes.burned.last().expect("the binding's step");
        let window = (self.expected() - 1..=self.expected() + 1).map(|step| step as u64);
        let right: Vec<u64> = window.filter(|step| *step > last && digits_at(*step) == text).collect();
        if before.standing == Standing::Suspended {
            assert!(
                matches!(judgement.verdict, Verdict::Locked(Lock::Suspended)),
                "D5: suspended"
            );
            assert_eq!(judgement.next, before);
            return;
        }
        if self.notes.locked(self.now) {
            let Verdict::Locked(Lock::Until(until)) = judgement.verdict else {
                panic!(
                    "A1: while locked, right and wrong get the same answer: {:?}",
                    judgement.verdict
                )
            };
            assert_eq!(Some(until.get()), self.notes.locked_until, "A1: how long");
            assert_eq!(judgement.next, before, "A1: nothing is judged while locked");
            return;
        }
        match (&judgement.verdict, right.last()) {
            (Verdict::Accepted(accepted), Some(step)) => {
                assert_eq!(accepted.step().get(), *step, "D4: the latest matching step is burned");
                assert!(self.notes.burned.insert(*step), "D4: accepted twice");
                self.notes.succeed();
            }
            (Verdict::Refused(_), None) => self.notes.fail(self.now),
            (verdict, right) => panic!("D6: {verdict:?} where the right steps are {right:?}"),
        }
        assert_eq!(
            judgement.next.version,
            before.version + 1,
            "every judgement is a new version"
        );
        self.check_drift(&before, &judgement.next);
        self.state = judgement.next;
        let suspended = self.notes.failures_ever >= 100;
        assert_eq!(
            self.state.standing == Standing::Suspended,
            suspended,
            "A1: 100 wrong codes suspend"
        );
    }

    fn check_drift(&mut self, before: &DeviceState, after: &DeviceState) {
        let limit = match self.kind {
            Kind::Virtual => 2,
            Kind::Hardware => 10,
        };
        assert!(after.drift_steps.abs() <= limit, "D6: at most");
        assert!(
            (after.drift_steps - before.drift_steps).abs() <= 1,
            "D6: one step a success"
        );
        if after.drift_steps != before.drift_steps {
            if let Some(last) = self.notes.drift_changes.last() {
                assert!(self.now - last >= 86_400_000, "D6: one a day");
            }
            self.notes.drift_changes.push(self.now);
        }
    }

    fn try_resync(&mut self) {
        let before = self.state;
        let shown = self.shown();
        let codes = [&code_at(shown), &code_at(shown + 1)];
        let judgement = resync(
            &before,
            &credential(self.kind),
            codes,
            false,
            UnixMs::new(self.now),
            &Policy::default(),
        );
        match judgement.verdict {
            Verdict::Accepted(accepted) => {
                let last = *self.notes.burned.last().expect("the binding's step");
                assert!(shown > last, "D6: later than the last accepted");
                assert_eq!(accepted.step().get(), shown + 1, "D6: both codes are burned");
                self.notes.burned.extend([shown, shown + 1]);
                self.notes.succeed();
                self.notes.drift_changes.clear();
                assert_eq!(
                    self.expected(),
                    self.now / 30_000 + i64::from(self.state.offset_steps + self.state.drift_steps)
                );
                assert_eq!(
                    i64::from(judgement.next.offset_steps),
                    (shown + 1) as i64 - self.now / 30_000
                );
            }
            Verdict::Refused(_) => {
                let off = (shown as i64 - self.now / 30_000).abs();
                let last = *self.notes.burned.last().expect("the binding's step");
                assert!(shown <= last || off > 120, "D6: two right codes within the search");
            }
            Verdict::Locked(_) => assert_eq!(judgement.next, before),
        }
        self.state = judgement.next;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_history_breaks_the_rules(acts in prop::collection::vec(act(), 1..160), hardware: bool) {
        let mut world = World::new(if hardware { Kind::Hardware } else { Kind::Virtual });
        for act in &acts {
            world.act(act);
        }
    }

    /// A clock that slips by less than a step a day is followed, to the limit of its kind.
    #[test]
    fn a_device_that_is_used_daily_stays_accepted(slip_s in -29..30_i64, hardware: bool) {
        let kind = if hardware { Kind::Hardware } else { Kind::Virtual };
        let (mut world, limit_s) = (World::new(kind), if hardware { 300 } else { 60 });
        while (world.device_ahead_s + slip_s).abs() < limit_s && world.now < START + 400 * 86_400_000 {
            world.now += 86_400_000;
            world.device_ahead_s += slip_s;
            let (before, step) = (world.state, world.shown());
            world.try_code(&code_at(step));
            prop_assert_eq!(world.state.last_step, Some(Step::new(step)), "refused: {:?}", before);
        }
    }

    /// However the guesses are spread, a lock is never more than ten judged wrong codes away.
    #[test]
    fn at_most_ten_guesses_are_judged_between_locks(waits in prop::collection::vec(0..20_000_i64, 4_096)) {
        let mut world = World::new(Kind::Virtual);
        let mut judged = 0;
        for wait in waits.into_iter().take(200) {
            world.now += wait / 200;
            let version = world.state.version;
            world.try_code(&Code::parse("00000000").expect("eight digits"));
            judged += world.state.version - version;
        }
        prop_assert!(judged <= 10, "A1: {judged} judged");
    }
}

#[test]
fn consecutive_locks_double_to_a_day_and_a_right_code_forgives() {
    let mut world = World::new(Kind::Virtual);
    let wrong = Code::parse("00000000").expect("eight digits");
    let mut waits = Vec::new();
    for _lock in 0..8 {
        (0..10).for_each(|_| world.try_code(&wrong));
        let until = world.state.verification.locked_until.expect("locked").get();
        waits.push((until - world.now) / 3_600_000);
        world.now = until;
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 24, 24, 24], "A1: hours");
    world.try_code(&code_at(world.shown()));
    (0..10).for_each(|_| world.try_code(&wrong));
    let until = world.state.verification.locked_until.expect("locked").get();
    assert_eq!((until - world.now) / 3_600_000, 1, "A1: a right code resets the count");
}

#[test]
fn a_hundred_wrong_codes_suspend_until_a_resync_with_proof() {
    let mut world = World::new(Kind::Virtual);
    let wrong = Code::parse("00000000").expect("eight digits");
    while world.state.standing == Standing::Bound {
        world.now = world.state.verification.locked_until.map_or(world.now, UnixMs::get);
        world.try_code(&wrong);
    }
    assert_eq!(world.state.verification.since_success, 100);
    let shown = world.shown();
    let codes = [&code_at(shown), &code_at(shown + 1)];
    let now = UnixMs::new(world.now);
    let without = resync(
        &world.state,
        &credential(Kind::Virtual),
        codes,
        false,
        now,
        &Policy::default(),
    );
    assert!(matches!(without.verdict, Verdict::Locked(Lock::Suspended)));
    let with = resync(
        &world.state,
        &credential(Kind::Virtual),
        codes,
        true,
        now,
        &Policy::default(),
    );
    assert!(matches!(with.verdict, Verdict::Accepted(_)));
    assert_eq!(with.next.standing, Standing::Bound);
}

#[test]
fn every_refusal_has_its_cause() {
    use verify::{Cause, confirm, diagnose};
    let now = UnixMs::new(START);
    let present = (START / 30_000) as u64;
    let policy = Policy::default();
    let state = DeviceState::bound(Step::new(present - 3), 0, now);
    let cause = |code: &Code| match judge(
        &state,
        &credential(Kind::Virtual),
        Some(code),
        Purpose::Verification,
        now,
        &policy,
    )
    .verdict
    {
        Verdict::Refused(cause) => cause,
        other => panic!("{other:?}"),
    };
    assert_eq!(cause(&code_at(present + 4)), Cause::ClockOff { steps: 4 });
    assert_eq!(cause(&code_at(present - 2)), Cause::ClockOff { steps: -2 });
    assert_eq!(cause(&code_at(present - 3)), Cause::Used { steps_ago: 3 });
    assert_eq!(cause(&Code::parse("12345678").expect("a code")), Cause::OtherDigits);
    let malformed = judge(
        &state,
        &credential(Kind::Virtual),
        None,
        Purpose::Verification,
        now,
        &policy,
    );
    assert!(matches!(malformed.verdict, Verdict::Refused(Cause::Malformed)));
    assert_eq!(
        malformed.next.verification.failures, 1,
        "counted like any other wrong code"
    );

    let secret = Secret::from_slice(SECRET).expect("20 bytes");
    let sha256 = Key::new(&secret, Algorithm::Sha256).code(Step::new(present), Parameters::DEFAULT.digits);
    let all = diagnose(&state, &credential(Kind::Virtual), &sha256, None, now, &policy);
    assert_eq!(all, Cause::OtherAlgorithm(Algorithm::Sha256));
    let minute = Key::new(&secret, Algorithm::Sha1).code(Step::new(present / 2), Parameters::DEFAULT.digits);
    let all = diagnose(&state, &credential(Kind::Virtual), &minute, None, now, &policy);
    assert_eq!(all, Cause::OtherPeriod(Period::new_s(60).expect("a period")));

    // A5: where the answer could be an oracle, only what can no longer be accepted is told.
    let last = Some(Step::new(present - 3));
    assert_eq!(
        diagnose(
            &state,
            &credential(Kind::Virtual),
            &code_at(present),
            last,
            now,
            &policy
        ),
        Cause::Wrong
    );

    // B7: what a user can mend at binding.
    let off = confirm(&credential(Kind::Virtual), &[code_at(present + 10)], now, &policy).expect_err("far off");
    assert_eq!(off.clock_off_s, Some(300));
}
