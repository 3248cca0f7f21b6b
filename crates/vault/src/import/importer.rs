//! The table of import formats, and how they are told apart: each by keys, magic or a scheme of its own, never by what it
//! lacks.

use serde_json::value::RawValue;

use super::error::ImportError;
use super::json::{Object, any_in};
use super::receipt::Export;
use super::{
    aegis, and_otp, android_settings, authy_tokens, bitwarden, cotp, ente, free_otp, free_otp_backup, lastpass,
    one_password, own, password_csv, proton, proton_pass, raivo, steam, stratum, two_fas, uri_list,
};

/// The content of a file, as far as one has to look to know its format.
pub(super) struct Content<'a> {
    pub(super) bytes: &'a [u8],
    /// Empty where it is none.
    pub(super) text: &'a str,
    json: Json<'a>,
}

enum Json<'a> {
    Object(Object<'a>),
    List(&'a RawValue),
    None,
}

impl<'a> Content<'a> {
    /// `text` is that of `bytes`, if they are one.
    ///
    /// # Errors
    /// It begins as JSON does, and is none.
    pub(super) fn of(bytes: &'a [u8], text: Option<&'a str>) -> Result<Self, ImportError> {
        // Blank lines at the start count as lines.
        let text = text.unwrap_or_default().trim_start_matches('\u{feff}');
        let of_json = |error| ImportError::of_json(&error, text);
        let json = match text.trim_start().as_bytes().first() {
            Some(b'{') => Json::Object(serde_json::from_str(text).map_err(of_json)?),
            Some(b'[') => Json::List(serde_json::from_str(text).map_err(of_json)?),
            _ => Json::None,
        };
        Ok(Self { bytes, text, json })
    }

    /// The JSON object that it is.
    pub(super) fn object(&self) -> Option<&Object<'a>> {
        match &self.json {
            Json::Object(object) => Some(object),
            Json::List(_) | Json::None => None,
        }
    }

    /// True if it is a JSON list with such an object among its first.
    pub(super) fn any_in_list(&self, is_own: impl Fn(&Object<'_>) -> bool) -> bool {
        matches!(self.json, Json::List(list) if any_in(list, is_own))
    }

    pub(super) fn is_json(&self) -> bool {
        !matches!(self.json, Json::None)
    }
}

/// An importer of one format, or of one of its layouts.
pub(super) struct Importer {
    /// Whether it is this one, by what no other has.
    pub(super) is_one: fn(&Content<'_>) -> bool,
    pub(super) read: fn(&Content<'_>, Option<&[u8]>) -> Result<Export, ImportError>,
}

impl Importer {
    /// Reads what is its own, and nothing else.
    pub(super) fn read(&self, content: &Content<'_>, password: Option<&[u8]>) -> Result<Export, ImportError> {
        match (self.is_one)(content) {
            true => (self.read)(content, password),
            false => Err(ImportError::Unknown),
        }
    }
}

/// All importers, in the order in which they are asked. A table of Bitwarden's may have URIs in its notes, so it is asked
/// before the list of URIs; and what only a password proves is asked last.
pub(super) const IMPORTERS: [Importer; 29] = [
    own::IMPORTER,
    stratum::ENCRYPTED_IMPORTER,
    free_otp_backup::IMPORTER,
    aegis::IMPORTER,
    two_fas::IMPORTER,
    stratum::IMPORTER,
    ente::ENCRYPTED_IMPORTER,
    proton::IMPORTER,
    proton::ENCRYPTED_IMPORTER,
    cotp::IMPORTER,
    cotp::ENCRYPTED_IMPORTER,
    free_otp::IMPORTER,
    free_otp::LIST_IMPORTER,
    free_otp::TOKEN_IMPORTER,
    bitwarden::JSON_IMPORTER,
    bitwarden::CSV_IMPORTER,
    password_csv::IMPORTER,
    and_otp::IMPORTER,
    raivo::IMPORTER,
    cotp::URIS_IMPORTER,
    lastpass::IMPORTER,
    proton_pass::IMPORTER,
    one_password::IMPORTER,
    steam::IMPORTER,
    android_settings::AUTHY_IMPORTER,
    android_settings::BATTLE_NET_IMPORTER,
    authy_tokens::IMPORTER,
    uri_list::IMPORTER,
    and_otp::ENCRYPTED_IMPORTER,
];

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;
    use crate::import::read::text_of;

    const PASSWORD: &[u8] = "correct horse — 正确的马".as_bytes();
    /// The samples, each with the one of [`IMPORTERS`] that is to know it.
    const SAMPLES: [(&str, usize); 54] = [
        ("stratum_encrypted.stratum", 1),
        ("stratum_encrypted_old.stratum", 1),
        ("freeotp_backup.xml", 2),
        ("aegis.json", 3),
        ("aegis_encrypted.json", 3),
        ("2fas.2fas", 4),
        ("2fas_encrypted.2fas", 4),
        ("stratum.json", 5),
        ("ente_encrypted.txt", 6),
        ("proton.json", 7),
        ("proton_encrypted.json", 8),
        ("cotp.json", 9),
        ("cotp_encrypted.json", 10),
        ("freeotp_plus.json", 11),
        ("freeotp_tokens.json", 12),
        ("freeotp_token.json", 13),
        ("bitwarden.json", 14),
        ("bitwarden_organisation.json", 14),
        ("bitwarden_protected.json", 14),
        ("bitwarden_protected_argon2.json", 14),
        ("bitwarden.csv", 15),
        ("bitwarden_android.csv", 15),
        ("keepassxc.csv", 16),
        ("1password.csv", 16),
        ("apple.csv", 16),
        ("protonpass.csv", 16),
        ("andotp.json", 17),
        ("raivo.json", 18),
        ("cotp_uris.json", 19),
        ("passwords_cp1252.csv", 16),
        ("passwords_utf16.csv", 16),
        ("andotp_utf16.json", 17),
        ("uris_cp1252.txt", URIS),
        ("lastpass.json", 20),
        ("protonpass.json", 21),
        ("1password.json", 22),
        ("steam.json", 23),
        ("authy.xml", 24),
        ("battlenet.xml", 25),
        ("authy_tokens.json", 26),
        ("authy_decrypted.json", 26),
        ("2fas_empty.2fas", 4),
        ("ente_message.txt", 6),
        ("freeotp_android6.xml", 2),
        ("ente.txt", URIS),
        ("google.txt", URIS),
        ("google_one_missing.txt", URIS),
        ("stratum.txt", URIS),
        ("uris.txt", URIS),
        ("uris_utf16le.txt", URIS),
        ("uris_utf16be.txt", URIS),
        ("andotp_encrypted.bin", LAST),
        ("andotp_encrypted_old.bin", LAST),
        ("../golden/full.vault", 0),
    ];
    const LAST: usize = IMPORTERS.len() - 1;
    const URIS: usize = LAST - 1;

    /// Runs `then` with the content of a file.
    fn with<T>(bytes: &[u8], then: impl FnOnce(&Content<'_>) -> T) -> Result<T, ImportError> {
        let text = text_of(bytes);
        Content::of(bytes, text.as_ref().map(|text| text.as_ref())).map(|content| then(&content))
    }

    fn claims(content: &Content<'_>) -> Vec<usize> {
        let claims = |at: &usize| (IMPORTERS[*at].is_one)(content);
        (0..IMPORTERS.len()).filter(claims).collect()
    }

    fn sample(name: &str) -> Vec<u8> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    #[test]
    fn no_importer_takes_the_sample_of_another() {
        for (name, own) in SAMPLES {
            with(&sample(name), |content| {
                let mut claims = claims(content);
                // What has no magic may be anything without one; what has one is asked for first.
                if own != LAST && content.text.is_empty() {
                    claims.retain(|at| *at != LAST);
                }
                assert_eq!(claims, [own], "{name}");
                for (at, importer) in IMPORTERS.iter().enumerate().filter(|(at, _)| *at != own) {
                    let refused = importer.read(content, Some(PASSWORD)).err();
                    assert!(refused.is_some(), "{name} was taken by importer {at}");
                }
            })
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }

    #[test]
    fn every_sample_is_among_these() {
        let samples = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples")).unwrap();
        let files: BTreeSet<String> = samples
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter(|name| {
                ![".expected", ".py", ".zip", ".1pux"]
                    .iter()
                    .any(|end| name.ends_with(end))
            })
            .collect();
        let named = SAMPLES.iter().map(|(name, _)| (*name).to_owned());
        let named: BTreeSet<String> = named.filter(|name| !name.starts_with("..")).collect();
        assert_eq!(files, named);
        let known_by: BTreeSet<usize> = SAMPLES.iter().map(|(_, own)| *own).collect();
        assert_eq!(known_by, (0..IMPORTERS.len()).collect(), "each importer has a sample");
    }

    /// A file that lacks one key of its own is nobody's, or still its own: never somebody else's.
    #[test]
    fn a_key_taken_away_makes_no_file_another_ones() {
        for (name, own) in SAMPLES
            .iter()
            .filter(|(name, _)| name.ends_with("json") || name.ends_with("2fas"))
        {
            let whole: serde_json::Value =
                serde_json::from_str(text_of(&sample(name)).unwrap().as_ref().trim_start_matches('\u{feff}')).unwrap();
            let keys = whole
                .as_object()
                .map(|object| object.keys().cloned().collect::<Vec<_>>());
            for key in keys.into_iter().flatten() {
                let mut less = whole.clone();
                less.as_object_mut().unwrap().remove(&key);
                let claimed = with(less.to_string().as_bytes(), claims).unwrap();
                assert!(
                    claimed.is_empty() || claimed == [*own],
                    "{name} without {key}: {claimed:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_nobodys_is_unknown() {
        for nobodys in [
            r#"[{"issuer":"S","account":"kim","secret":"KRUGK4ZAMJXWGYLU","kind":"HOTP","counter":"5","digits":"6","algorithm":"SHA1"}]"#,
            r#"{"items":["KRUGK4ZAMJXWGYLU","https://example.com"]}"#,
            r#"{"items":[["otpauth://totp/a?secret=KRUGK4ZAMJXWGYLU"]]}"#,
            "name,password\nkim,otpauth is nice\n",
            "title,totp\nkim,KRUGK4ZAMJXWGYLU\n",
            r#"[{"secret":"KRUGK4ZAMJXWGYLU"}]"#,
            r#"[{"secret":"KRUGK4ZAMJXWGYLU","label":"kim","type":"TOTP"}]"#,
            r#"[{"secret":"KRUGK4ZAMJXWGYLU","issuer":"S","tags":[]}]"#,
            r#"[["secret","label","tags"]]"#,
            r#"[1,2,3]"#,
            "[]",
            "{}",
            r#"{"services":{"web":{"secret":"KRUGK4ZAMJXWGYLU"}}}"#,
            r#"{"services":[{"secret":"KRUGK4ZAMJXWGYLU"}]}"#,
            r#"{"entries":[{"secret":"KRUGK4ZAMJXWGYLU","issuer":"S"}]}"#,
            r#"{"elements":[{"secret":"KRUGK4ZAMJXWGYLU"}]}"#,
            r#"{"tokens":[{"secret":"KRUGK4ZAMJXWGYLU","label":"kim"}]}"#,
            r#"{"items":[{"secret":"KRUGK4ZAMJXWGYLU","login":{"totp":"KRUGK4ZAMJXWGYLU"}}]}"#,
            r#"{"db":"postgres://localhost"}"#,
            r#"{"algo":"SHA1","secret":"KRUGK4ZAMJXWGYLU"}"#,
            "hello world",
            "name,secret\nkim,KRUGK4ZAMJXWGYLU\n",
            "https://example.com\nsteam://KRUGK4ZAMJXWGYLU\n",
            "see otpauth://totp/a?secret=KRUGK4ZAMJXWGYLU",
        ] {
            assert_eq!(with(nobodys.as_bytes(), claims).ok(), Some(vec![]), "{nobodys}");
            assert_eq!(
                crate::import::read(nobodys.as_bytes(), None).err(),
                Some(ImportError::Unknown),
                "{nobodys}"
            );
        }
    }
}
