//! A login of a password manager, which may have a one-time code beside its password.

use otp::typed::trimmed;
use zeroize::Zeroizing;

use super::claim::{Claim, Oddity, Reason};
use super::receipt::{Export, Place};

/// The fields of a login beside its code.
#[derive(Default)]
pub(super) struct Extras {
    pub(super) name: Option<String>,
    pub(super) username: Option<String>,
    pub(super) note: Option<String>,
    pub(super) groups: Vec<String>,
    pub(super) favourite: bool,
}

/// True of a number as spreadsheet programs show and save long ones, `1.23457E+12`: its last digits are lost. (Their comma for
/// the point is that of many countries.)
fn is_rounded(text: &str) -> bool {
    let Some((number, exponent)) = text.trim().split_once(['E', 'e']) else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = number.split_once(['.', ',']).unwrap_or((number, "0"));
    whole.len() == 1 && digits(whole) && digits(fraction) && exponent.strip_prefix('+').is_some_and(digits)
}

/// Files the code of a login; one without is only counted. The code's own names are better than the login's.
pub(super) fn push(export: &mut Export, place: Place, totp: Option<Zeroizing<String>>, extras: Extras) {
    let Some(totp) = totp.filter(|totp| !trimmed(totp).is_empty()) else {
        export.without_code += 1;
        return;
    };
    if is_rounded(&totp) {
        export.push(place, Err(Reason::Rounded));
        return;
    }
    let names = [&extras.name, &extras.username];
    let has_rounded_name = names.into_iter().flatten().any(|name| is_rounded(name));
    let claim = Claim::from_login(totp).map(|mut claim| {
        claim.odd.extend(has_rounded_name.then_some(Oddity::RoundedName));
        if claim.issuer.is_empty() {
            claim.issuer = extras.name.unwrap_or_default();
        }
        if claim.account.is_empty() {
            claim.account = extras.username.unwrap_or_default();
        }
        claim.note = extras.note.unwrap_or_default();
        claim.groups = extras.groups;
        claim.favourite = extras.favourite;
        claim
    });
    export.push(place, claim);
}
