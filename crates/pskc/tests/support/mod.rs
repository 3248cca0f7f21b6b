//! Tokens to write, for the tests that read them again.

use otp::{Algorithm, Digits, Period, Secret};
use proptest::prelude::*;
use pskc::{ManagementKey, Moving, Seed};

/// A name that every format carries: letters of several scripts, signs that XML, CSV and spreadsheets take for theirs.
pub(crate) fn name() -> impl Strategy<Value = String> {
    "[A-Za-z0-9=+@'\"#&<>;,云é_-]([A-Za-z0-9 =+@'\"#&<>;,云é_-]{0,20}[A-Za-z0-9=+@'\"#&<>;,云é_-])?"
}

pub(crate) fn moving() -> impl Strategy<Value = Moving> {
    prop_oneof![
        (1_u32..=3600, any::<i32>()).prop_map(|(period_s, drift_steps)| Moving::Time {
            period: Period::new_s(period_s).unwrap(),
            drift_steps,
        }),
        (0..=i64::MAX.unsigned_abs()).prop_map(|counter| Moving::Counter { counter }),
    ]
}

/// Tokens with serial numbers of their own; printed without their secrets.
pub(crate) struct Batch(pub(crate) Vec<Seed>);

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(all_of)).finish()
    }
}

/// Tokens with everything that a seed can have.
pub(crate) fn seeds() -> impl Strategy<Value = Batch> {
    let names = (
        name(),
        proptest::option::of(name()),
        proptest::option::of(name()),
        proptest::option::of(name()),
        proptest::option::of(name()),
        proptest::option::of(name()),
    );
    let moments = -62_135_596_800_i64..=253_402_300_799;
    let token = (
        names,
        proptest::collection::vec(any::<u8>(), pskc::MIN_SECRET_LEN_BYTES..=128),
        prop::sample::select(Algorithm::ALL.to_vec()),
        6_u8..=8,
        moving(),
        (proptest::option::of(moments.clone()), proptest::option::of(moments)),
        proptest::option::of(any::<[u8; 32]>()),
    );
    proptest::collection::vec(token, 1..6).prop_map(|tokens| {
        let seeds = tokens.into_iter().enumerate().map(
            |(index, (names, secret, algorithm, digits, moving, moments, management_key))| {
                let (serial_number, manufacturer, model, key_id, issuer, label) = names;
                let serial_number = format!("{serial_number}{index}");
                Seed {
                    key_id: key_id.filter(|id| *id != serial_number),
                    serial_number,
                    manufacturer,
                    model,
                    issuer,
                    label,
                    secret: Secret::from_slice(&secret).ok().unwrap(),
                    algorithm,
                    digits: Digits::new(digits).unwrap(),
                    moving,
                    starts_at_s: moments.0,
                    expires_at_s: moments.1,
                    management_key: management_key.map(|key| ManagementKey::from_bytes(&key)),
                }
            },
        );
        Batch(seeds.collect())
    })
}

/// Everything that a token's codes depend on, and its names: what has to come back.
pub(crate) fn all_of(seed: &Seed) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        (
            seed.serial_number.clone(),
            seed.manufacturer.clone(),
            seed.model.clone(),
        ),
        (seed.key_id.clone(), seed.issuer.clone(), seed.label.clone()),
        seed.secret.expose_secret().to_vec(),
        (seed.algorithm, seed.digits, seed.moving),
        (seed.starts_at_s, seed.expires_at_s),
        seed.management_key.as_ref().map(|key| *key.expose_secret()),
    )
}

/// Bytes that differ from call to call, for tests only.
pub(crate) fn counting() -> impl FnMut(&mut [u8]) -> Result<(), &'static str> {
    let mut next = 0_u8;
    move |bytes| {
        for byte in bytes {
            *byte = next;
            next = next.wrapping_add(37);
        }
        Ok(())
    }
}
