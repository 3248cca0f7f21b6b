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
    (any::<[u8; 16]>(), any::<[u8; 16]>(), time(), any::<bool>()).prop_map(|(id, body, decided_at, accepted)| {
        LastRequest {
            id,
            body,
            decided_at,
            accepted,
        }
    })
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
                    verification: budgets.0,
                    unbinding: budgets.1,
                    resync: budgets.2,
                    last_request,
                }
            },
        )
}

proptest! {
    #[test]
    fn what_is_written_is_read(states in prop::collection::vec((any::<u128>().prop_map(Id::from_u128), state()), 0..5)) {
        prop_assert_eq!(codec::decode_states(&codec::encode_states(&states)).unwrap(), states.clone());
        for (_, state) in &states {
            prop_assert_eq!(codec::decode_state(&codec::encode_state(state)).unwrap(), *state);
            let budget = state.verification;
            prop_assert_eq!(codec::decode_budget(&codec::encode_budget(&budget)).unwrap(), budget);
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
