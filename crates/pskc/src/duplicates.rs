//! Duplicates: the same serial number twice in one file.

use std::collections::HashMap;

use subtle::ConstantTimeEq;

use crate::{Moving, Place, Reason, Refusal, Seed};

/// A token that can be used, and where the file has it.
pub(crate) struct Found {
    pub(crate) place: Place,
    pub(crate) seed: Seed,
}

/// Keeps tokens that are there once, and one of those that are there again without a difference. Where the same serial
/// number and kind (a device may have a key of each) comes with other data none is kept: taking either would be a guess. So would be taking a serial number whose
/// letters were read by a guessed encoding.
pub(crate) fn settle(found: Vec<Found>, refused: &mut Vec<Refusal>, is_guessed: bool) -> Vec<Seed> {
    let mut by_serial: HashMap<(&str, bool), Vec<usize>> = HashMap::with_capacity(found.len());
    for (index, Found { seed, .. }) in found.iter().enumerate() {
        let by_time = matches!(seed.moving, Moving::Time { .. });
        by_serial.entry((&seed.serial_number, by_time)).or_default().push(index);
    }
    let mut reasons: Vec<Option<Reason>> = found.iter().map(|_| None).collect();
    for same in by_serial.into_values() {
        let Some((&first, again)) = same.split_first().filter(|(_, again)| !again.is_empty()) else {
            continue;
        };
        let all_alike = again.iter().all(|&index| alike(&found[first].seed, &found[index].seed));
        for &index in again {
            let line = found[first].place.line;
            reasons[index] = Some(match all_alike {
                true => Reason::Repeated { first_line: line },
                false => Reason::Conflict { other_line: line },
            });
        }
        if !all_alike {
            let other_line = found[again[0]].place.line;
            reasons[first] = Some(Reason::Conflict { other_line });
        }
    }
    for (reason, Found { seed, .. }) in reasons.iter_mut().zip(&found) {
        if is_guessed && !seed.serial_number.is_ascii() {
            *reason = Some(Reason::UnsureSerialNumber);
        }
    }
    let mut seeds = Vec::with_capacity(found.len());
    for (Found { place, seed }, reason) in found.into_iter().zip(reasons) {
        match reason {
            None => seeds.push(seed),
            Some(reason) => refused.push(Refusal {
                place,
                serial_number: Some(seed.serial_number),
                reason,
            }),
        }
    }
    refused.sort_by_key(|refusal| refusal.place.line);
    seeds
}

/// True if two entries are the same token in all that its codes depend on.
fn alike(a: &Seed, b: &Seed) -> bool {
    let same_management_key = match (&a.management_key, &b.management_key) {
        (None, None) => true,
        (Some(a), Some(b)) => a.expose_secret().ct_eq(b.expose_secret()).into(),
        _ => false,
    };
    same_management_key
        && bool::from(a.secret.expose_secret().ct_eq(b.secret.expose_secret()))
        && (a.algorithm, a.digits, a.moving) == (b.algorithm, b.digits, b.moving)
        && (a.starts_at_s, a.expires_at_s) == (b.starts_at_s, b.expires_at_s)
}
