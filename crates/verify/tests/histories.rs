//! Whole histories of one device with a drifting clock, held against a model that remembers everything and
//! is written the naive way. Rules D4, D6 and A1.

use std::collections::BTreeSet;

use otp::{Algorithm, Code, Key, Parameters, Period, Secret, Step};
use proptest::prelude::*;
use verify::{Credential, DeviceState, Kind, Lock, Policy, Purpose, UnixMs, Verdict, confirm, judge, resync};

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
    /// The user mistypes what the device shows: another digit at this place, or it and its neighbour swapped.
    Mistype { place: usize, swap: bool },
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
        3 => (0..5_usize, any::<bool>()).prop_map(|(place, swap)| Act::Mistype { place, swap }),
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
    /// Every wrong code since the last right one.
    failures: Vec<i64>,
    /// Every wrong code that was no mistake, for ever: its week.
    guesses: Vec<i64>,
    /// The last wrong code, and the step in which it was typed.
    last_wrong: Option<(String, i64)>,
    locks: u32,
    locked_until: Option<i64>,
    suspended: bool,
    drift_changes: Vec<i64>,
}

const HOUR: i64 = 3_600_000;
const WEEK: i64 = 7 * 24 * HOUR;

impl Notebook {
    fn locked(&self, now: i64) -> bool {
        self.locked_until.is_some_and(|until| now < until)
    }

    fn fail(&mut self, now: i64, mistake: bool) {
        self.failures.push(now);
        let within: Vec<i64> = self.failures.iter().copied().filter(|at| now - at < HOUR).collect();
        if within.len() >= 10 {
            let factor = 2_i64.pow(self.locks.min(10));
            let day = 24 * HOUR;
            let from_first = within[0] + (HOUR * factor).min(day);
            let from_now = now + (HOUR / 4 * factor).min(day);
            self.locked_until = Some(from_first.max(from_now));
            self.locks += 1;
        }
        let count = |guesses: &[i64]| guesses.iter().filter(|week| now / WEEK - *week < 13).count();
        // The sixtieth is counted whatever it is.
        if !mistake || count(&self.guesses) >= 59 {
            self.guesses.push(now / WEEK);
        }
        self.suspended |= count(&self.guesses) >= 60;
    }

    fn succeed(&mut self) {
        self.failures.clear();
        self.last_wrong = None;
        self.locks = 0;
        self.locked_until = None;
    }
}

/// The naive way: one digit differs, or two neighbours are swapped.
fn slip(typed: &str, shown: &str) -> bool {
    let different: Vec<usize> = (0..typed.len())
        .filter(|at| typed[*at..=*at] != shown[*at..=*at])
        .collect();
    match different[..] {
        [_one] => true,
        [first, second] if second == first + 1 => {
            let mut swapped = typed.as_bytes().to_vec();
            swapped.swap(first, second);
            swapped == shown.as_bytes()
        }
        _ => false,
    }
}

