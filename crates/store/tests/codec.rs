//! What an engine keeps of a user is the user, and nothing else is taken for one.

use otp::{Algorithm, Digits, Parameters, Period, Step};
use proptest::prelude::*;
use store::{Bound, Device, Id, Owner, Sealed, User, codec};
use verify::{DeviceParts, DeviceState, DeviceStatus, GuessMac, Kind, LongCount, Moving, Recent, Throttle, UnixMs};

fn time() -> impl Strategy<Value = UnixMs> {
    any::<i64>().prop_map(UnixMs::new)
}

fn budget() -> impl Strategy<Value = Throttle> {
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
            |(recent, lock_count, since_success, locked_until, last_wrong, long, suspended_at, lifted)| Throttle {
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

fn state() -> impl Strategy<Value = DeviceState> {
    let status = prop_oneof![Just(DeviceStatus::Bound), Just(DeviceStatus::Lost)];
    let step = || prop::option::of(any::<u64>());
    let clock = (step(), any::<i32>(), any::<i32>(), prop::option::of(time()))
        .prop_map(|(step, measured, learned, at)| (Moving::Time, step, measured, learned, at));
    let counter = step().prop_map(|last| (Moving::Counter, last, 0, 0, None));
    let moving = prop_oneof![clock, counter];
    let budgets = (budget(), budget(), budget(), budget());
    (status, moving, prop::option::of(time()), budgets).prop_map(|(status, moving, last_success_at, budgets)| {
        let (moving, last_step, measured_offset_steps, learned_drift_steps, drift_learned_at) = moving;
        DeviceState::restored(DeviceParts {
            status,
            moving,
            last_step: last_step.map(Step::new),
            measured_offset_steps,
            learned_drift_steps,
            drift_learned_at,
            last_success_at,
            verification: budgets.0.into(),
            unbinding: budgets.1.into(),
            resync: budgets.2.into(),
            identity: budgets.3.into(),
        })
    })
}

fn owner() -> Owner {
    Owner::new("acme", "alice")
}

fn device() -> impl Strategy<Value = Device> {
    let parameters = (0..3_usize, 6..=8_u8, 1..=3_600_u32).prop_map(|(algorithm, digits, period_s)| Parameters {
        algorithm: Algorithm::ALL[algorithm],
        digits: Digits::new(digits).expect("6 to 8"),
        period: Period::new_s(period_s).expect("up to an hour"),
    });
    let text = "\\PC{0,40}";
    (
        any::<u128>(),
        any::<bool>(),
        prop::option::of(text),
        text,
        parameters,
        time(),
    )
        .prop_map(|(id, hardware, serial_number, label, parameters, bound_at)| Device {
            id: Id::from_u128(id),
            owner: owner(),
            kind: if hardware { Kind::Hardware } else { Kind::Virtual },
            serial_number,
            label,
            parameters,
            sealed: sealed(),
            bound_at,
        })
}

fn sealed() -> Sealed {
    Sealed {
        key_id: 1,
        bytes: vec![1; 48],
    }
}

fn user() -> impl Strategy<Value = User> {
    let devices = prop::collection::vec((device(), state()), 0..4);
    let memo = prop::collection::vec(any::<u8>(), 0..100);
    (any::<u128>(), devices, memo).prop_map(|(id, devices, memo)| User {
        devices: devices
            .into_iter()
            .map(|(device, state)| Bound { device, state })
            .collect(),
        memo,
        ..User::new(owner(), Id::from_u128(id), sealed())
    })
}

fn states(user: &User) -> Vec<(Id, DeviceState)> {
    let states = user.devices.iter();
    states.map(|bound| (bound.device.id, bound.state.clone())).collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read(users in prop::collection::vec(user(), 0..5)) {
        let written: Vec<_> = users.iter().map(|user| (user.id, codec::encode_user(user))).collect();
        let joined = codec::join_users(&written);
        let split: Vec<_> = codec::split_users(&joined).unwrap();
        prop_assert_eq!(split.len(), users.len());
        for ((id, bytes), user) in split.into_iter().zip(&users) {
            prop_assert_eq!(id, user.id);
            prop_assert_eq!(codec::decode_user(bytes).unwrap(), (states(user), user.memo.clone()));
            let secrets: Vec<_> = user.devices.iter().map(|bound| bound.device.sealed.clone()).collect();
            let devices = codec::decode_devices(&codec::encode_devices(user), &user.owner, secrets.clone()).unwrap();
            for (found, Bound { device, .. }) in devices.iter().zip(&user.devices) {
                prop_assert_eq!((found.id, found.kind, found.bound_at), (device.id, device.kind, device.bound_at));
                prop_assert_eq!((&found.serial_number, &found.label), (&device.serial_number, &device.label));
                prop_assert_eq!(found.parameters, device.parameters);
                prop_assert!(found.sealed == device.sealed && found.owner == device.owner);
            }
            prop_assert_eq!(codec::joined(devices, states(user)).unwrap().len(), user.devices.len());
            if !secrets.is_empty() {
                let short = codec::decode_devices(&codec::encode_devices(user), &user.owner, secrets[1..].to_vec());
                prop_assert!(short.is_err(), "a secret is missing");
            }
        }
    }

    #[test]
    fn nothing_else_is_read(bytes in prop::collection::vec(any::<u8>(), 0..200), user in user(), cut in any::<prop::sample::Index>()) {
        // No bytes are a reason to panic.
        let _no_panic = codec::decode_user(&bytes);
        let _no_panic = codec::split_users(&bytes);
        let _no_panic = codec::decode_devices(&bytes, &owner(), Vec::new());
        let whole = codec::encode_user(&user);
        prop_assert!(codec::decode_user(&whole[..cut.index(whole.len())]).is_err(), "cut off");
        prop_assert!(codec::decode_user(&[whole.as_slice(), &[0]].concat()).is_err(), "something follows");
        let (whole, secrets) = (codec::encode_devices(&user), || {
            user.devices.iter().map(|bound| bound.device.sealed.clone()).collect()
        });
        let cut = &whole[..cut.index(whole.len())];
        prop_assert!(codec::decode_devices(cut, &owner(), secrets()).is_err(), "cut off");
        let longer = [whole.as_slice(), &[0]].concat();
        prop_assert!(codec::decode_devices(&longer, &owner(), secrets()).is_err(), "something follows");
    }
}

#[test]
fn a_newer_format_is_named() {
    let mut row = codec::encode_user(&User::new(owner(), Id::nil(), sealed()));
    row[0] += 1;
    let refused = codec::decode_user(&row).unwrap_err().to_string();
    assert!(refused.contains("newer version"), "{refused}");
}

/// A row of before codes at checks of identity were counted apart.
#[test]
fn the_first_format_is_read() {
    let user = of_one_device();
    let mut row = codec::encode_user(&user);
    let memo = row.pop().expect("the length of the memo, which is empty");
    let identity = row.pop().expect("nothing counted there");
    assert_eq!((row[0], memo, identity), (2, 0, 0));
    row[0] = 1;
    row.push(memo);
    assert_eq!(codec::decode_user(&row).expect("a user"), (states(&user), Vec::new()));
}

fn of_one_device() -> User {
    let parts = DeviceParts::bound(Step::new(58_000_000), 0, UnixMs::new(1_760_000_000_000));
    let device = Device {
        id: Id::nil(),
        owner: owner(),
        kind: Kind::Virtual,
        serial_number: None,
        label: "Phone".into(),
        parameters: Parameters::DEFAULT,
        sealed: Sealed {
            key_id: 1,
            bytes: vec![1; 48],
        },
        bound_at: UnixMs::new(1_760_000_000_000),
    };
    User::new(owner(), Id::nil(), sealed()).with_device(device, DeviceState::restored(parts))
}

#[test]
fn a_fresh_state_is_small() {
    let user = of_one_device();
    let (used, cold) = (codec::encode_user(&user), codec::encode_devices(&user));
    assert!(
        used.len() <= 42 && cold.len() <= 40,
        "{} and {}",
        used.len(),
        cold.len()
    );
}
