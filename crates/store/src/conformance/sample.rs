//! Sample records, and comparisons of what comes out.

use otp::{Algorithm, Digits, Parameters, Period, Step};
use verify::{DeviceParts, DeviceState, DeviceStatus, GuessMac, Kind, LongCount, Moving, Recent, Throttle, UnixMs};

use super::done;
use crate::{
    ApiKey, Bound, Change, Device, Enrollment, EnrollmentState, Fingerprint, Id, IdentityProof, Lot, OpenTo, Owner,
    Protection, ProtectionMethod, ProtectionSetting, RecoveryCode, RecoveryCodes, Role, Sealed, Store, Token,
    TokenState, UnboundDevice, User, Write, audit::Event,
};

/// 2026-11-21, as good as any.
pub(super) const NOW: UnixMs = UnixMs::new(1_795_219_200_000);

pub(super) fn owner(number: u32) -> Owner {
    Owner::new(format!("account-{}", number % 3), format!("user-{number}"))
}

/// Later numbers are later ids, as with UUIDv7.
pub(super) fn id(number: u32) -> Id {
    Id::from_u128((0x0199_0000_0000 + u128::from(number)) << 80 | 0x7000_8000_0000_0000_0000 | u128::from(number))
}

pub(super) fn sealed(number: u32) -> Sealed {
    Sealed {
        key_id: number.max(1),
        bytes: (0..48)
            .map(|at| (number.wrapping_mul(31) as u8).wrapping_add(at))
            .collect(),
    }
}

pub(super) fn device(owner: &Owner, number: u32) -> Device {
    let hardware = number.is_multiple_of(2);
    Device {
        id: id(number),
        owner: owner.clone(),
        kind: if hardware { Kind::Hardware } else { Kind::Virtual },
        serial_number: hardware.then(|| format!("SN-{number:08}")),
        label: format!("Telefon № {number}"),
        parameters: if hardware { unusual() } else { Parameters::DEFAULT },
        sealed: sealed(number),
        bound_at: NOW.plus(i64::from(number)),
    }
}

fn unusual() -> Parameters {
    Parameters {
        algorithm: Algorithm::Sha512,
        digits: Digits::EIGHT,
        period: Period::new_s(3_600).expect("an hour is a period"),
    }
}

pub(super) fn fresh(number: u32) -> DeviceState {
    DeviceState::restored(DeviceParts::bound(Step::new(59_840_640 + u64::from(number)), 0, NOW))
}

/// The state after another change, with something in every part of it now and then.
pub(super) fn after(state: &DeviceState, seed: u64) -> DeviceState {
    let time = |bits: u64| NOW.plus((seed.rotate_left(bits as u32) % 1_000_000_007) as i64 - 500_000_000);
    let number = |bits: u64| (seed.rotate_left(bits as u32) % 97) as u32;
    let budget = |bits: u64| Throttle {
        recent: Recent::of((0..number(bits) % 11).map(|place| time(bits).plus(-i64::from(place)))),
        lock_count: number(bits + 7),
        locked_until: (seed >> bits & 2 == 2).then(|| time(bits + 3)),
        since_success: number(bits + 11),
        last_wrong: (seed >> bits & 4 == 4).then(|| GuessMac(number(bits + 13))),
        long: LongCount {
            week: number(bits + 17),
            counts: std::array::from_fn(|week| number(bits + week as u64) as u16),
        },
        suspended_at: (seed >> bits & 8 == 8).then(|| time(bits + 5)),
        lifted: [(seed >> bits & 16 == 16).then(|| number(bits + 19)), None],
    };
    let step = state.parts().last_step.map_or(0, Step::get);
    // A counter has no clock to be measured.
    let by_time = seed & 1024 == 0;
    DeviceState::restored(DeviceParts {
        moving: if by_time { Moving::Time } else { Moving::Counter },
        status: if seed & 256 == 256 {
            DeviceStatus::Lost
        } else {
            DeviceStatus::Bound
        },
        last_step: Some(Step::new(step + 1)),
        measured_offset_steps: if by_time { number(5) as i32 - 48 } else { 0 },
        learned_drift_steps: if by_time { number(9) as i32 - 48 } else { 0 },
        drift_learned_at: (by_time && seed & 4 == 4).then(|| time(1)),
        last_success_at: (seed & 8 == 8).then(|| time(2)),
        verification: if seed & 16 == 16 {
            budget(17).into()
        } else {
            Default::default()
        },
        unbinding: if seed & 32 == 32 {
            budget(23).into()
        } else {
            Default::default()
        },
        resync: if seed & 64 == 64 {
            budget(29).into()
        } else {
            Default::default()
        },
        identity: if seed & 512 == 512 {
            budget(31).into()
        } else {
            Default::default()
        },
    })
}