/// A device that was bound at this time by its code of this step.
fn bound(kind: Kind, step: u64, now: i64) -> DeviceState {
    let confirmed = confirm(
        &credential(kind),
        &[code_at(step)],
        UnixMs::new(now),
        &Policy::default(),
    );
    confirmed.expect("a code of now").state
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
        let state = bound(kind, step, START);
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
        self.now / 30_000 + i64::from(self.state.total_offset_steps())
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Wait(ms) => self.now += ms,
            Act::Slip(seconds) => self.device_ahead_s += seconds,
            Act::Type { steps_ago } => self.try_code(&code_at(self.shown() - steps_ago)),
            Act::Mistype { place, swap } => {
                let mut text = digits_at(self.shown()).into_bytes();
                if *swap {
                    text.swap(*place, place + 1);
                } else {
                    text[*place] = b'0' + (text[*place] - b'0' + 1) % 10;
                }
                let text = String::from_utf8(text).expect("digits");
                self.try_code(&Code::parse(&text).expect("six digits"));
            }
            Act::Guess(value) => self.try_code(&Code::parse(&format!("{value:06}")).expect("six digits")),
            Act::Replay => {
                let last = *self.notes.burned.last().expect("the binding's step");
                self.try_code(&code_at(last));
            }
            Act::Resync => self.try_resync(),
        }
    }

    fn try_code(&mut self, code: &Code) {
        let before = self.state.clone();
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
        if self.notes.suspended {
            assert!(
                matches!(judgement.verdict, Verdict::Locked(Lock::Suspended)),
                "A1: suspended"
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
                assert_eq!(accepted.get(), *step, "D4: the latest matching step is burned");
                assert!(self.notes.burned.insert(*step), "D4: accepted twice");
                self.notes.succeed();
            }
            (Verdict::Refused(_), None) => {
                let typed = (text.clone(), self.expected());
                if self.notes.last_wrong.as_ref() == Some(&typed) {
                    assert_eq!(judgement.next, before, "A1: the same code again is one guess");
                    return;
                }
                self.notes.last_wrong = Some(typed);
                self.notes.fail(self.now, self.is_mistake(&text));
            }
            (verdict, right) => panic!("D6: {verdict:?} where the right steps are {right:?}"),
        }
        assert_ne!(judgement.next, before, "every judgement is another state");
        self.check_drift(&before, &judgement.next);
        self.state = judgement.next;
        assert_eq!(
            self.state.suspended(Purpose::Verification),
            self.notes.suspended,
            "A1: 60 wrong codes of 13 weeks suspend, mistakes apart"
        );
        assert!(
            !self.state.suspended(Purpose::Unbinding),
            "A1: one road's suspension is its own"
        );
    }

    /// Rule A1, from the codes as texts.
    fn is_mistake(&self, text: &str) -> bool {
        let expected = self.expected();
        let last = *self.notes.burned.last().expect("the binding's step");
        text.len() != 6
            || text == digits_at(last)
            || (expected - 21..=expected + 10).any(|step| text == digits_at(step as u64))
            || (expected - 1..=expected + 1).any(|step| slip(text, &digits_at(step as u64)))
    }

    fn check_drift(&mut self, before: &DeviceState, after: &DeviceState) {
        let limit = match self.kind {
            Kind::Virtual => 2,
            Kind::Hardware => 10,
        };
        assert!(after.parts().learned_drift_steps.abs() <= limit, "D6: at most");
        assert!(
            (after.parts().learned_drift_steps - before.parts().learned_drift_steps).abs() <= 1,
            "D6: one step a success"
        );
        if after.parts().learned_drift_steps != before.parts().learned_drift_steps {
            if let Some(last) = self.notes.drift_changes.last() {
                assert!(self.now - last >= 86_400_000, "D6: one a day");
            }
            self.notes.drift_changes.push(self.now);
        }
    }

    fn try_resync(&mut self) {
        let before = self.state.clone();
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
                assert_eq!(accepted.get(), shown + 1, "D6: both codes are burned");
                self.notes.burned.extend([shown, shown + 1]);
                self.notes.succeed();
                self.notes.drift_changes.clear();
                assert_eq!(
                    self.expected(),
                    self.now / 30_000 + i64::from(self.state.total_offset_steps())
                );
                assert_eq!(
                    i64::from(judgement.next.parts().measured_offset_steps),
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
            let (before, step) = (world.state.clone(), world.shown());
            world.try_code(&code_at(step));
            prop_assert_eq!(world.state.parts().last_step, Some(Step::new(step)), "refused: {:?}", before);
        }
    }

    /// However the guesses are spread, no hour sees more than ten of them judged.
    #[test]
    fn no_hour_has_more_than_ten_judged_guesses(waits in prop::collection::vec(0..1_000_000_i64, 400)) {
        let mut world = World::new(Kind::Virtual);
        let mut judged: Vec<i64> = Vec::new();
        for (number, wait) in waits.into_iter().enumerate() {
            world.now += wait;
            let before = world.state.clone();
            world.try_code(&guess(number));
            if world.state != before && world.state.parts().last_step == Some(Step::new((START / 30_000) as u64)) {
                judged.push(world.now);
            }
        }
        for (at, first) in judged.iter().enumerate() {
            let hour = judged[at..].iter().take_while(|time| *time - first < HOUR).count();
            prop_assert!(hour <= 10, "A1: {hour} judged within an hour");
        }
    }
}

