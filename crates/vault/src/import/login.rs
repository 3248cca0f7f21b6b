//! A login of a password manager, which may have a one-time code beside its password.

use otp::typed::trimmed;
use zeroize::Zeroizing;

use super::claim::Claim;
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

/// Files the code of a login; one without is only counted. The code's own names are better than the login's.
pub(super) fn push(export: &mut Export, place: Place, totp: Option<Zeroizing<String>>, extras: Extras) {
    let Some(totp) = totp.filter(|totp| !trimmed(totp).is_empty()) else {
        export.without_code += 1;
        return;
    };
    let claim = Claim::from_login(totp).map(|mut claim| {
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