pub(super) fn event(text: &str) -> Event {
    let mut salt = [7; 16];
    for (at, byte) in text.bytes().enumerate() {
        salt[at % 16] ^= byte;
    }
    Event {
        at: NOW,
        salt,
        payload: format!("{{\"said\":\"{text}\"}}"),
    }
}

pub(super) fn change(text: &str, writes: Vec<Write>) -> Change {
    Change::of(event(text)).with(writes)
}

/// A row for somebody who has none.
pub(super) fn newcomer(owner: &Owner) -> User {
    let names = owner.account.bytes().chain([0]).chain(owner.user.bytes());
    // FNV-1a: any spread will do.
    let hash = names.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    let id = Id::from_u64_pair(0x0199_0000_0000_7000, hash);
    let names_key = Sealed {
        // No other record of the suite is under this one.
        key_id: 0x4e41_4d45,
        bytes: hash.to_be_bytes().repeat(9),
    };
    User::new(owner.clone(), id, names_key)
}

/// The row of this owner, or a new one.
pub(super) async fn row(store: &dyn Store, owner: &Owner) -> User {
    let found = store.user(owner.clone()).await.expect("a read");
    found.unwrap_or_else(|| newcomer(owner))
}

/// A user's first device.
pub(super) fn first(device: &Device, state: DeviceState) -> Write {
    newcomer(&device.owner).with_device(device.clone(), state).changed()
}

pub(super) async fn bind(store: &dyn Store, device: &Device, state: DeviceState) {
    let next = row(store, &device.owner).await.with_device(device.clone(), state);
    done(store, change("bound", vec![next.changed()])).await;
}

/// A change of the row as it is now, by which this device has that state.
pub(super) async fn use_of(store: &dyn Store, device: &Device, state: DeviceState) -> Change {
    let next = row(store, &device.owner).await.with_state(device.id, state);
    change("used", vec![next.used()])
}

pub(super) async fn used(store: &dyn Store, device: &Device, state: DeviceState) {
    let change = use_of(store, device, state).await;
    done(store, change).await;
}

/// What unbinding writes.
pub(super) async fn unbind(store: &dyn Store, device: &Device, at: UnixMs) -> Vec<Write> {
    let read = row(store, &device.owner).await;
    let tombstone = UnboundDevice::of(read.device(device.id).expect("it is bound"), at);
    let next = read.without_device(device.id);
    vec![next.changed(), Write::put(None, &tombstone)]
}

/// Of a device that was in this state.
pub(super) fn tombstone(device: &Device, state: DeviceState, at: UnixMs) -> UnboundDevice {
    let device = device.clone();
    UnboundDevice::of(&Bound { device, state }, at)
}

pub(super) fn enrollment(owner: &Owner, number: u32) -> Enrollment {
    let hardware = number.is_multiple_of(2);
    Enrollment {
        id: id(number),
        owner: owner.clone(),
        version: 1,
        kind: if hardware { Kind::Hardware } else { Kind::Virtual },
        issuer: "Wolke & Söhne".into(),
        label: format!("{owner:?}"),
        parameters: if hardware { unusual() } else { Parameters::DEFAULT },
        moving: if !number.is_multiple_of(4) {
            Moving::Time
        } else {
            Moving::Counter
        },
        identity_proof: IdentityProof {
            method: "face".into(),
            at: NOW.plus(-1),
            by: "desk 3".into(),
        },
        serial_number: hardware.then(|| format!("SN-{number:08}")),
        replaces: hardware.then(|| id(number + 1_000)),
        started_at: NOW,
        expires_at: NOW.plus(i64::from(number) * UnixMs::MINUTE),
        state: EnrollmentState::Started {
            sealed: (!hardware).then(|| sealed(number)),
            wrong_codes: 0,
        },
    }
}

/// The next version of it.
pub(super) fn become_state(enrollment: &Enrollment, state: EnrollmentState) -> Enrollment {
    Enrollment {
        version: enrollment.version + 1,
        state,
        ..enrollment.clone()
    }
}

pub(super) fn put(expected: Option<u64>, next: &Enrollment) -> Change {
    change("enrollment", vec![Write::put(expected, next)])
}