/// Another wrong code each time: eight digits, which no device of six shows, would be no guess.
fn guess(number: usize) -> Code {
    Code::parse(&format!("{:06}", number * 7_919 % 1_000_000)).expect("six digits")
}

impl World {
    /// Guesses, as fast as locks allow, until the device is suspended; what a guesser hits by chance is left out.
    fn guess_until_suspended(&mut self, mut number: usize) -> usize {
        let mut judged = 0;
        while !self.notes.suspended {
            self.now = self.notes.locked_until.map_or(self.now, |until| until.max(self.now));
            let text = guess(number).text(&mut [0; 8]).to_owned();
            let hit = (self.expected() - 1..=self.expected() + 1).any(|step| text == digits_at(step as u64));
            if !hit && !self.is_mistake(&text) {
                self.try_code(&guess(number));
                judged += 1;
            }
            number += 1;
        }
        judged
    }

    /// Two consecutive codes of the present, with the caller's word that the identity was proved.
    fn resync(&self, proven: bool) -> verify::Judgement {
        let shown = self.shown();
        let codes = [&code_at(shown), &code_at(shown + 1)];
        let now = UnixMs::new(self.now);
        resync(
            &self.state,
            &credential(self.kind),
            codes,
            proven,
            now,
            &Policy::default(),
        )
    }
}

#[test]
fn consecutive_locks_double_to_a_day_and_a_right_code_forgives() {
    let mut world = World::new(Kind::Virtual);
    let malformed_lock = |world: &mut World, from: usize| {
        // Too long to be a code of this device: it locks, and is no guess.
        (from..from + 10)
            .for_each(|number| world.try_code(&Code::parse(&format!("{number:08}")).expect("eight digits")));
        let until = world.state.parts().verification.locked_until.expect("locked").get();
        (until - world.now) / HOUR
    };
    let mut waits = Vec::new();
    for lock in 0..8 {
        waits.push(malformed_lock(&mut world, lock * 10));
        world.now = world.state.parts().verification.locked_until.expect("locked").get();
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 24, 24, 24], "A1: hours");
    world.try_code(&code_at(world.shown()));
    assert_eq!(malformed_lock(&mut world, 100), 1, "A1: a right code resets the count");
}

#[test]
fn nine_an_hour_and_a_login_of_the_owner_each_day_suspend_all_the_same() {
    let mut world = World::new(Kind::Virtual);
    let (mut judged, mut number) = (0, 0);
    while !world.notes.suspended {
        world.now += HOUR / 9;
        let before = world.state.clone();
        world.try_code(&guess(number));
        judged += u64::from(world.state != before);
        number += 1;
        if number % 216 == 0 {
            world.now += 60_000;
            world.try_code(&code_at(world.shown()));
        }
    }
    assert!(
        (60..70).contains(&judged),
        "A1: {judged} judged; no success resets the long count"
    );
}

