//! What an engine keeps of a state is the state, and nothing else is taken for one.

use otp::Step;
use proptest::prelude::*;
use store::{Id, codec};
use verify::{Budget, DeviceState, GuessMac, LastRequest, LongCount, Purpose, Recent, Standing, UnixMs};

fn time() -> impl Strategy<Value = UnixMs> {
    any::<i64>().prop_map(UnixMs::new)
}

fn budget() -> impl Strategy<Value = Budget> {
    let recent = (time(), prop::collection::vec(0..3_600_000_i64, 0..12), any::<bool>());
    let recent = recent.prop_map(|(newest, gaps, none)| {
        let mut time = newest;
        let older = gaps.into_iter().map(move |gap| {
            time = time.plus(-gap);
            time
        });
        Recent::of(std::iter::once(newest).chain(older).filter(|_| !none))
    });
    let long = (any::<u32>(), any::<[u16; 13]>()).prop_map(|(week, counts)| LongCount { week, counts });
    (
        recent,
        any::<u32>(),
        any::<u32>(),
        prop::option::of(time()),
        prop::option::of(any::<u32>().prop_map(GuessMac)),
        prop_oneof![Just(LongCount::default()), long],
        prop::option::of(time()),
        prop::array::uniform2(prop::option::of(any::<u32>())),
    )
        .prop_map(
            |(recent, lock_count, since_success, locked_until, last_wrong, long, suspended_at, lifted)| Budget {
                recent,
                lock_count,
                locked_until,
                since_success,
                last_wrong,
                long,
                suspended_at,
                lifted,
            },
        )
}

fn last_request() -> impl Strategy<Value = LastRequest> {
    let hash = any::<[u8; 16]>;
    (hash(), hash(), hash(), time(), hash(), any::<u32>()).prop_map(
        |(api_key, id, body, decided_at, decision_id, wrong_since_last_success)| LastRequest {
            api_key,
            id,
            body,
            decided_at,
            decision_id,
            wrong_since_last_success,
        },
    )
}

fn state() -> impl Strategy<Value = DeviceState> {
    let standing = prop_oneof![Just(Standing::Bound), Just(Standing::Lost), Just(Standing::Unbound)];
    let clocks = (
        prop::option::of(any::<u64>()),
        any::<i32>(),
        any::<i32>(),
        prop::option::of(time()),
    );
    let budgets = (budget(), budget(), budget());
    (
        any::<u64>(),
        standing,
        clocks,
        prop::option::of(time()),
        budgets,
        prop::option::of(last_request()),
    )
        .prop_map(
            |(
                version,
                standing,
                (last_step, offset_steps, drift_steps, drift_learned_at),
                last_success_at,
                budgets,
                last_request,
            )| {
                DeviceState {
                    version,
                    standing,
                    last_step: last_step.map(Step::new),
                    offset_steps,
                    drift_steps,
                    drift_learned_at,
                    last_success_at,
                    verification: budgets.0.into(),
                    unbinding: budgets.1.into(),
                    resync: budgets.2.into(),
                    last_request,
                }
            },
        )
}

proptest! {
    #[test]
    fn what_is_written_is_read(states in prop::collection::vec((any::<u128>().prop_map(Id::from_u128), state()), 0..5)) {
        let written: Vec<_> = states.iter().map(|(id, state)| (*id, codec::encode_state(state))).collect();
        prop_assert_eq!(codec::decode_states(&codec::join_states(&written)).unwrap(), states.clone());
        for (_, state) in &states {
            prop_assert_eq!(&codec::decode_state(&codec::encode_state(state)).unwrap(), state);
            let budget = *state.verification;
            prop_assert_eq!(codec::decode_budget(&codec::encode_budget(&budget)).unwrap(), budget);
            if let Some(last) = &state.last_request {
                prop_assert_eq!(codec::decode_last_request(&codec::encode_last_request(last)).unwrap(), Some(*last));
            }
        }
    }

    #[test]
    fn nothing_else_is_read(bytes in prop::collection::vec(any::<u8>(), 0..200), state in state(), cut in any::<prop::sample::Index>()) {
        // Whatever is read from arbitrary bytes is written the same way again, or not read at all.
        if let Ok(read) = codec::decode_state(&bytes) {
            prop_assert_eq!(codec::decode_state(&codec::encode_state(&read)).unwrap(), read);
        }
        let _no_panic = codec::decode_states(&bytes);
        let whole = codec::encode_state(&state);
        prop_assert!(codec::decode_state(&whole[..cut.index(whole.len())]).is_err(), "cut off");
        prop_assert!(codec::decode_state(&[whole.as_slice(), &[0]].concat()).is_err(), "something follows");
    }
}

#[test]
fn a_fresh_state_is_small() {
    let state = DeviceState::bound(Step::new(58_000_000), 0, UnixMs::new(1_760_000_000_000));
    assert!(
        codec::encode_state(&state).len() <= 20,
        "{}",
        codec::encode_state(&state).len()
    );
}

/// As the first format wrote a device that a hundred wrong codes had suspended: it stays so, on every road.
#[test]
fn the_format_before_this_one_is_read() {
    let suspended = [
        1, 1, 9, 101, 0, 0, 0xc0, 0x92, 0xd4, 0x1b, // format, suspended, flags, version, no drift, last step
        3, 10, 100, 1, 0x80, 0x80, 0xe0, 0xe6, 0xb9, 0x66,
        0, // three since the first, ten locks, a hundred in all
    ];
    let state = codec::decode_state(&suspended).expect("it is read");
    assert_eq!(state.standing, Standing::Bound);
    assert!(
        Purpose::ALL.iter().all(|road| state.suspended(*road)),
        "A1: nothing is lifted by an upgrade"
    );
    assert_eq!(state.verification.recent.count(), 3);
    assert_eq!(
        (state.verification.lock_count, state.verification.since_success),
        (10, 100)
    );
    assert_eq!(
        codec::decode_state(&codec::encode_state(&state)).expect("written anew"),
        state
    );
}

/// As version 0.1 wrote it, before decisions had ids.
fn old_last_request(accepted: u8) -> Vec<u8> {
    // 1,760,000,000,000 ms, zigzag, LEB128.
    let decided_at = [0x80, 0x80, 0xe6, 0x82, 0xb9, 0x66];
    [[0x11; 16].as_slice(), &[0x22; 16], &decided_at, &[accepted]].concat()
}

#[test]
fn a_last_request_of_before_decisions_had_ids_is_read_and_forgotten() {
    let state = DeviceState::bound(Step::new(58_000_000), 0, UnixMs::new(1_760_000_000_000));
    for accepted in [0, 1] {
        let old = old_last_request(accepted);
        assert_eq!(
            codec::decode_last_request(&[&[1], old.as_slice()].concat()).unwrap(),
            None
        );
        // The flag of a last request, which stands last of all.
        let mut row = codec::encode_state(&state);
        row[2] |= 1 << 6;
        row.extend(&old);
        assert_eq!(codec::decode_state(&row).unwrap(), state, "the rest is as it was");
        row.pop();
        assert!(codec::decode_state(&row).is_err(), "cut off");
    }
    assert!(codec::decode_last_request(&[&[1], old_last_request(3).as_slice()].concat()).is_err());
}
