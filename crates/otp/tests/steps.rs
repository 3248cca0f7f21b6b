//! Steps and windows at the ends of what a `u64` holds, and everywhere between.

use countersign_otp::{Period, Step, Window};
use proptest::prelude::*;

const LAST: Step = Step::new(u64::MAX);

#[test]
fn steps_stop_at_both_ends() {
    assert_eq!(Step::new(2).offset(-3), Step::new(0));
    assert_eq!(Step::new(2).offset(i64::MIN), Step::new(0));
    assert_eq!(LAST.offset(1), LAST);
    assert_eq!(LAST.offset(-1), Step::new(u64::MAX - 1));
    assert_eq!(Step::new(0).offset(i64::MAX), Step::new(i64::MAX as u64));
}

#[test]
fn distances_stay_within_i64() {
    assert_eq!(Step::new(5).steps_since(Step::new(7)), -2);
    assert_eq!(Step::new(7).steps_since(Step::new(5)), 2);
    assert_eq!(LAST.steps_since(Step::new(0)), i64::MAX);
    assert_eq!(Step::new(0).steps_since(LAST), i64::MIN);
    assert_eq!(Step::new(0).steps_since(Step::new(1 << 63)), i64::MIN);
    assert_eq!(Step::new(1 << 63).steps_since(Step::new(0)), i64::MAX);
}

#[test]
fn a_period_is_one_second_to_one_hour() {
    assert_eq!(Period::new_s(1).map(Period::get_s), Some(1));
    assert_eq!(Period::new_s(3_600).map(Period::get_s), Some(3_600));
    assert!(
        [0, 3_601, 65_566, u32::MAX]
            .into_iter()
            .all(|seconds| Period::new_s(seconds).is_none())
    );
    assert_eq!(Step::at(u64::MAX, Period::new_s(1).unwrap()), LAST);
}

#[test]
fn a_window_is_clipped_where_steps_end() {
    let ends = |center, radius| {
        let window = Window::around(Step::new(center), radius);
        (window.first().get(), window.last().get())
    };
    assert_eq!(ends(0, 0), (0, 0));
    assert_eq!(ends(0, 2), (0, 2));
    assert_eq!(ends(1, 2), (0, 3));
    assert_eq!(ends(2, 2), (0, 4));
    assert_eq!(ends(3, 2), (1, 5));
    assert_eq!(ends(u64::MAX - 1, 2), (u64::MAX - 3, u64::MAX));
    assert_eq!(ends(u64::MAX, u32::MAX), (u64::MAX - u64::from(u32::MAX), u64::MAX));
}

/// Steps near both ends and anywhere else.
fn step() -> impl Strategy<Value = u64> {
    prop_oneof![0..300_u64, u64::MAX - 300..=u64::MAX, any::<u64>()]
}

proptest! {
    #[test]
    fn a_window_is_what_its_radius_says(center in step(), radius in 0..400_u32, probe in step()) {
        let window = Window::around(Step::new(center), radius);
        let inside = center.abs_diff(probe) <= u64::from(radius);
        prop_assert_eq!(window.contains(Step::new(probe)), inside);
        prop_assert!(window.contains(window.first()) && window.contains(window.last()));
        if let Some(before) = window.first().get().checked_sub(1) {
            prop_assert!(!window.contains(Step::new(before)));
        }
    }

    #[test]
    fn a_distance_leads_back(from in step(), steps in -1_000..1_000_i64) {
        let from = Step::new(from);
        let to = from.offset(steps);
        prop_assert_eq!(from.offset(to.steps_since(from)), to);
    }
}
