//! The token's clock: it may be corrected, and nobody reads codes of tomorrow and comes back.

mod support;

use proptest::prelude::*;
use support::{BEGINNING_S, Made, Said, TestHost, Token, USUAL};
use wire::{Refusal, Request};

const DAY_MS: u64 = 86_400_000;

fn now_s(token: &Token) -> u64 {
    token.board.now_ms / 1_000
}

fn sealed() -> (Token, Made) {
    let mut token = Token::blank();
    let made = TestHost::new().seal(&mut token, USUAL);
    (token, made)
}

#[test]
fn ten_minutes_a_year_forward_and_back_together() {
    let (mut token, made) = sealed();
    let begin_s = now_s(&token);
    let set = |token: &mut Token, shift: i64| {
        let shown_s = match TestHost::new().set_time(token, &made, 0) {
            Said::Refused(Refusal::Invalid) => token_s(token),
            other => panic!("{other:?}"),
        };
        TestHost::new().set_time(token, &made, shown_s.saturating_add_signed(shift))
    };
    assert_eq!(set(&mut token, 600), Said::Refused(Refusal::OverAllowance));
    assert_eq!(set(&mut token, 200), Said::TimeSet(200, 399));
    assert_eq!(set(&mut token, -100), Said::TimeSet(-100, 298));
    assert_eq!(set(&mut token, 298), Said::Refused(Refusal::OverAllowance));
    assert_eq!(set(&mut token, -297), Said::TimeSet(-297, 0));
    assert_eq!(set(&mut token, 1), Said::Refused(Refusal::OverAllowance));
    assert_eq!(
        set(&mut token, 0),
        Said::Refused(Refusal::OverAllowance),
        "the fraction of a second that it loses counts as well"
    );
    let mut token = token.restart();
    assert_eq!(
        set(&mut token, -1),
        Said::Refused(Refusal::OverAllowance),
        "kept without power"
    );
    token.pass_ms(364 * DAY_MS);
    assert_eq!(set(&mut token, 1), Said::Refused(Refusal::OverAllowance));
    token.pass_ms(2 * DAY_MS);
    assert_eq!(set(&mut token, 10), Said::TimeSet(10, 589), "another year");
    assert!(now_s(&token) > begin_s);
}

/// What the token's clock shows.
fn token_s(token: &mut Token) -> u64 {
    let shown = token::Clock::unix_s(&mut token.board);
    shown.expect("the clock answers").expect("the clock runs")
}

#[test]
fn never_below_a_step_whose_code_was_shown() {
    let (mut token, made) = sealed();
    let begin_s = now_s(&token);
    assert_eq!(
        TestHost::new().set_time(&mut token, &made, begin_s + 90),
        Said::TimeSet(90, 509)
    );
    assert_eq!(token.code(), made.code_at(token_s(&mut token)));
    assert_eq!(
        TestHost::new().set_time(&mut token, &made, begin_s + 60),
        Said::Refused(Refusal::BelowShown)
    );
    // Within the step that was shown it may.
    assert_eq!(
        TestHost::new().set_time(&mut token, &made, begin_s + 90),
        Said::TimeSet(0, 508)
    );
    // After a power cut nobody knows which of the steps kept ahead were shown.
    let mut token = token.restart();
    assert_eq!(
        TestHost::new().set_time(&mut token, &made, begin_s + 90),
        Said::Refused(Refusal::BelowShown)
    );
}

#[test]
fn a_clock_that_runs_fast_is_followed_by_the_codes() {
    let (mut token, made) = sealed();
    token.board.drift_ppm = 100;
    token.pass_ms(100 * DAY_MS);
    let ahead_s = token_s(&mut token) - now_s(&token);
    assert_eq!(ahead_s, 864);
    assert_eq!(token.code(), made.code_at(now_s(&token) + ahead_s));
}

#[test]
fn status_tells_what_was_done_to_the_clock() {
    let (mut token, made) = sealed();
    for shift in [10, 20] {
        let at_s = token_s(&mut token) + shift;
        TestHost::new().set_time(&mut token, &made, at_s);
    }
    let mut host = TestHost::new();
    host.open(&mut token, false);
    let said = host.ask(&mut token, &Request::Status);
    let Said::Status {
        shifted_s, settings, ..
    } = said
    else {
        panic!("{said:?}");
    };
    assert_eq!((shifted_s, settings), (32, 2));
}

/// What somebody with the management key may try.
#[derive(Clone, Debug)]
enum Move {
    Shift(i64),
    Show,
    Pass(u64),
    Restart,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        3 => (-700_i64..700).prop_map(Move::Shift),
        1 => (-3_000_000_i64..3_000_000).prop_map(Move::Shift),
        3 => Just(Move::Show),
        2 => (0_u64..120_000).prop_map(Move::Pass),
        1 => Just(Move::Restart),
    ];
    proptest::collection::vec(one, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Set ahead, read, set back: whoever has the management key sees codes of at most ten minutes ahead, and the
    /// steps that he sees never come back.
    #[test]
    fn tomorrow_is_not_to_be_had(moves in moves()) {
        let (mut token, made) = sealed();
        let mut highest_step = 0;
        for one in moves {
            match one {
                Move::Shift(by) => {
                    let to_s = token_s(&mut token).saturating_add_signed(by);
                    let said = TestHost::new().set_time(&mut token, &made, to_s);
                    if matches!(said, Said::TimeSet(..)) {
                        prop_assert!(to_s / 30 >= highest_step, "back below what was shown");
                    }
                }
                Move::Show => {
                    let shown_s = token_s(&mut token);
                    prop_assert_eq!(token.code(), made.code_at(shown_s));
                    highest_step = highest_step.max(shown_s / 30);
                }
                Move::Pass(ms) => token.pass_ms(ms),
                Move::Restart => token = token.restart(),
            }
            let ahead_s = token_s(&mut token) as i64 - now_s(&token) as i64;
            prop_assert!(ahead_s.abs() <= 600, "{ahead_s} s off");
        }
        prop_assert!(highest_step <= (now_s(&token) + 600) / 30);
        prop_assert!(now_s(&token) >= BEGINNING_S);
    }
}
