//! Whole histories of one counter token (HOTP), held against a model that remembers everything and is written the naive way.
//! RFC 4226 section 7, rule A1 and the rules on counter tokens.

use std::{collections::BTreeSet, slice};

use otp::{Algorithm, Code, Key, Parameters, Secret, Step};
use proptest::prelude::*;
use verify::{
    Cause, Credential, DeviceState, Kind, LIFTS, Lock, Moving, NextCode, Past, Policy, Purpose, UnboundToken, UnixMs,
    Verdict, confirm_counter, diagnose, judge, recognise, resync, shown_by,
};

const SECRET: &[u8] = b"12345678901234567890";
const START: i64 = 1_700_000_000_000;
const HOUR: i64 = 3_600_000;
const STEP: i64 = 30_000;
/// The counter in the seed file.
const FIRST: u64 = 7;
const LOOK_AHEAD: u64 = 5;
const SEARCH: u64 = 1_000;

fn secret() -> Secret {
    Secret::from_slice(SECRET).expect("20 bytes")
}

fn credential() -> Credential {
    Credential::new(secret(), Parameters::DEFAULT, Kind::Hardware)
}

fn code_at(counter: u64) -> Code {
    Key::new(&secret(), Algorithm::Sha1).code(Step::new(counter), Parameters::DEFAULT.digits)
}

fn digits_of(code: &Code) -> String {
    code.text(&mut [0; 8]).to_owned()
}

fn digits_at(counter: u64) -> String {
    digits_of(&code_at(counter))
}

/// A token whose button was pressed so often before it was bound.
fn bound(pressed: u64) -> DeviceState {
    let codes = [code_at(FIRST + pressed), code_at(FIRST + pressed + 1)];
    let confirmed = confirm_counter(
        &credential(),
        &codes,
        Step::new(FIRST),
        UnixMs::new(START),
        &Policy::default(),
    );
    confirmed.expect("two codes in a row").state
}

#[derive(Clone, Debug)]
enum Act {
    Wait(i64),
    /// Its button is pressed, and nobody types what it shows.
    Press(u64),
    /// What it shows next is typed.
    Type,
    /// A code that was shown before is typed.
    Older(u64),
    /// The next code with another digit at this place.
    Mistype(usize),
    Guess(u32),
    /// Two codes in a row.
    Resync,
    /// The database is put back to the state of so many acts ago.
    Restore(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0..60_000_i64).prop_map(Act::Wait),
        1 => (0..10_000_000_i64).prop_map(Act::Wait),
        3 => (1..8_u64).prop_map(Act::Press),
        1 => (1..1_200_u64).prop_map(Act::Press),
        8 => Just(Act::Type),
        3 => (0..12_u64).prop_map(Act::Older),
        2 => (0..6_usize).prop_map(Act::Mistype),
        3 => (0..1_000_000_u32).prop_map(Act::Guess),
        3 => Just(Act::Resync),
        1 => (1..10_usize).prop_map(Act::Restore),
    ]
}

struct World {
    now: i64,
    /// The counter of the code that the token shows when it is pressed next.
    next_shown: u64,
    state: DeviceState,
    /// The states before, for who restores one.
    before: Vec<DeviceState>,
    /// What was accepted since the state was last restored.
    accepted: BTreeSet<u64>,
}

impl World {
    fn new() -> Self {
        Self {
            now: START,
            next_shown: FIRST + 2,
            state: bound(0),
            before: Vec::new(),
            accepted: BTreeSet::new(),
        }
    }

    /// The next one, as the database knows it.
    fn expected(&self) -> u64 {
        self.state.parts().last_step.expect("bound by a code").get() + 1
    }

    fn press(&mut self) -> Code {
        self.next_shown += 1;
        code_at(self.next_shown - 1)
    }