#[test]
fn a_suspension_is_lifted_twice_for_ten_guesses_and_then_only_by_another_first_factor() {
    let mut world = World::new(Kind::Virtual);
    assert_eq!(world.guess_until_suspended(0), 60, "A1");
    let suspended_at = world.state.parts().verification.suspended_at.expect("suspended");

    assert!(
        matches!(world.resync(false).verdict, Verdict::Accepted(_))
            && world.resync(false).next.suspended(Purpose::Verification),
        "A1: the clock is measured; without a proof nothing is lifted"
    );
    world.state = world.resync(true).next;
    world.notes.burned.insert(world.shown() + 1);
    world.notes.succeed();
    assert!(
        !world.state.suspended(Purpose::Verification),
        "A1: a resync with proof lifts it"
    );
    let again = |world: &mut World, from| {
        world.notes.suspended = false;
        let start = world.notes.guesses.len();
        // The naive notebook knows nothing of lifts: it would suspend at once.
        let mut number = from;
        while !world.state.suspended(Purpose::Verification) {
            let now = world
                .state
                .parts()
                .verification
                .locked_until
                .map_or(world.now, |until| until.get().max(world.now));
            world.now = now;
            let text = guess(number).text(&mut [0; 8]).to_owned();
            if !world.is_mistake(&text) {
                let judgement = judge(
                    &world.state,
                    &credential(Kind::Virtual),
                    Some(&guess(number)),
                    Purpose::Verification,
                    UnixMs::new(world.now),
                    &Policy::default(),
                );
                if matches!(judgement.verdict, Verdict::Refused(_)) {
                    world.notes.guesses.push(world.now / WEEK);
                }
                world.state = judgement.next;
            }
            number += 1;
        }
        world.notes.guesses.len() - start
    };
    assert_eq!(again(&mut world, 1_000), 10, "A1: ten more");
    world.state = world.state.unlocked(UnixMs::new(world.now)).expect("the second lift");
    assert_eq!(again(&mut world, 2_000), 10, "A1: ten more");
    assert_eq!(
        world.state.unlocked(UnixMs::new(world.now)),
        None,
        "A1: twice, over all roads"
    );
    assert!(
        world.resync(true).next.suspended(Purpose::Verification),
        "A1: by no other road either"
    );

    assert_eq!(
        world.state.forgiven(suspended_at, UnixMs::new(world.now)),
        None,
        "A1: whoever guessed knows that one"
    );
    let forgiven = world
        .state
        .forgiven(UnixMs::new(world.now + 1), UnixMs::new(world.now + 1))
        .expect("a newer first factor");
    assert!(!forgiven.suspended(Purpose::Verification));
    assert_eq!(
        *forgiven.parts().verification,
        verify::Throttle::default(),
        "A1: the counts begin anew"
    );

    // Whoever guesses at checks of identity has no first factor: what they suspend keeps nothing else suspended.
    let mut outsiders = world.state.clone();
    let mut number = 0;
    while !outsiders.suspended(Purpose::Identity) {
        let code = guess(number);
        let policy = Policy::default();
        let now = UnixMs::new(world.now + 2);
        outsiders = judge(
            &outsiders,
            &credential(Kind::Virtual),
            Some(&code),
            Purpose::Identity,
            now,
            &policy,
        )
        .next;
        number += 1;
    }
    assert!(number <= 11, "A1: ten, mistakes apart");
    let forgiven = outsiders
        .forgiven(UnixMs::new(world.now + 1), UnixMs::new(world.now + 3))
        .expect("A2: the login's road");
    let roads = [Purpose::Verification, Purpose::Identity].map(|road| forgiven.suspended(road));
    assert_eq!(roads, [false, false], "and theirs, while there are lifts");

    // Thirteen weeks later all of it is forgotten but the suspension.
    world.now += 13 * WEEK;
    let lifted = world.state.unlocked(UnixMs::new(world.now)).expect("lifts again");
    assert_eq!(lifted.parts().verification.long.sum(UnixMs::new(world.now)), 0);
}

