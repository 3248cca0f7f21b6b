//! The form of an import of seeds: what is wanted of a file, what opens it, and what it is known by again.

use api::Name;
use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use service::{Algorithm, Digits, Encoding, NewImport, OpenedBy, Period, SeedOptions, typed, typed_hex};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::pages::staff::visit::StaffVisit;

/// The form's fields; the secrets are typed anew each time.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Importing {
    pub(super) lot: String,
    pub(super) encoding: String,
    pub(super) hash: String,
    pub(super) digits: String,
    pub(super) period: String,
    pub(super) allow_short: Option<String>,
    pub(super) skip: Option<String>,
    pub(super) password: Zeroizing<String>,
    pub(super) key: Zeroizing<String>,
    pub(super) seal: String,
}

impl Importing {
    pub(super) fn wanted(&self, dry_run: bool) -> Result<NewImport, &'static str> {
        let lot = Name::new(self.lot.trim()).map_err(|_| "staff_lot.no_name")?;
        Ok(NewImport {
            lot: lot.as_str().to_owned(),
            dry_run,
            allow_short_secrets: self.allow_short.is_some(),
            skip_unusable: self.skip.is_some(),
        })
    }

    /// Whether somebody said what the file leaves open.
    pub(super) fn is_told(&self) -> bool {
        [&self.hash, &self.digits, &self.period]
            .iter()
            .any(|told| !told.trim().is_empty())
    }

    /// What is known beside the file; a field that is empty leaves it to the file.
    pub(super) fn options(&self) -> Result<SeedOptions, &'static str> {
        let encoding = match &*self.encoding {
            "hex" => Some(Encoding::Hex),
            "base32" => Some(Encoding::Base32),
            _ => None,
        };
        let hash = match &*self.hash {
            "sha1" => Some(Algorithm::Sha1),
            "sha256" => Some(Algorithm::Sha256),
            "sha512" => Some(Algorithm::Sha512),
            _ => None,
        };
        let digits = match self.digits.trim() {
            "" => None,
            digits => Some(
                digits
                    .parse()
                    .ok()
                    .and_then(Digits::new)
                    .ok_or("staff_import.no_digits")?,
            ),
        };
        let period = match self.period.trim() {
            "" => None,
            period => Some(
                period
                    .parse()
                    .ok()
                    .and_then(Period::new_s)
                    .ok_or("staff_import.no_period")?,
            ),
        };
        Ok(SeedOptions {
            encoding,
            hash,
            digits,
            period,
        })
    }

    /// The password or the key: not both, and a key is hexadecimal.
    pub(super) fn opened_by(&self) -> Result<OpenedBy, &'static str> {
        let has_key = typed::significant(&self.key).next().is_some();
        match (self.password.is_empty(), !has_key) {
            (true, true) => Ok(OpenedBy::Nothing),
            (false, true) => Ok(OpenedBy::Password(self.password.clone())),
            (true, false) => {
                let key = typed_hex(&self.key).ok_or("staff_import.no_key")?;
                Ok(OpenedBy::Key(key))
            }
            (false, false) => Err("staff_import.both_keys"),
        }
    }

    /// What a file is known by again within this session: nothing of it is kept, so that it comes a second time.
    pub(super) fn seal_of(&self, visit: &StaffVisit, file: &[u8]) -> String {
        self.seal_under(visit.visitor.form_token.as_bytes(), file)
    }

    fn seal_under(&self, key: &[u8], file: &[u8]) -> String {
        // Any key will do for HMAC.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
            return String::new();
        };
        let is_ticked = |ticked: &Option<String>| ticked.as_deref().map_or(&b"no"[..], |_| b"ok");
        for part in [
            self.lot.trim().as_bytes(),
            self.encoding.as_bytes(),
            self.hash.as_bytes(),
            self.digits.trim().as_bytes(),
            self.period.trim().as_bytes(),
            is_ticked(&self.allow_short),
            is_ticked(&self.skip),
            file,
        ] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        BASE64URL_NOPAD.encode(&mac.finalize().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(password: &str, key: &str) -> Importing {
        Importing {
            password: Zeroizing::new(password.into()),
            key: Zeroizing::new(key.into()),
            ..Importing::default()
        }
    }

    #[test]
    fn a_file_is_opened_by_nothing_a_password_or_a_hexadecimal_key() {
        assert!(matches!(form("", "").opened_by(), Ok(OpenedBy::Nothing)));
        let opened = form(" open ", "");
        let opened = opened.opened_by();
        assert!(matches!(opened, Ok(OpenedBy::Password(password)) if *password == " open "));
        let opened = form("", "00 Fe\n10");
        let opened = opened.opened_by();
        assert!(matches!(opened, Ok(OpenedBy::Key(key)) if *key == [0, 0xfe, 0x10]));
    }

    #[test]
    fn and_not_by_both_nor_by_what_is_no_key() {
        assert_eq!(form("open", "00").opened_by().err(), Some("staff_import.both_keys"));
        for key in ["0", "xyz", "é0"] {
            assert_eq!(form("", key).opened_by().err(), Some("staff_import.no_key"), "{key}");
        }
    }

    #[test]
    fn what_the_file_leaves_open_is_chosen_or_left_to_it() {
        assert_eq!(Importing::default().options(), Ok(SeedOptions::default()));
        let all = Importing {
            encoding: "base32".into(),
            hash: "sha512".into(),
            digits: "8".into(),
            period: " 60 ".into(),
            ..Importing::default()
        };
        let expected = SeedOptions {
            encoding: Some(Encoding::Base32),
            hash: Some(Algorithm::Sha512),
            digits: Digits::new(8),
            period: Period::new_s(60),
        };
        assert_eq!(all.options(), Ok(expected));
        for digits in ["5", "9", "six"] {
            let digits = digits.to_owned();
            let form = Importing {
                digits,
                ..Importing::default()
            };
            assert_eq!(form.options(), Err("staff_import.no_digits"));
        }
        for period in ["0", "3601", "-1", "30 s"] {
            let period = period.to_owned();
            let form = Importing {
                period,
                ..Importing::default()
            };
            assert_eq!(form.options(), Err("staff_import.no_period"));
        }
    }

    #[test]
    fn each_choice_is_in_the_seal() {
        let forms: [fn(&mut Importing); 8] = [
            |_| (),
            |form| form.lot = "2026-12".into(),
            |form| form.encoding = "hex".into(),
            |form| form.hash = "sha256".into(),
            |form| form.digits = "8".into(),
            |form| form.period = "60".into(),
            |form| form.allow_short = Some("yes".into()),
            |form| form.skip = Some("yes".into()),
        ];
        let seals = forms.map(|change| {
            let mut form = Importing::default();
            change(&mut form);
            form.seal_under(b"session", b"file")
        });
        let different: std::collections::HashSet<_> = seals.iter().collect();
        assert_eq!(different.len(), forms.len());
        let form = Importing::default();
        assert_eq!(form.seal_under(b"session", b"file"), seals[0]);
        assert_ne!(form.seal_under(b"session", b"other"), seals[0]);
        assert_ne!(form.seal_under(b"another", b"file"), seals[0]);
    }
}