    fn act(&mut self, act: &Act) {
        self.before.push(self.state.clone());
        match act {
            Act::Wait(ms) => self.now += ms,
            Act::Press(times) => self.next_shown += times,
            Act::Type => {
                let code = self.press();
                self.try_code(&code);
            }
            Act::Older(ago) => self.try_code(&code_at((self.next_shown - 1).saturating_sub(*ago))),
            Act::Mistype(place) => {
                let mut text = digits_at(self.next_shown).into_bytes();
                text[*place] = b'0' + (text[*place] - b'0' + 1) % 10;
                let text = String::from_utf8(text).expect("digits");
                self.try_code(&Code::parse(&text).expect("six digits"));
            }
            Act::Guess(value) => self.try_code(&Code::parse(&format!("{value:06}")).expect("six digits")),
            Act::Resync => {
                let codes = [self.press(), self.press()];
                self.try_resync(&codes);
            }
            Act::Restore(ago) => {
                let at = self.before.len().saturating_sub(*ago);
                self.state = self.before[at.min(self.before.len() - 1)].clone();
                self.accepted.clear();
            }
        }
        self.check_parts();
    }

    fn try_code(&mut self, code: &Code) {
        let now = UnixMs::new(self.now);
        let (old, policy) = (self.state.clone(), Policy::default());
        let judgement = judge(&old, &credential(), Some(code), Purpose::Verification, now, &policy);
        let text = digits_of(code);
        let next = self.expected();
        let right = (next..=next + LOOK_AHEAD).rfind(|counter| digits_at(*counter) == text);
        let is_locked = old.lock(Purpose::Verification, now).is_some();
        match (&judgement.verdict, right) {
            (Verdict::Locked(_), _) => {
                assert!(is_locked && judgement.next == old, "A1: nothing is judged while locked");
            }
            (Verdict::Accepted(step), Some(counter)) => {
                assert_eq!(step.get(), counter, "the latest of the look-ahead is burned");
                assert!(self.accepted.insert(counter), "accepted twice: {counter}");
            }
            (Verdict::Refused(cause), None) => {
                let may_be_told = !matches!(cause, Cause::ClockOff { .. } | Cause::OtherPeriod(_));
                assert!(may_be_told, "what is still to come is never told: {cause:?}");
            }
            (verdict, right) => panic!("{verdict:?} where {right:?} is right, and {next} is next"),
        }
        self.state = judgement.next;
    }

    fn try_resync(&mut self, codes: &[Code; 2]) {
        let (old, now) = (self.state.clone(), UnixMs::new(self.now));
        let [first, second] = codes;
        let judgement = resync(&old, &credential(), [first, second], false, now, &Policy::default());
        let shown = self.next_shown - 2;
        let next = self.expected();
        let is_near = (next..=next + SEARCH).contains(&shown);
        match judgement.verdict {
            Verdict::Accepted(step) => {
                assert!(
                    is_near,
                    "{shown} of {next}: no counter goes back, none goes beyond 1,000"
                );
                assert_eq!(step.get(), shown + 1, "both codes are burned");
                assert!(self.accepted.insert(shown) && self.accepted.insert(shown + 1));
            }
            Verdict::Refused(_) => assert!(!is_near, "{shown} of {next}: two codes in a row within 1,000"),
            Verdict::Locked(_) => assert!(old.lock(Purpose::Resync, now).is_some()),
        }
        self.state = judgement.next;
    }