pub(super) fn recovery_codes(owner: &Owner, version: u64) -> RecoveryCodes {
    let code = |number: u8| RecoveryCode {
        mac: [number; 32],
        key_id: u32::MAX - u32::from(number),
        used_at: number.is_multiple_of(3).then(|| NOW.plus(i64::from(number))),
    };
    let state = after(&fresh(0), 0x0123_4567_89ab_cdef ^ version << 5);
    RecoveryCodes {
        owner: owner.clone(),
        version,
        issued_at: NOW,
        codes: (0..10).map(code).collect(),
        budget: *state.parts().verification,
        identity_budget: *state.parts().unbinding,
    }
}

pub(super) fn protection(owner: &Owner, version: u64) -> Protection {
    Protection {
        version,
        login_protection: setting(version % 2 == 1),
        operation_protection: setting(version % 3 == 1),
        ..Protection::none(owner.clone())
    }
}

pub(super) fn setting(is_on: bool) -> ProtectionSetting {
    ProtectionSetting {
        method: if is_on {
            ProtectionMethod::Mfa
        } else {
            ProtectionMethod::None
        },
        since: is_on.then_some(NOW),
    }
}

pub(super) fn api_key(number: u32) -> ApiKey {
    ApiKey {
        id: id(number),
        version: 1,
        hash: [number as u8; 32],
        roles: Role::ALL.into_iter().skip(number as usize % 6).collect(),
        owner: format!("team {number}"),
        person: None,
        return_urls: Vec::new(),
        audiences: Vec::new(),
        accounts: match number % 3 {
            0 => None,
            1 => Some(vec!["a, b".into(), "c;d".into()]),
            _ => Some(Vec::new()),
        },
        created_at: NOW.plus(i64::from(number)),
        revoked_at: None,
    }
}

/// In the drawer; every third one has nothing that it need not have.
pub(super) fn token(number: u32) -> Token {
    let full = !number.is_multiple_of(3);
    Token {
        serial_number: format!("SN-{number:08}"),
        id: id(number),
        version: 1,
        lot: format!("batch {}", number % 2),
        manufacturer: full.then(|| "Wolke & Söhne".into()),
        model: full.then(|| format!("M{number}")),
        label: full.then(|| "名前".into()),
        parameters: if full { unusual() } else { Parameters::DEFAULT },
        fingerprint: Fingerprint {
            mac: [number as u8; 32],
            key_id: u32::MAX - number % 2,
        },
        management: full.then(|| sealed(number + 5_000)),
        measured_offset_steps: number as i32 - 5,
        counter: number.is_multiple_of(5).then_some(u64::from(number)),
        starts_at: full.then_some(NOW),
        expires_at: full.then(|| NOW.plus(i64::from(number))),
        imported_at: NOW,
        changed_at: NOW.plus(1),
        exported_at: full.then(|| NOW.plus(2)),
        state: TokenState::Imported { sealed: sealed(number) },
    }
}

pub(super) fn put_token(expected: Option<u64>, next: &Token) -> Change {
    change("token", vec![Write::put(expected, next)])
}

/// With a secret that no token has had.
pub(super) fn import(expected: Option<u64>, next: &Token) -> Vec<Write> {
    vec![Write::put(expected, next), Write::put(None, &next.fingerprint)]
}

pub(super) fn lot(number: u32, open_to: OpenTo) -> Lot {
    Lot {
        name: format!("batch {number}"),
        version: 1,
        created_at: NOW.plus(i64::from(number)),
        open_to,
        note: number.is_multiple_of(2).then(|| "ordered in spring".into()),
    }
}

/// Every part of a device, named so that a new one is not forgotten.
pub(super) fn assert_device(found: &Device, wanted: &Device) {
    let Device {
        id,
        owner,
        kind,
        serial_number,
        label,
        parameters,
        sealed,
        bound_at,
    } = found;
    assert_eq!((*id, owner), (wanted.id, &wanted.owner));
    assert_eq!(
        (*kind, serial_number, label),
        (wanted.kind, &wanted.serial_number, &wanted.label)
    );
    assert_eq!(*parameters, wanted.parameters);
    assert!(*sealed == wanted.sealed, "the sealed secret of {id}");
    assert_eq!(*bound_at, wanted.bound_at);
}

pub(super) fn assert_bound(found: &[Bound], wanted: &[(&Device, DeviceState)]) {
    assert_eq!(found.len(), wanted.len(), "so many devices");
    for (found, (device, state)) in found.iter().zip(wanted) {
        assert_device(&found.device, device);
        assert_eq!(found.state, *state);
    }
}

pub(super) fn assert_enrollment(found: &Enrollment, wanted: &Enrollment) {
    assert!(found == wanted, "enrollment {}", wanted.id);
}
