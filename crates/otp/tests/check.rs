//! Checks beside a naive model: list the window's codes as texts and look.

mod support;

use std::collections::HashMap;

use countersign_otp::{Algorithm, Code, Digits, Key, Match, Step, Window};
use proptest::prelude::*;
use support::{Random, code, key, text};

struct Model<'a> {
    key: &'a Key,
    window: Window,
}

impl Model<'_> {
    fn steps(&self) -> impl DoubleEndedIterator<Item = Step> {
        (self.window.first().get()..=self.window.last().get()).map(Step::new)
    }

    fn stands(&self, wanted: &Code, step: Step) -> bool {
        text(&self.key.code(step, wanted.digits())) == text(wanted)
    }

    /// The step, and whether it was free.
    fn check(&self, wanted: &Code, last: Option<Step>) -> Option<(Step, bool)> {
        let step = self.steps().rfind(|step| self.stands(wanted, *step))?;
        Some((step, last.is_none_or(|last| step > last)))
    }

    fn check_pair(&self, first: &Code, second: &Code, last: Option<Step>) -> Option<Step> {
        self.steps()
            .filter(|step| last.is_none_or(|last| *step > last) && *step < Step::new(u64::MAX))
            .rfind(|step| self.stands(first, *step) && self.stands(second, step.offset(1)))
            .map(|step| step.offset(1))
    }

    fn locate(&self, wanted: &Code, near: Step) -> Option<Step> {
        let standing = self.steps().filter(|step| self.stands(wanted, *step)).rev();
        standing.min_by_key(|step| step.get().abs_diff(near.get()))
    }
}

fn judged(found: Match) -> Option<(Step, bool)> {
    match found {
        Match::Accepted(accepted) => Some((accepted.step(), true)),
        Match::Used { step } => Some((step, false)),
        Match::None => None,
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![0..20_u64, u64::MAX - 20..=u64::MAX, 50_000_000..70_000_000_u64].prop_map(Step::new)
}

fn any_key() -> impl Strategy<Value = Hidden<Key>> {
    (prop::collection::vec(any::<u8>(), 1..=128), 0..3_usize)
        .prop_map(|(secret, algorithm)| Hidden(key(&secret, Algorithm::ALL[algorithm])))
}

/// `Key` has no `Debug`, which proptest wants of what it generates.
struct Hidden<T>(T);

impl<T> std::fmt::Debug for Hidden<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

proptest! {
    #[test]
    fn as_the_model_says(
        Hidden(key) in any_key(),
        center in any_step(),
        radius in 0..12_u32,
        shown in -14..14_i64,
        last in prop::option::of(-14..14_i64),
        near in -14..14_i64,
        digits in 6..=8_u8,
    ) {
        let digits = Digits::new(digits).unwrap();
        let window = Window::around(center, radius);
        let model = Model { key: &key, window };
        let last = last.map(|steps| center.offset(steps));
        let near = center.offset(near);
        let shown = center.offset(shown);
        let (first, second) = (key.code(shown, digits), key.code(shown.offset(1), digits));

        prop_assert_eq!(judged(key.check(&first, window, last)), model.check(&first, last));
        prop_assert_eq!(key.locate(&first, window, near), model.locate(&first, near));
        let pair = key.check_pair(&first, &second, window, last).map(|accepted| accepted.step());
        prop_assert_eq!(pair, model.check_pair(&first, &second, last));
        let swapped = key.check_pair(&second, &first, window, last).map(|accepted| accepted.step());
        prop_assert_eq!(swapped, model.check_pair(&second, &first, last));
    }
}

#[test]
fn a_code_is_right_once() {
    let key = key(b"12345678901234567890", Algorithm::Sha1);
    let window = Window::around(Step::new(5), 1);
    let typed = key.code(Step::new(5), Digits::SIX);
    let at = |last| judged(key.check(&typed, window, last));
    assert_eq!(at(None), Some((Step::new(5), true)));
    assert_eq!(at(Some(Step::new(4))), Some((Step::new(5), true)));
    assert_eq!(at(Some(Step::new(5))), Some((Step::new(5), false)));
    assert_eq!(at(Some(Step::new(6))), Some((Step::new(5), false)));
}

#[test]
fn a_pair_burns_its_second_step_and_starts_after_the_last() {
    let key = key(b"12345678901234567890", Algorithm::Sha1);
    let window = Window::around(Step::new(100), 2);
    let codes = |step| {
        (
            key.code(Step::new(step), Digits::SIX),
            key.code(Step::new(step + 1), Digits::SIX),
        )
    };
    let pair = |step, last: Option<u64>| {
        let (first, second) = codes(step);
        key.check_pair(&first, &second, window, last.map(Step::new))
            .map(|accepted| accepted.step().get())
    };
    assert_eq!(pair(100, None), Some(101));
    assert_eq!(pair(98, None), Some(99));
    assert_eq!(
        pair(102, None),
        Some(103),
        "the second code may be the one after the window"
    );
    assert_eq!(pair(97, None), None, "the first code is outside");
    assert_eq!(pair(103, None), None);
    assert_eq!(pair(100, Some(99)), Some(101));
    assert_eq!(pair(100, Some(100)), None, "the first code is burned");
    assert_eq!(pair(100, Some(101)), None);
}

/// The digits of two steps of one window, found by looking at wide windows of many keys.
#[test]
fn digits_that_stand_twice_are_burned_at_both_steps() {
    let window = Window::around(Step::new(60_000_000), 120);
    let (key, earlier, later) = twice(window);
    let typed = key.code(earlier, Digits::SIX);
    assert!(bool::from(typed.ct_eq(&key.code(later, Digits::SIX))));

    assert_eq!(judged(key.check(&typed, window, None)), Some((later, true)));
    assert_eq!(judged(key.check(&typed, window, Some(earlier))), Some((later, true)));
    assert_eq!(judged(key.check(&typed, window, Some(later))), Some((later, false)));
    assert_eq!(key.locate(&typed, window, earlier), Some(earlier));
    assert_eq!(key.locate(&typed, window, later), Some(later));
}

fn twice(window: Window) -> (Key, Step, Step) {
    let mut random = Random(0x0e05);
    loop {
        let key = key(&random.bytes(20), Algorithm::Sha1);
        let mut seen = HashMap::new();
        for step in (window.first().get()..=window.last().get()).map(Step::new) {
            if let Some(earlier) = seen.insert(text(&key.code(step, Digits::SIX)), step) {
                return (key, earlier, step);
            }
        }
    }
}

/// Why the caller compares the numbers of digits: a check cannot know what the device shows.
#[test]
fn the_digits_are_the_codes_own() {
    let key = key(b"12345678901234567890", Algorithm::Sha1);
    let step = Step::new(1);
    assert_eq!(text(&key.code(step, Digits::EIGHT)), "94287082");
    let short = code("287082");
    assert_eq!(
        judged(key.check(&short, Window::around(step, 0), None)),
        Some((step, true))
    );
    assert_ne!(short.digits(), Digits::EIGHT);
}