#[test]
fn a_client_that_repeats_itself_is_one_guess() {
    let mut world = World::new(Kind::Virtual);
    for _ in 0..1_000 {
        world.try_code(&guess(3));
    }
    assert_eq!(world.state.parts().verification.recent.count(), 1, "A1");
    world.now += 30_000;
    world.try_code(&guess(3));
    assert_eq!(
        world.state.parts().verification.recent.count(),
        2,
        "A1: another step, another guess"
    );
    world.try_code(&guess(4));
    world.try_code(&guess(3));
    assert_eq!(
        world.state.parts().verification.recent.count(),
        4,
        "A1: only the last one is remembered"
    );
}

#[test]
fn the_owner_hears_how_many_were_wrong_since() {
    let mut world = World::new(Kind::Virtual);
    (0..7).for_each(|number| world.try_code(&guess(number)));
    world.now += 60_000;
    let code = code_at(world.shown());
    let now = UnixMs::new(world.now);
    let policy = Policy::default();
    let judgement = judge(
        &world.state,
        &credential(Kind::Virtual),
        Some(&code),
        Purpose::Verification,
        now,
        &policy,
    );
    assert!(matches!(judgement.verdict, Verdict::Accepted(_)));
    assert_eq!(world.state.parts().verification.since_success, 7, "A1");
    let next = judgement.next.parts().verification.clone();
    assert_eq!(
        (next.since_success, next.long.sum(now)),
        (0, 7),
        "A1: the long count stays"
    );
}

#[test]
fn every_refusal_has_its_cause() {
    use verify::{Cause, diagnose};
    let now = UnixMs::new(START);
    let present = (START / 30_000) as u64;
    let policy = Policy::default();
    let state = bound(Kind::Virtual, present - 3, START - 90_000);
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
        malformed.next.parts().verification.recent.count(),
        1,
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

/// A world whose next guess but one is the last that its road allows.
fn near_the_edge() -> World {
    let mut world = World::new(Kind::Virtual);
    let mut number = 0;
    while world.state.parts().verification.long.sum(UnixMs::new(world.now)) < 59 {
        world.now += HOUR / 9;
        if !world.is_mistake(guess(number).text(&mut [0; 8])) {
            world.try_code(&guess(number));
        }
        number += 1;
    }
    world.now += HOUR;
    world
}

#[test]
fn the_last_guess_before_a_suspension_does_not_tell_how_near_it_was() {
    let world = near_the_edge();
    let mut near = digits_at(world.shown()).into_bytes();
    near[5] = b'0' + (near[5] - b'0' + 1) % 10;
    let near = Code::parse(str::from_utf8(&near).expect("digits")).expect("six digits");
    let far = (0..)
        .map(|number| guess(5_000 + number))
        .find(|far| !world.is_mistake(far.text(&mut [0; 8])))
        .expect("most codes are far");
    for (code, what) in [(near, "near"), (far, "far")] {
        let (now, policy) = (UnixMs::new(world.now), Policy::default());
        let credential = credential(world.kind);
        let judged = judge(
            &world.state,
            &credential,
            Some(&code),
            Purpose::Verification,
            now,
            &policy,
        );
        assert!(judged.next.suspended(Purpose::Verification), "A1, D5: {what}");
    }
}

#[test]
fn a_first_factor_of_before_the_guesses_forgives_none_of_them() {
    let world = near_the_edge();
    let counted = |state: &DeviceState| state.parts().verification.long.sum(UnixMs::new(world.now));
    let old = world
        .state
        .forgiven(UnixMs::new(START - 1), UnixMs::new(world.now))
        .expect("nothing is suspended");
    assert_eq!(counted(&old), 59, "A1: it was changed before the first guess");
    let today = world
        .state
        .forgiven(UnixMs::new(world.now), UnixMs::new(world.now))
        .expect("nothing is suspended");
    assert!(
        counted(&today) <= 59,
        "A1: what is of this week may be of after the change"
    );
    let later = world
        .state
        .forgiven(UnixMs::new(world.now + WEEK), UnixMs::new(world.now + WEEK))
        .expect("nothing is suspended");
    assert_eq!(counted(&later), 0, "A1: whoever guessed begins anew");
}
