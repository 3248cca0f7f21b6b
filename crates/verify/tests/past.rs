//! What is told of a device's past opens nothing (rule A5): not at once, not later, not by any road.

use otp::{Code, Key, Parameters, Secret, Step, Window};
use verify::{
    Cause, Credential, DeviceParts, DeviceState, Kind, Past, Policy, Purpose, UnixMs, Verdict, judge, resync,
    shown_before_binding, shown_by_dead_secret,
};

const SECRET: &[u8; 20] = b"12345678901234567890";
const NOW: UnixMs = UnixMs::new(1_795_219_200_000);

fn credential(kind: Kind) -> Credential {
    let secret = Secret::from_slice(SECRET).expect("20 bytes");
    Credential::new(secret, Parameters::DEFAULT, kind)
}

fn code_at(step: Step) -> Code {
    let secret = Secret::from_slice(SECRET).expect("20 bytes");
    Key::new(&secret, Parameters::DEFAULT.algorithm).code(step, Parameters::DEFAULT.digits)
}

/// Bound long ago, its clock so far ahead when it was measured, with so much learned since.
fn device(measured_offset_steps: i32, learned_drift_steps: i32) -> DeviceState {
    DeviceState::restored(DeviceParts {
        learned_drift_steps,
        ..DeviceParts::bound(Step::new(1), measured_offset_steps, NOW.plus(-90 * UnixMs::DAY))
    })
}

/// The steps before the end of the past of which its code is told to be.
fn told(past: &Past) -> impl Iterator<Item = Step> {
    let last = past.state().parts().last_step.expect("it is burned");
    (0..300).map(move |back| last.offset(-back))
}

#[test]
fn a5_no_told_code_is_accepted_by_any_road_at_any_time() {
    let policy = Policy::default();
    for (offset, learned) in [(0, 0), (-120, -10), (121, 10), (-3, 2), (40, -1)] {
        let state = device(offset, learned);
        let past = Past::of(&state, Parameters::DEFAULT, NOW, &policy);
        for step in told(&past) {
            let [first, second] = [step, step.offset(1)].map(code_at);
            let found = past.locate(&credential(Kind::Hardware), &first, 300);
            assert!(found.is_some_and(|found| found >= step), "{step:?} is told");
            // At once, a window later, and after an hour, in which the clock may go either way.
            for later_ms in [-UnixMs::MINUTE, 0, UnixMs::MINUTE, UnixMs::HOUR] {
                let at = NOW.plus(later_ms);
                let credential = credential(Kind::Hardware);
                let judged = judge(
                    past.state(),
                    &credential,
                    Some(&first),
                    Purpose::Verification,
                    at,
                    &policy,
                );
                assert!(!matches!(judged.verdict, Verdict::Accepted(_)), "{step:?}, {later_ms}");
                let pair = [&first, &second];
                let measured = resync(past.state(), &credential, pair, true, at, &policy);
                assert!(
                    !matches!(measured.verdict, Verdict::Accepted(_)),
                    "{step:?}, {later_ms}"
                );
            }
        }
    }
}

#[test]
fn a5_what_the_window_has_is_neither_burned_nor_told() {
    for window_steps in [1, 2] {
        let policy = Policy {
            window_steps,
            ..Policy::default()
        };
        let state = device(-7, 2);
        let past = Past::of(&state, Parameters::DEFAULT, NOW, &policy);
        let expected = state.expected(Parameters::DEFAULT, NOW);
        let window = Window::around(expected, window_steps);
        for step in (window.first().get()..window.last().get() + 150).map(Step::new) {
            let code = code_at(step);
            let found = past.locate(&credential(Kind::Hardware), &code, 300);
            assert_eq!(found, None, "{step:?}");
            if window.contains(step) {
                let credential = credential(Kind::Hardware);
                let judged = judge(
                    past.state(),
                    &credential,
                    Some(&code),
                    Purpose::Verification,
                    NOW,
                    &policy,
                );
                assert!(
                    matches!(judged.verdict, Verdict::Accepted(_)),
                    "{step:?}: the user goes on"
                );
            }
        }
    }
}

#[test]
fn a5_what_was_used_stays_used_and_no_last_step_is_lowered() {
    let policy = Policy::default();
    let ahead = NOW.step(Parameters::DEFAULT.period).offset(40);
    let state = DeviceState::restored(DeviceParts::bound(ahead, 0, NOW));
    let past = Past::of(&state, Parameters::DEFAULT, NOW, &policy);
    assert_eq!(past.into_state(), state);
}

#[test]
fn a5_codes_of_another_period_are_looked_at_where_they_are_past() {
    let policy = Policy::default();
    let minute = otp::Period::new_s(60).expect("a period");
    let now = |period| NOW.step(period);
    let past = |parameters| Past::of(&device(0, 0), parameters, NOW, &policy);
    let found =
        past(Parameters::DEFAULT).misconfigured(&credential(Kind::Virtual), &code_at(now(minute)), NOW, &policy);
    assert_eq!(found, Some(Cause::OtherPeriod(minute)));
    // Of a device of 60 s a code of the other period is one of a time to come.
    let slow = Parameters {
        period: minute,
        ..Parameters::DEFAULT
    };
    let secret = Secret::from_slice(SECRET).expect("20 bytes");
    let credential = Credential::new(secret, slow, Kind::Virtual);
    let code = code_at(now(otp::Period::THIRTY));
    assert_eq!(past(slow).misconfigured(&credential, &code, NOW, &policy), None);
}

#[test]
fn a5_an_entry_that_could_still_be_bound_is_told_of_once_its_codes_are_over() {
    let (policy, credential) = (Policy::default(), credential(Kind::Virtual));
    let present = NOW.step(Parameters::DEFAULT.period);
    let told: Vec<i64> = (-40..=3)
        .filter(|steps| shown_before_binding(&credential, &code_at(present.offset(*steps)), NOW, &policy))
        .collect();
    assert_eq!(
        told,
        (-26..=-6).collect::<Vec<_>>(),
        "the clock may be set back two minutes"
    );
    let dead: Vec<i64> = (-40..=3)
        .filter(|steps| shown_by_dead_secret(&credential, &code_at(present.offset(*steps)), NOW, &policy))
        .collect();
    assert_eq!(dead, (-20..=1).collect::<Vec<_>>());
}

#[test]
fn d6_an_app_leaves_the_window_when_the_phone_is_set_right() {
    let policy = Policy::default();
    let leaves = |offset, learned| device(offset, learned).about_to_leave(Kind::Virtual, NOW, NOW, &policy);
    assert!(leaves(5, 0) && leaves(-2, 0));
    assert!(
        !leaves(0, 1) && !leaves(1, 0),
        "codes that were typed late are no clock"
    );
}