    fn check_parts(&self) {
        let parts = self.state.parts();
        assert_eq!(parts.moving, Moving::Counter);
        assert_eq!(self.state.total_offset_steps(), 0, "a counter has no clock");
        if let Some(last) = self.accepted.last() {
            assert!(self.expected() > *last, "the counter moves forward only");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_history_of_a_counter_breaks_the_rules(acts in prop::collection::vec(act(), 1..120)) {
        let mut world = World::new();
        for act in &acts {
            world.act(act);
        }
    }

    /// Whoever restores a database of before has a token that is ahead of it: two codes in a row bring both together, and
    /// whatever was shown until then is over.
    #[test]
    fn two_codes_in_a_row_find_a_counter_that_was_lost_by_a_restore(
        typed in 0..300_u64, pressed in 0..300_u64, older in 1..12_u64,
    ) {
        let mut world = World::new();
        let copy = world.state.clone();
        for _code in 0..typed {
            let code = world.press();
            world.try_code(&code);
        }
        world.next_shown += pressed;
        world.state = copy;
        world.accepted.clear();
        let codes = [world.press(), world.press()];
        world.try_resync(&codes);
        prop_assert_eq!(world.expected(), world.next_shown, "both are at the same code again");
        let before = world.state.parts().last_step;
        let old = code_at(world.next_shown.saturating_sub(older));
        if (0..=LOOK_AHEAD).all(|ahead| digits_at(world.next_shown + ahead) != digits_of(&old)) {
            world.try_code(&old);
            prop_assert_eq!(world.state.parts().last_step, before, "none of before is accepted again");
        }
        let code = world.press();
        world.try_code(&code);
        prop_assert_eq!(world.expected(), world.next_shown);
    }

    #[test]
    fn a_token_that_was_played_with_is_bound_by_two_codes_in_a_row(pressed in 0..1_100_u64) {
        let codes = [code_at(FIRST + pressed), code_at(FIRST + pressed + 1)];
        let now = UnixMs::new(START);
        let done = confirm_counter(&credential(), &codes, Step::new(FIRST), now, &Policy::default());
        prop_assert_eq!(done.is_ok(), pressed <= SEARCH);
        if let Ok(confirmed) = done {
            prop_assert_eq!(confirmed.state.parts().last_step, Some(Step::new(FIRST + pressed + 1)), "both are burned");
        }
    }
}

#[test]
fn a_single_code_binds_within_the_look_ahead_alone() {
    let bind = |code: Code| {
        confirm_counter(
            &credential(),
            &[code],
            Step::new(FIRST),
            UnixMs::new(START),
            &Policy::default(),
        )
    };
    assert!(bind(code_at(FIRST + LOOK_AHEAD)).is_ok());
    assert_eq!(
        bind(code_at(FIRST + LOOK_AHEAD + 1)).expect_err("too far").cause,
        Cause::Wrong
    );
    assert_eq!(bind(code_at(FIRST - 1)).expect_err("before").cause, Cause::Wrong);
    let eight = Code::parse("12345678").expect("eight digits");
    assert_eq!(bind(eight).expect_err("eight").cause, Cause::OtherDigits);
}

#[test]
fn the_look_ahead_is_a_setting_and_the_last_counter_ends_it() {
    let policy = Policy {
        counter_look_ahead: 10,
        ..Policy::default()
    };
    let state = bound(0);
    let now = UnixMs::new(START + STEP);
    let verdict = |state: &DeviceState, code: &Code, policy: &Policy| {
        judge(state, &credential(), Some(code), Purpose::Verification, now, policy).verdict
    };
    let far = code_at(FIRST + 2 + 10);
    assert!(matches!(verdict(&state, &far, &policy), Verdict::Accepted(_)));
    assert!(matches!(
        verdict(&state, &far, &Policy::default()),
        Verdict::Refused(Cause::Wrong)
    ));

    let mut parts = state.parts().clone();
    parts.last_step = Some(Step::new(u64::MAX));
    let ended = DeviceState::restored(parts);
    assert!(
        matches!(verdict(&ended, &code_at(u64::MAX), &policy), Verdict::Refused(_)),
        "there is nothing after the last one"
    );
}

#[test]
fn a1_a_repeat_within_thirty_seconds_is_one_guess_and_a_later_one_is_another() {
    let policy = Policy::default();
    let wrong = (0..)
        .map(|value| Code::parse(&format!("{value:06}")).expect("six digits"))
        .find(|code| (0..2_000).all(|counter| digits_at(counter) != digits_of(code)))
        .expect("most codes are none");
    let at = START / STEP * STEP;
    let tried = |state: &DeviceState, now| {
        judge(
            state,
            &credential(),
            Some(&wrong),
            Purpose::Verification,
            UnixMs::new(now),
            &policy,
        )
        .next
    };
    let once = tried(&bound(0), at);
    assert_eq!(tried(&once, at + STEP - 1), once, "A1: the same code again");
    let twice = tried(&once, at + STEP);
    assert_eq!(twice.parts().verification.since_success, 2, "A1: HOTP: 30 s");
}

#[test]
fn a1_half_as_many_guesses_as_at_a_clock_suspend_for_each_has_twice_the_targets() {
    let policy = Policy::default();
    for (purpose, most) in [
        (Purpose::Verification, 30),
        (Purpose::Unbinding, 10),
        (Purpose::Identity, 5),
    ] {
        let clocks = policy.throttle(purpose, Moving::Time);
        let counters = policy.throttle(purpose, Moving::Counter);
        assert_eq!(counters.suspend_after, most, "A1");
        let targets_of_clock = 2 * policy.window_steps + 1;
        let targets_of_counter = policy.counter_look_ahead + 1;
        assert_eq!(
            clocks.suspend_after * targets_of_clock,
            counters.suspend_after * targets_of_counter,
            "A1: the same chance in all"
        );
        assert_eq!(clocks.lift * targets_of_clock, counters.lift * targets_of_counter, "A1");

        let mut state = bound(0);
        let (mut now, mut number, mut judged) = (START, 0_u32, 0_u32);
        let mut lifts = 0;
        loop {
            number += 1;
            let guess = Code::parse(&format!("{:06}", number * 7_919 % 1_000_000)).expect("six digits");
            let judgement = judge(&state, &credential(), Some(&guess), purpose, UnixMs::new(now), &policy);
            match judgement.verdict {
                Verdict::Refused(_) => judged += 1,
                Verdict::Locked(Lock::Until(until)) => now = until.get(),
                Verdict::Locked(Lock::Suspended) => match state.unlocked(UnixMs::new(now)) {
                    Some(lifted) => {
                        lifts += 1;
                        state = lifted;
                        continue;
                    }
                    None => break,
                },
                // One guess in 170,000.
                Verdict::Accepted(_) => {}
            }
            state = judgement.next;
            now += HOUR / 9;
        }
        let expected = most + lifts * counters.lift;
        // A mistake by chance is not counted: one in some 2,600 guesses.
        assert!(
            (expected..=expected + 2).contains(&judged),
            "A1: {judged} of {expected}"
        );
        assert!(lifts <= LIFTS, "A1");
    }
}

#[test]
fn support_learns_of_a_counter_what_is_over_and_nothing_of_what_comes() {
    let (policy, now) = (Policy::default(), UnixMs::new(START + HOUR));
    let state = bound(10);
    let last = state.parts().last_step.expect("bound").get();
    let past = Past::of(&state, Parameters::DEFAULT, now, &policy);
    assert_eq!(past.state(), &state, "A5: there is nothing to burn");
    assert_eq!(
        past.locate(&credential(), &code_at(last - 3), 10),
        Some(Step::new(last - 3))
    );
    assert_eq!(
        past.locate(&credential(), &code_at(last + 1), 10),
        None,
        "A5: it may still be used"
    );
    assert_eq!(
        past.misconfigured(&credential(), &code_at(last + 1), now, &policy),
        None
    );
    let told = |counter| diagnose(&state, &credential(), &code_at(counter), None, now, &policy);
    assert_eq!(told(last - 2), Cause::Used { steps_ago: 3 });
    assert_eq!(told(last + 20), Cause::Wrong, "A5: nothing of what comes");
    assert!(
        !state.about_to_leave(Kind::Hardware, UnixMs::new(START), now, &policy),
        "no clock"
    );
}

#[test]
fn a_counter_token_is_recognised_by_the_code_it_shows_or_two_in_a_row() {
    let (policy, now) = (Policy::default(), UnixMs::new(START));
    let token = UnboundToken {
        secret: &secret(),
        parameters: Parameters::DEFAULT,
        next: NextCode::Counter(Step::new(FIRST)),
    };
    let shows = |counter| shown_by(slice::from_ref(&token), &code_at(counter), now, &policy) == [true];
    assert!(shows(FIRST) && shows(FIRST + LOOK_AHEAD));
    assert!(!shows(FIRST + LOOK_AHEAD + 1) && !shows(FIRST - 1));

    let state = bound(0);
    let next = FIRST + 2;
    let found = |first: u64, second: u64| {
        let codes = [&code_at(first), &code_at(second)];
        recognise(&state, &credential(), codes, now, &policy)
    };
    let burned = found(next + 8, next + 9).expect("somebody pressed it eight times");
    assert_eq!(
        burned.parts().last_step,
        Some(Step::new(next + 9)),
        "A5: both are burned"
    );
    assert!(found(next - 1, next).is_none(), "one of them was used");
    assert!(found(next, next + 2).is_none(), "not in a row");
}
