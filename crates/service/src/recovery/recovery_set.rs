//! A set of recovery codes: how it is made, and how one of it is spent.

use otp::{Secret, typed::significant};
use store::{Owner, RecoveryCode, RecoveryCodes};
use subtle::ConstantTimeEq;
use verify::{Guess, GuessMac, Lock, Throttle, UnixMs};
use zeroize::Zeroizing;

use crate::{Core, ServiceError};

/// More characters than this of what was typed are not looked at.
const MAX_CHARS: usize = 128;

/// The trail's name for what is none of the set's codes.
pub(crate) const WRONG: &str = "wrong_recovery_code";

/// Random bytes in a code: 80 bits, 16 letters and digits of RFC 4648 base32.
const BYTES: usize = 10;

/// A new set, as its user sees it once and as it is kept.
pub(crate) fn issue(
    core: &Core,
    owner: &Owner,
    old: Option<&RecoveryCodes>,
    now: UnixMs,
) -> Result<(Vec<Zeroizing<String>>, RecoveryCodes), ServiceError> {
    let key_id = core.sealer.current_mac_key();
    let mut shown = Vec::with_capacity(core.settings.recovery_codes);
    let mut kept = Vec::with_capacity(core.settings.recovery_codes);
    for _code in 0..core.settings.recovery_codes {
        let random = Secret::try_fill_with(BYTES, |bytes| core.entropy.fill(bytes))
            .map_err(|error| ServiceError::Internal(error.to_string()))??;
        let text = enroll::base32::encode(random.expose_secret());
        kept.push(RecoveryCode {
            mac: mac(core, key_id, owner, &text)?,
            key_id,
            used_at: None,
        });
        shown.push(enroll::text_key(&random));
    }
    let next = RecoveryCodes {
        owner: owner.clone(),
        version: old.map_or(1, |old| old.version + 1),
        issued_at: now,
        codes: kept,
        budget: Throttle::default(),
        identity_budget: Throttle::default(),
    };
    Ok((shown, next))
}

/// A user's set without any code: what is left when the last device is gone.
pub(crate) fn none_left(old: RecoveryCodes) -> RecoveryCodes {
    RecoveryCodes {
        version: old.version + 1,
        codes: Vec::new(),
        ..old
    }
}

/// The verdict on one try.
pub(crate) enum SetVerdict {
    Right,
    Wrong,
    Locked(Lock),
}

/// A try's verdict, and the set after it: none, when there is none or it is locked.
pub(crate) struct Trial {
    pub(crate) verdict: SetVerdict,
    pub(crate) next: Option<(u64, RecoveryCodes)>,
}

/// Tries what was typed on a set; `None` when there is no set.
pub(crate) fn spend(
    core: &Core,
    owner: &Owner,
    set: Option<RecoveryCodes>,
    typed: &str,
    now: UnixMs,
) -> Result<Trial, ServiceError> {
    let typed = normalised(typed);
    let Some(set) = set.filter(|set| !set.codes.is_empty()) else {
        let _same_work = mac(core, core.sealer.current_mac_key(), owner, &typed)?;
        return Ok(Trial {
            verdict: SetVerdict::Wrong,
            next: None,
        });
    };
    if let Some(lock) = set.budget.lock(now) {
        return Ok(Trial {
            verdict: SetVerdict::Locked(lock),
            next: None,
        });
    }
    let mut found = None;
    let mut hashed: Option<(u32, [u8; 32])> = None;
    for (place, code) in set.codes.iter().enumerate() {
        let of_key = match hashed {
            Some((key_id, mac)) if key_id == code.key_id => mac,
            _ => mac(core, code.key_id, owner, &typed)?,
        };
        hashed = Some((code.key_id, of_key));
        if bool::from(of_key.ct_eq(&code.mac)) && code.used_at.is_none() {
            found = Some(place);
        }
    }
    let expected = set.version;
    let mut next = RecoveryCodes {
        version: expected + 1,
        ..set
    };
    let verdict = match found {
        Some(place) => {
            next.codes[place].used_at = Some(now);
            next.budget = next.budget.right();
            SetVerdict::Right
        }
        None => {
            // 80 random bits: there is no long count, which would only be a way to stop the owner's way back.
            let guess = Guess {
                mac: hashed
                    .and_then(|(_, mac)| mac.first_chunk().copied())
                    .map(|first| GuessMac(u32::from_be_bytes(first))),
                mistake: true,
            };
            if next.budget.repeats(&guess) {
                return Ok(Trial {
                    verdict: SetVerdict::Wrong,
                    next: None,
                });
            }
            next.budget = next.budget.wrong(&guess, now, &core.settings.policy.recovery_codes);
            SetVerdict::Wrong
        }
    };
    Ok(Trial {
        verdict,
        next: Some((expected, next)),
    })
}

fn mac(core: &Core, mac_key: u32, owner: &Owner, text: &str) -> Result<[u8; 32], ServiceError> {
    let mut data = Zeroizing::new(Vec::with_capacity(320));
    for part in [owner.account.as_bytes(), owner.user.as_bytes(), text.as_bytes()] {
        data.extend((part.len() as u32).to_be_bytes());
        data.extend(part);
    }
    Ok(core.sealer.mac(mac_key, "recovery_code", &data)?)
}

/// Normalises what people type: any case, blanks and dashes anywhere, and digits that base32 does not have
/// ([`otp::typed`]). Marks that are no part of a code are left out, too.
fn normalised(typed: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(BYTES * 8 / 5));
    let end = typed.char_indices().nth(MAX_CHARS).map_or(typed.len(), |(end, _)| end);
    let letters = significant(&typed[..end]).map(|(_, letter)| letter);
    for letter in letters.filter(char::is_ascii_alphanumeric) {
        if text.len() == BYTES * 8 / 5 {
            // Too long to be one; the rest must not make the buffer grow and leave a copy behind.
            return Zeroizing::new(String::new());
        }
        text.push(match letter.to_ascii_uppercase() {
            '0' => 'O',
            '1' => 'I',
            '8' => 'B',
            other => other,
        });
    }
    text
}
