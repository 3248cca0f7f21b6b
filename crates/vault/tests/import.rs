//! Exports of other apps: samples written by `tests/samples/make.py`, what is odd or refused in them, and files that mean harm.

mod support;

use std::{
    fs,
    time::{Duration, Instant},
};

use proptest::prelude::*;
use support::{counting, draft, tests};
use vault::import::{self, ApplyError, Export, Format, ImportError, Oddity, Original, Place, Protection, Reason};
use vault::{Entries, Entry, Kind, Name, NewSlot, OpenVault};

const PASSWORD: &[u8] = "correct horse — 正确的马".as_bytes();

fn sample(name: &str) -> Vec<u8> {
    let path = tests().join("samples").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[track_caller]
fn read(bytes: &[u8], password: Option<&[u8]>) -> Export {
    import::read(bytes, password).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn refusal(bytes: &[u8], password: Option<&[u8]>) -> ImportError {
    import::read(bytes, password).err().expect("it is refused")
}

fn vault() -> OpenVault {
    OpenVault::create(NewSlot::KeyFile(&[1; 32]), "", &mut counting()).unwrap()
}

/// An entry as `make.py` writes it down.
fn line(entry: &Entry) -> String {
    let credential = entry.credential();
    let (kind, moving) = match credential.kind() {
        Kind::Totp { period_s } => ("totp", u64::from(period_s.get())),
        Kind::Hotp { counter } => ("hotp", counter),
        Kind::Steam => ("steam", 30),
    };
    let secret: String = credential
        .secret()
        .expose_secret()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let groups: Vec<_> = entry.groups.iter().map(Name::as_str).collect();
    let note = entry.note.as_str().replace('"', "\\\"").replace('\n', "\\n");
    [
        kind,
        entry.issuer.as_str(),
        entry.account.as_str(),
        &secret,
        credential.algorithm().name(),
        &credential.digits().to_string(),
        &moving.to_string(),
        &groups.join(","),
        &format!("\"{note}\""),
        if entry.favourite { "1" } else { "0" },
        &entry.uses().to_string(),
    ]
    .join("\t")
}

fn lines(entries: &Entries) -> String {
    entries.iter().map(|entry| line(entry) + "\n").collect()
}

#[test]
fn every_sample_gives_what_was_put_into_it() {
    use Format::*;
    use Protection::{Encrypted, InTheClear};
    for (name, format, protection, refused, without_code) in [
        ("google.txt", GoogleMigration, InTheClear, 0, 0),
        ("aegis.json", Aegis, InTheClear, 0, 0),
        ("aegis_encrypted.json", Aegis, Encrypted, 0, 0),
        ("2fas.2fas", TwoFas, InTheClear, 0, 0),
        ("2fas_encrypted.2fas", TwoFas, Encrypted, 0, 0),
        ("andotp.json", AndOtp, InTheClear, 0, 0),
        ("andotp_encrypted.bin", AndOtp, Encrypted, 0, 0),
        ("andotp_encrypted_old.bin", AndOtp, Encrypted, 0, 0),
        ("bitwarden.json", BitwardenJson, InTheClear, 0, 2),
        ("bitwarden_protected.json", BitwardenJson, Encrypted, 0, 2),
        ("bitwarden_protected_argon2.json", BitwardenJson, Encrypted, 0, 2),
        ("bitwarden_organisation.json", BitwardenJson, InTheClear, 0, 0),
        ("bitwarden.csv", BitwardenCsv, InTheClear, 0, 1),
        ("freeotp_plus.json", FreeOtp, InTheClear, 0, 0),
        ("freeotp_tokens.json", FreeOtp, InTheClear, 0, 0),
        ("freeotp_token.json", FreeOtp, InTheClear, 0, 0),
        ("freeotp_backup.xml", FreeOtp, Encrypted, 0, 0),
        ("ente.txt", Ente, InTheClear, 1, 0),
        ("ente_encrypted.txt", Ente, Encrypted, 0, 0),
        ("proton.json", Proton, InTheClear, 0, 0),
        ("proton_encrypted.json", Proton, Encrypted, 0, 0),
        ("stratum.json", Stratum, InTheClear, 0, 0),
        ("stratum_encrypted.stratum", Stratum, Encrypted, 0, 0),
        ("stratum_encrypted_old.stratum", Stratum, Encrypted, 0, 0),
        ("stratum.txt", UriList, InTheClear, 0, 0),
        ("cotp.json", Cotp, InTheClear, 0, 0),
        ("cotp_encrypted.json", Cotp, Encrypted, 0, 0),
        ("cotp_uris.json", Cotp, InTheClear, 0, 0),
        ("lastpass.json", LastPass, InTheClear, 0, 0),
        ("protonpass.json", ProtonPass, InTheClear, 0, 1),
        ("protonpass.zip", ProtonPass, InTheClear, 0, 1),
        ("1password.json", OnePassword, InTheClear, 0, 1),
        ("1password.1pux", OnePassword, InTheClear, 0, 1),
        ("steam.json", Steam, InTheClear, 0, 0),
        ("authy.xml", Authy, InTheClear, 0, 0),
        ("battlenet.xml", BattleNet, InTheClear, 0, 0),
        ("authy_tokens.json", Authy, Encrypted, 1, 0),
        ("authy_decrypted.json", Authy, InTheClear, 0, 0),
        ("passwords_cp1252.csv", PasswordCsv, InTheClear, 0, 0),
        ("passwords_utf16.csv", PasswordCsv, InTheClear, 0, 0),
        ("andotp_utf16.json", AndOtp, InTheClear, 0, 0),
        ("uris_cp1252.txt", UriList, InTheClear, 0, 0),
        ("raivo.json", Raivo, InTheClear, 0, 0),
        ("raivo.zip", Raivo, Encrypted, 0, 0),
        ("raivo_pkware.zip", Raivo, Encrypted, 0, 0),
        ("2fas_empty.2fas", TwoFas, InTheClear, 0, 0),
        ("ente_message.txt", Ente, Encrypted, 0, 0),
        ("freeotp_android6.xml", FreeOtp, Encrypted, 0, 0),
        ("bitwarden_android.csv", BitwardenCsv, InTheClear, 0, 0),
        ("keepassxc.csv", PasswordCsv, InTheClear, 0, 1),
        ("1password.csv", PasswordCsv, InTheClear, 0, 1),
        ("apple.csv", PasswordCsv, InTheClear, 0, 1),
        ("protonpass.csv", PasswordCsv, InTheClear, 0, 1),
        ("uris.txt", UriList, InTheClear, 0, 0),
        ("uris_utf16le.txt", UriList, InTheClear, 0, 0),
        ("uris_utf16be.txt", UriList, InTheClear, 0, 0),
    ] {
        let bytes = sample(name);
        if protection == Encrypted {
            let locked = if name.ends_with(".zip") { Zip } else { format };
            assert_eq!(refusal(&bytes, None), ImportError::Locked(locked), "{name}");
            let wrong = match name {
                "andotp_encrypted_old.bin" => ImportError::NotEvenAndOtp,
                _ => ImportError::WrongPassword(locked),
            };
            assert_eq!(refusal(&bytes, Some(b"wrong")), wrong, "{name}");
        }
        let mut vault = vault();
        let receipt = vault.entries().dry_run(read(&bytes, Some(PASSWORD)));
        assert_eq!((receipt.format, receipt.protection), (format, protection), "{name}");
        assert!(Format::ALL.contains(&format), "{name}");
        assert_eq!((receipt.refused.len(), receipt.doubles.len()), (refused, 0), "{name}");
        assert_eq!(receipt.without_code, without_code, "{name}");
        assert!(receipt.missing.is_empty(), "{name}");
        let ids = vault.entries_mut().apply(receipt).unwrap();
        assert_eq!(ids.len(), vault.entries().len());
        let expected = String::from_utf8(sample(&format!("{name}.expected"))).unwrap();
        assert_eq!(lines(vault.entries()), expected, "{name}");

        // once more: nothing but doubles
        let again = vault.entries().dry_run(read(&bytes, Some(PASSWORD)));
        assert_eq!((again.came.len(), again.doubles.len()), (0, ids.len()), "{name}");
        assert!(matches!(again.doubles[0].of, Original::InVault(id, _) if id == ids[0]));
    }
}

/// The samples that are encrypted as a whole are tried at fewer places: each try costs what a password costs.
#[test]
fn a_file_that_was_cut_off_ends_in_a_sentence() {
    for (name, step) in [
        ("aegis.json", 97),
        ("2fas.2fas", 97),
        ("andotp.json", 97),
        ("bitwarden.json", 97),
        ("freeotp_plus.json", 97),
        ("proton.json", 97),
        ("stratum.json", 97),
        ("cotp.json", 97),
        ("aegis_encrypted.json", 211),
        ("2fas_encrypted.2fas", 211),
        ("ente_encrypted.txt", 211),
        ("proton_encrypted.json", 211),
        ("bitwarden_protected.json", 211),
        ("cotp_encrypted.json", 211),
    ] {
        let whole = sample(name);
        let end = str::from_utf8(&whole).unwrap().trim_end().len();
        for len in (1..end).step_by(step).chain([end - 1]) {
            let error = refusal(&whole[..len], Some(PASSWORD));
            let cut_in_a_letter = str::from_utf8(&whole[..len]).is_err();
            assert!(
                error == ImportError::CutOff || cut_in_a_letter,
                "{name}, {len} bytes: {error}"
            );
        }
    }
    for (name, format) in [
        ("andotp_encrypted.bin", Format::AndOtp),
        ("stratum_encrypted.stratum", Format::Stratum),
    ] {
        let whole = sample(name);
        for len in [whole.len() - 1, whole.len() / 2, 48] {
            assert_eq!(
                refusal(&whole[..len], Some(PASSWORD)),
                ImportError::WrongPassword(format),
                "{name}"
            );
        }
    }
    assert_eq!(refusal(b"AUTHENTICATORPRO....", Some(PASSWORD)), ImportError::CutOff);
    // behind the names of Java's class each cut is one in the map, which says how long it is
    let whole = sample("freeotp_backup.xml");
    for len in (100..whole.len()).step_by(97).chain([whole.len() - 1]) {
        assert_eq!(refusal(&whole[..len], Some(PASSWORD)), ImportError::CutOff, "{len}");
    }
}

#[test]
fn the_sentences_say_what_to_do() {
    let said = |bytes: &[u8]| refusal(bytes, None).to_string();
    assert_eq!(
        said(b"hello"),
        "no export that is known looks like this: export from the other app again, as JSON, CSV or text"
    );
    assert_eq!(said(b""), said(b"hello"));
    assert_eq!(said(b"{}"), said(b"hello"));
    assert_eq!(
        said(b"PK\x03\x04"),
        "the file is a compressed archive: unpack it, and import what is in it"
    );
    assert_eq!(
        said(b"\x89PNG\r\n\x1a\n"),
        "the file is a picture: its QR codes have to be scanned, not imported"
    );
    assert_eq!(
        said(&sample("stratum_encrypted.stratum")),
        "the Stratum export is encrypted: its password is needed"
    );
    assert_eq!(
        said(br#"{"encrypted": true, "encKeyValidation_DO_NOT_EDIT": "2.x", "folders": [], "items": []}"#),
        "this Bitwarden JSON export cannot be read: it is encrypted for the account that it came from; \
         export it again with a password of its own, or without"
    );
    assert_eq!(
        said(b"{\"elements\": [}"),
        "the file is damaged at line 1, column 15: export it again"
    );
    assert_eq!(
        refusal(&sample("aegis_encrypted.json"), Some(b"x")).to_string(),
        "the password is wrong, or the Aegis export was damaged on its way"
    );
}

/// Files of other programs that are binary, as andOTP's exports are, and that nobody shall be asked a password of andOTP's for.
#[test]
fn what_is_no_export_says_so_by_its_first_bytes() {
    let said = |begins: &[u8]| {
        let rest: Vec<u8> = (0..4_000_u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        refusal(&[begins, &rest].concat(), None)
    };
    assert_eq!(
        said(b"\x02\x02 as random as it gets"),
        ImportError::Locked(Format::AndOtp)
    );
    for begins in [
        b"\0\0\0\x24ftypheic".as_slice(),
        b"II*\0",
        b"BM\x36\x10\x0e\0\0\0\0\0",
        b"%PDF-1.7",
        b"RIFF\0\0\0\0WEBP",
    ] {
        assert_eq!(said(begins), ImportError::Picture, "{begins:?}");
    }
    for begins in [
        b"age-encryption.org/v1\n".as_slice(),
        b"-----BEGIN AGE ENCRYPTED FILE-----\n",
    ] {
        assert_eq!(said(begins), ImportError::Age, "{begins:?}");
    }
    for begins in [
        b"-----BEGIN PGP MESSAGE-----\n".as_slice(),
        b"\x85\x01\x0c\x03",
        b"\x8c\x0d\x04\x09",
    ] {
        assert_eq!(said(begins), ImportError::OpenPgp, "{begins:?}");
    }
    for begins in [
        (b"SQLite format 3\0".as_slice(), ImportError::Database),
        (b"\x03\xd9\xa2\x9a\x67\xfb", ImportError::KeePass),
        (b"Salted__", ImportError::Unknown),
    ] {
        assert_eq!(said(begins.0), begins.1, "{begins:?}");
    }
    assert_eq!(
        said(b"\xac\xed\0\x05sr\0\x03a.B"),
        ImportError::Unknown,
        "another thing of Java's"
    );
    // text without a mark of its order, a sparse file
    let utf16: Vec<u8> = "otpauth://totp/x?secret=GEZDGNBV\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(
        refusal(&utf16, None).to_string(),
        "the file is written in UTF-16 without a byte order mark: save it as UTF-8, and import that"
    );
    assert_eq!(refusal(&[&[7; 30][..], &[0; 500]].concat(), None), ImportError::Unknown);
}

#[test]
fn a_vault_of_our_own_comes_in_by_its_passphrase_or_its_key_file() {
    let mut original = vault();
    for (counter, name) in (0..).zip(["a", "b"]) {
        let credential = support::credential(Kind::Hotp { counter }, name.as_bytes(), otp::Algorithm::Sha512, 9);
        let mut draft = vault::Draft::new(Name::new(name).unwrap(), Name::default(), credential);
        draft.note = vault::Note::new("kept").unwrap();
        draft.groups = vec![Name::new("工作").unwrap()];
        (draft.favourite, draft.uses) = (true, 12);
        original.entries_mut().add(draft).unwrap();
    }
    let by_key = original.save(&mut counting()).unwrap();
    let slot = NewSlot::Passphrase {
        passphrase: PASSWORD,
        cost: support::cheap(),
    };
    original.add_slot(slot, "", &mut counting()).unwrap();
    let by_both = original.save(&mut counting()).unwrap();
    assert_eq!(refusal(&by_key, None), ImportError::LockedByKeyFile);
    assert_eq!(refusal(&by_both, None), ImportError::Locked(Format::Vault));
    for (file, key) in [(&by_key, [1; 32].as_slice()), (&by_both, PASSWORD)] {
        let wrong = ImportError::WrongPassword(Format::Vault);
        assert_eq!(refusal(file, Some(&[2; 32])), wrong);
        let mut copy = vault();
        let receipt = copy.entries().dry_run(read(file, Some(key)));
        copy.entries_mut().apply(receipt).unwrap();
        assert_eq!(lines(copy.entries()), lines(original.entries()));
    }
    let damaged = refusal(&by_key[..by_key.len() - 1], Some(&[1; 32])).to_string();
    assert_eq!(damaged, "the vault is damaged or was cut off: restore it from a backup");
}

#[test]
fn missing_parts_of_a_migration_are_named_and_nothing_is_taken() {
    let mut vault = vault();
    let receipt = vault.entries().dry_run(read(&sample("google_one_missing.txt"), None));
    assert_eq!(receipt.missing[0].to_string(), "part 2 of 3 is missing: scan it too");
    let came = receipt.came.len();
    assert_eq!(receipt.doubles.len(), 0, "a code that was scanned twice is no double");
    let Err(ApplyError::MissingParts(missing)) = vault.entries_mut().apply(receipt) else {
        panic!("it is refused");
    };
    assert_eq!(missing[0].parts, [2]);
    assert!(vault.entries().is_empty());
    let receipt = vault.entries().dry_run(read(&sample("google_one_missing.txt"), None));
    let taken = vault.entries_mut().apply(receipt.without_missing_parts()).unwrap();
    assert_eq!(taken.len(), came);
}

#[test]
fn odd_and_refused_entries_are_told_one_by_one() {
    let file = r#"{"elements": [
        {"secret": "GEZDGNBVGY3TQOJQ", "issuer": "fine", "label": "a", "type": "TOTP", "digits": "6", "period": 30.0},
        {"secret": "GEZDGNBVGY3TQOJQ", "issuer": "again", "label": "b", "type": "TOTP"},
        {"secret": "GEZA", "issuer": "short\u001b[2J", "label": "", "type": "HOTP", "counter": 7},
        {"secret": "GEZDGNBVGY3TQOJR", "type": "TOTP", "period": 86400, "digits": 10, "algorithm": "HmacSHA512"},
        {"secret": "not base32!", "issuer": "bad", "label": "secret"},
        {"secret": "", "issuer": "no", "label": "secret"},
        {"secret": "GEZDGNBV", "issuer": "digits", "digits": 11},
        {"secret": "GEZDGNBV", "issuer": "period", "period": 0},
        {"secret": "GEZDGNBV", "issuer": "counter", "type": "HOTP", "counter": -1},
        {"secret": "GEZDGNBV", "issuer": "hash", "algorithm": "MD5"},
        {"secret": "GEZDGNBV", "issuer": "kind", "type": "YANDEX"},
        {"secret": ["GEZDGNBV"], "issuer": "shape"},
        7
    ]}"#;
    let mut vault = vault();
    let receipt = vault.entries().dry_run(read(file.as_bytes(), None));
    let odd: Vec<_> = receipt.came.iter().map(|came| (came.place, came.odd.clone())).collect();
    let short = [
        Oddity::NameTidied,
        Oddity::ShortSecret { len_bytes: 2 },
        Oddity::SharedCounter,
    ];
    assert_eq!(
        odd,
        [
            (Place::Entry(1), vec![]),
            (
                Place::Entry(2),
                vec![Oddity::SameSecret {
                    other: "fine (a)".to_owned()
                }]
            ),
            (Place::Entry(3), short.to_vec()),
            (Place::Entry(4), vec![Oddity::NoName]),
        ]
    );
    assert!(receipt.doubles.is_empty());
    let refused: Vec<_> = receipt.refused.iter().map(ToString::to_string).collect();
    assert_eq!(
        refused,
        [
            "entry 5: bad (secret): character 11 of the secret is not base32: only A-Z and 2-7 occur (no 0, 1, 8, 9)",
            "entry 6: no (secret): it has no secret",
            "entry 7: digits: its codes have 11 digits: 5 to 10 can be shown",
            "entry 8: period: its period is 0 seconds, which no code can have",
            "entry 9: counter: its counter is -1, which no counter can be",
            "entry 10: hash: its algorithm is MD5: SHA-1, SHA-256 and SHA-512 can be computed",
            "entry 11: kind: its type is YANDEX: TOTP, HOTP and Steam can be kept",
            "entry 12: it is not written as the format has it",
            "entry 13: it is not written as the format has it",
        ]
    );
    assert_eq!(vault.entries_mut().apply(receipt).unwrap().len(), 4);
}

#[test]
fn uris_are_judged_line_by_line() {
    let list = "otpauth://totp/Prefix:alice?secret=GEZDGNBVGY3TQOJQ&issuer=Parameter\n\
                https://example.com/\n\
                otpauth-migration://offline?data=%%%\n\
                otpauth-migration://offline\n\
                OTPAUTH://HOTP/x?secret=GEZDGNBVGY3TQOJR&counter=18446744073709551615\n";
    let receipt = vault().entries().dry_run(read(list.as_bytes(), None));
    let other = "Prefix".to_owned();
    assert_eq!(receipt.came[0].odd, [Oddity::OtherIssuer { other }]);
    assert_eq!(receipt.came[0].draft.issuer.as_str(), "Parameter");
    assert_eq!(
        receipt.came[1].draft.credential.kind(),
        Kind::Hotp { counter: u64::MAX }
    );
    let refused: Vec<_> = receipt.refused.iter().map(|refused| refused.place).collect();
    assert_eq!(refused, [Place::Line(2), Place::Line(3), Place::Line(4)]);
    assert!(matches!(receipt.refused[1].reason, Reason::Migration(_)));
}

#[test]
fn item_6_secrets_are_read_as_they_were_pasted_into_any_app_and_names_keep_their_digits() {
    const KEY: &[u8] = b"12345678901234567890";
    for file in [
        "\u{200e}otpauth://totp/Desk:\u{627}\u{6f1}\u{6f2}?secret=GEZD%E2%80%8BGNBV%C2%A0GY\u{6f3}TQOJQGEZDGNBVGY3TQOJQ\u{200b}\n",
        "\u{feff}{\"services\": [{\"name\": \"Desk\", \"secret\": \"gezd\u{ad}gnbv gy\u{663}t qojq-GEZDGNBVGY3TQOJQ\u{2060}\", \"otp\": {\"account\": \"\u{627}\u{6f1}\u{6f2}\"}}]}",
        "Title,Username,One-time password\nDesk,\u{627}\u{6f1}\u{6f2},\u{200b}ＧＥＺＤＧＮＢＶＧＹ３ＴＱＯＪＱ GEZDGNBVGY3TQOJQ\u{200e}\n",
        "Title,Username,OTPAuth\nDesk,\u{627}\u{6f1}\u{6f2},\u{200b}otpauth://totp/x?secret=GEZDGNBVGY\u{969}TQOJQGEZDGNBVGY3TQOJQ&issuer=Desk\u{200e}\n",
    ] {
        let export = read(file.as_bytes(), None);
        assert_eq!((export.came().len(), export.refused().len()), (1, 0), "{file}");
        let draft = &export.came()[0].draft;
        assert_eq!(draft.credential.secret().expose_secret(), KEY, "{file}");
        assert_eq!(draft.issuer.as_str(), "Desk", "{file}");
        if !file.contains("totp/x") {
            assert_eq!(draft.account.as_str(), "\u{627}\u{6f1}\u{6f2}", "{file}");
        }
    }
}

/// The second one's secret would be in the first one's name, where everybody sees it.
#[test]
fn uris_on_one_line_are_taken_apart_whatever_stands_between_them() {
    const FIRST: &str = "otpauth://totp/A:kim?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=A";
    const SECOND: &str = "otpauth://totp/B:lee?secret=KRUGK4ZAMJXWGYLUKRUGK4ZAMJXWGYLU&issuer=B";
    for between in [
        "", " ", "\t", ",", ", ", ";", " | ", "\",\"", "><", "&", "&x=", "+", "%20", "\u{3000}",
    ] {
        for second in [SECOND.to_owned(), SECOND.replacen("otpauth", "OtpAuth", 1)] {
            let line = format!("{FIRST}{between}{second}\n");
            let export = read(line.as_bytes(), None);
            assert_eq!(export.refused(), [], "{line}");
            let names: Vec<_> = export.came().iter().map(|came| came.draft.title()).collect();
            assert_eq!(names, ["A (kim)", "B (lee)"], "{line}");
            assert_eq!(export.came()[0].odd, [Oddity::SharedLine], "{line}");
            assert_eq!(export.came()[1].odd, [], "{line}");
            let secrets = export
                .came()
                .iter()
                .map(|came| came.draft.credential.secret().expose_secret().len());
            assert_eq!(secrets.collect::<Vec<_>>(), [20, 20], "{line}");
        }
    }
    // Words between them could be the end of a secret.
    let export = read(format!("{FIRST} and {SECOND}").as_bytes(), None);
    assert_eq!((export.came().len(), export.refused().len()), (1, 1));
    assert_eq!(export.came()[0].draft.title(), "B (lee)");

    let mixed = format!("{FIRST} steam://KRUGK4ZAMJXWGYLU {SECOND},otpauth-migration://offline?data=%%%");
    let export = read(mixed.as_bytes(), None);
    let names: Vec<_> = export.came().iter().map(|came| came.draft.title()).collect();
    assert_eq!(names, ["A (kim)", "Steam", "B (lee)"]);
    assert_eq!(export.refused().len(), 1);
}

#[test]
fn no_name_comes_in_with_a_uri_and_no_sentence_repeats_it() {
    const HUSH: &str = "HUSHHUSHHUSHHUSH";
    let uri = format!("otpauth://totp/x?secret={HUSH}");
    let encoded = uri
        .replace(':', "%3A")
        .replace('/', "%2F")
        .replace('?', "%3F")
        .replace('=', "%3D");
    let files = [
        format!("otpauth://totp/A:{encoded}?secret=GEZDGNBV"),
        format!("otpauth://totp/{encoded}?secret=GEZDGNBV"),
        format!("otpauth://totp/A?secret=GEZDGNBV&issuer={encoded}"),
        format!(
            "otpauth://totp/A?secret=GEZDGNBV&issuer={}",
            encoded.replace('%', "%25")
        ),
        format!(r#"{{"elements": [{{"secret": "GEZDGNBV", "issuer": "{uri}", "label": "a"}}]}}"#),
        format!(r#"{{"elements": [{{"secret": "GEZDGNBV", "issuer": "a", "label": "ot\u200bpauth://x{HUSH}"}}]}}"#),
        format!(r#"{{"elements": [{{"secret": "GEZDGNBV", "issuer": "otpauth", "label": "//x{HUSH}"}}]}}"#),
        format!(r#"[{{"secret": "GEZDGNBV", "label": "a", "tags": ["{uri}"]}}]"#),
        format!(r#"{{"services": [{{"name": "D", "secret": "GEZDGNBV", "otp": {{"issuer": "{uri}"}}}}]}}"#),
        format!("name,login_username,login_totp\n{uri},kim,GEZDGNBV\n"),
        format!("name,login_username,login_totp\nA,kim,{uri} {uri}\n"),
        format!("name,login_username,login_totp\nA,steam://{HUSH},GEZDGNBV\n"),
    ];
    for file in files {
        let receipt = vault().entries().dry_run(read(file.as_bytes(), None));
        assert_eq!((receipt.came.len(), receipt.refused.len()), (0, 1), "{file}");
        let said = receipt.refused[0].to_string();
        assert!(said.contains("URI") && !said.contains("HUSH"), "{file}: {said}");
    }
    for name in [uri.as_str(), "a steam://HUSH", encoded.as_str()] {
        assert_eq!(Name::new(name), Err(vault::TextError::Uri));
        assert_eq!(Name::tidied(name), (Name::default(), true));
    }
}

#[test]
fn what_a_double_says_otherwise_is_told_and_its_higher_counter_taken() {
    let aegis = |name: &str, counter: u32, note: &str, group: &str| {
        format!(
            r#"{{"db": {{"entries": [{{"type": "hotp", "name": "{name}", "issuer": "x", "note": "{note}", "group": "{group}",
                "info": {{"secret": "GEZDGNBVGY3TQOJQ", "counter": {counter}}}}}], "groups": null}}}}"#
        )
    };
    let mut vault = vault();
    let receipt = vault
        .entries()
        .dry_run(read(aegis("a", 5, "one", "work").as_bytes(), None));
    let id = vault.entries_mut().apply(receipt).unwrap()[0];
    for (file, said, counter) in [
        (aegis("a", 5, "one", "work"), "", 5),
        (aegis("a", 5, "", ""), "", 5),
        (aegis("", 4, "one", "work"), "", 5),
        (aegis("A", 4, "one", "work"), "; not taken: its other name", 5),
        (
            aegis("a", 500, "one", "work"),
            "; its counter is taken: 500 in place of 5",
            500,
        ),
        (
            aegis("A", 501, "two", "home"),
            "; its counter is taken: 501 in place of 500; not taken: its other name, note and groups",
            501,
        ),
    ] {
        let receipt = vault.entries().dry_run(read(file.as_bytes(), None));
        let double = receipt.doubles[0].to_string();
        assert!(
            double.ends_with(&format!(": the vault has it as x (a){said}")),
            "{double}"
        );
        assert_eq!(vault.entries_mut().apply(receipt).unwrap(), []);
        let entry = vault.entries().get(id).unwrap();
        assert_eq!(entry.credential().kind(), Kind::Hotp { counter });
        assert_eq!(entry.note.as_str(), "one");
    }
}

#[test]
fn exports_of_one_import_know_each_other() {
    let google = String::from_utf8(sample("google.txt")).unwrap();
    let mut exports: Vec<_> = google.lines().map(|part| read(part.as_bytes(), None)).collect();
    exports.push(read(b"otpauth://hotp/x?secret=GEZDGNBV&counter=3", None));
    exports.push(read(b"\notpauth://hotp/x?secret=GEZDGNBV&counter=9", None));
    exports[3].source = "one.txt".to_owned();
    let mut vault = vault();
    let receipts = vault.entries().dry_run_all(exports);
    assert!(receipts.iter().all(|receipt| receipt.missing.is_empty()));
    assert_eq!(
        receipts[4].doubles[0].to_string(),
        "line 2: x: the same as line 1 of one.txt; its counter is taken: 9 in place of 3"
    );
    let taken: usize = receipts
        .into_iter()
        .map(|receipt| vault.entries_mut().apply(receipt).unwrap().len())
        .sum();
    assert_eq!(taken, vault.entries().len());
    let last = vault.entries().iter().last().unwrap();
    assert_eq!(last.credential().kind(), Kind::Hotp { counter: 9 });

    // a part that nobody has is told once
    let parts = google.lines().take(2).map(|part| read(part.as_bytes(), None));
    let receipts = vault.entries().dry_run_all(parts.collect());
    let missing: Vec<_> = receipts.iter().flat_map(|receipt| &receipt.missing).collect();
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0].parts, [2]);
}

/// Each line: a file, and what is in its entry as [`line`] writes it.
#[test]
fn what_apps_leave_empty_or_write_twice_costs_nothing_else() {
    const BYTES: &str = "31323334353637383930";
    for (file, expected) in [
        (
            r#"{"services": [{"name": "D", "secret": "GEZDGNBVGY3TQOJQ", "otp": {"label": "D:alice", "account": "", "issuer": "D"}}],
                "groups": null}"#,
            format!("totp\tD\talice\t{BYTES}\tSHA1\t6\t30\t\t\"\"\t0\t0"),
        ),
        (
            r#"{"services": [{"name": "D", "secret": "GEZDGNBVGY3TQOJQ", "otp": null}]}"#,
            format!("totp\tD\t\t{BYTES}\tSHA1\t6\t30\t\t\"\"\t0\t0"),
        ),
        (
            r#"{"db": {"entries": [{"type": "totp", "name": "a", "groups": null, "favorite": null, "info": {"secret": "GEZDGNBVGY3TQOJQ"}}],
                "groups": null}}"#,
            format!("totp\t\ta\t{BYTES}\tSHA1\t6\t30\t\t\"\"\t0\t0"),
        ),
        (
            r#"[{"secret": "GEZDGNBVGY3TQOJQ", "label": "a", "tags": null}]"#,
            format!("totp\t\ta\t{BYTES}\tSHA1\t6\t30\t\t\"\"\t0\t0"),
        ),
        (
            r#"otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ&codeDisplay={"pinned":true,"note":null,"tags":["t",null],"tapCount":7,"trashed":null}"#,
            format!("totp\t\ta\t{BYTES}\tSHA1\t6\t30\tt\t\"\"\t1\t7"),
        ),
        (
            "collections,type,name,notes,login_username,login_totp\n\"work,home\",login,D,\"a note\",u,GEZDGNBVGY3TQOJQ\n",
            format!("totp\tD\tu\t{BYTES}\tSHA1\t6\t30\twork,home\t\"a note\"\t0\t0"),
        ),
        // an account that is called domain:user, and is not the issuer's
        (
            "otpauth-migration://offline?data=CiYKCjEyMzQ1Njc4OTASCmNvcnA6YWxpY2UaBEFDTUUgASgBMAI4ABABGAEgACgB",
            format!("totp\tACME\tcorp:alice\t{BYTES}\tSHA1\t6\t30\t\t\"\"\t0\t0"),
        ),
    ] {
        let mut vault = vault();
        let receipt = vault.entries().dry_run(read(file.as_bytes(), None));
        let odd: Vec<_> = receipt.came.iter().flat_map(|came| &came.odd).collect();
        assert!(odd.is_empty(), "{file}: {odd:?}");
        vault.entries_mut().apply(receipt).unwrap();
        assert_eq!(lines(vault.entries()), expected + "\n", "{file}");
    }
    let unreadable = b"otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ&codeDisplay=[";
    assert_eq!(read(unreadable, None).came()[0].odd, [Oddity::ExtrasLost]);
    // Steam's codes are no digits, whatever the other app makes
    let aegis =
        br#"{"db": {"entries": [{"type": "totp", "issuer": "Steam", "info": {"secret": "GEZDGNBVGY3TQOJQ"}}]}}"#;
    assert_eq!(read(aegis, None).came()[0].odd, [Oddity::DigitsForSteam]);
}

/// A text has no end that could be missing. Where a line breaks off, its entry is doubted or refused; a cut between two lines is
/// not seen, and neither is one right behind a comma of the table, where the code would begin: what was behind it has left no
/// trace.
#[test]
fn a_text_that_was_cut_off_is_doubted_where_that_can_be_seen() {
    for name in ["ente.txt", "uris.txt", "stratum.txt", "google.txt", "bitwarden.csv"] {
        let whole = sample(name);
        let all = read(&whole, None);
        for len in 1..whole.trim_ascii_end().len() {
            let cut = &whole[..len];
            let between_lines = cut.ends_with(b"\n")
                || cut.ends_with(b"\r")
                || whole[len..].starts_with(b"\n")
                || whole[len..].starts_with(b"\r");
            if between_lines || cut.ends_with(b",") || !cut.contains(&b'\n') {
                continue;
            }
            let Ok(export) = import::read(cut, None) else {
                continue;
            };
            let last = export.came().last();
            let is_doubted = last.is_some_and(|came| came.odd.contains(&Oddity::Unended));
            let is_refused = export.refused().len() > all.refused().len().saturating_sub(1);
            let came_before = export.came().iter().filter(|came| !came.odd.contains(&Oddity::Unended));
            let whole_ones = all.came().iter().zip(came_before);
            assert!(is_doubted || is_refused, "{name}, {len} bytes");
            for (whole, came) in whole_ones {
                assert!(
                    whole.draft.credential.is_same(&came.draft.credential),
                    "{name}, {len} bytes"
                );
            }
        }
    }
    let list = "otpauth://totp/a?secret=GEZDGNBV\notpauth://totp/b?secret=GEZDGNBVGY3TQOJQ";
    assert_eq!(
        read(list.as_bytes(), None).came()[1].odd[0].to_string(),
        "the file ends right behind it, without the end of a line: if it was cut off, this entry is wrong, so try its code"
    );
    assert!(read(format!("{list}\n").as_bytes(), None).came()[1].odd.is_empty());
    assert!(
        read(b"otpauth://totp/b?secret=GEZDGNBVGY3TQOJQ", None).came()[0]
            .odd
            .is_empty(),
        "a URI alone is no list"
    );
}

#[test]
fn what_became_a_double_since_the_dry_run_is_left_out() {
    let uri = b"otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQ";
    let mut vault = vault();
    let receipt = vault.entries().dry_run(read(uri, None));
    vault
        .entries_mut()
        .add(draft("Example", "alice", b"1234567890"))
        .unwrap();
    assert!(vault.entries_mut().apply(receipt).unwrap().is_empty());
    assert_eq!(vault.entries().len(), 1);
    let double = |title: &str| {
        let receipt = vault.entries().dry_run(read(uri, None));
        let mut double = receipt.doubles.into_iter().next().unwrap();
        title.clone_into(&mut double.title);
        let Original::InVault(_, other) = &mut double.of else {
            panic!("it is in the vault")
        };
        title.clone_into(other);
        double.to_string()
    };
    assert_eq!(double("A"), "line 1: A: the vault has it as A");
    assert_eq!(double(""), "line 1: the vault has it as #1", "nothing has no name");
}

#[test]
fn a_group_that_is_there_keeps_its_spelling() {
    let mut vault = vault();
    let mut first = draft("Example", "alice", b"1234567890");
    first.groups = vec![Name::new("Work").unwrap()];
    vault.entries_mut().add(first).unwrap();
    let mut export = read(b"otpauth://totp/Other:bob?secret=GEZDGNBVGY3TQOJR", None);
    let groups = ["WORK", "Home", "work", "home"].map(|group| Name::new(group).unwrap());
    export.came_mut()[0].draft.groups = groups.to_vec();
    let receipt = vault.entries().dry_run(export);
    let ids = vault.entries_mut().apply(receipt).unwrap();
    let entry = vault.entries().get(ids[0]).unwrap();
    let groups: Vec<_> = entry.groups.iter().map(Name::as_str).collect();
    assert_eq!(groups, ["Work", "Home"]);
}

#[test]
fn a_full_vault_takes_nothing_of_an_import() {
    let list = |from: usize, count: usize| -> String {
        let secret = |number: usize| enroll::base32::encode(&number.to_be_bytes()).as_str().to_owned();
        (from..from + count)
            .map(|number| format!("otpauth://totp/x?secret={}\n", secret(number)))
            .collect()
    };
    let mut vault = vault();
    let receipt = vault.entries().dry_run(read(list(0, 9_999).as_bytes(), None));
    vault.entries_mut().apply(receipt).unwrap();
    let receipt = vault.entries().dry_run(read(list(9_998, 3).as_bytes(), None));
    assert_eq!((receipt.came.len(), receipt.doubles.len()), (2, 1));
    let error = vault.entries_mut().apply(receipt).unwrap_err();
    assert!(matches!(error, ApplyError::Full(_)));
    assert_eq!(vault.entries().len(), 9_999);
    assert!(matches!(
        refusal(list(0, 10_002).as_bytes(), None),
        ImportError::Malformed(..)
    ));
}

/// Everything here has to end at once: a password was given, so that nothing stops at "its password is needed".
#[test]
fn files_that_mean_harm_end_quickly_and_small() {
    let text = |name: &str| String::from_utf8(sample(name)).unwrap();
    let ente = text("ente_encrypted.txt");
    let aegis = text("aegis_encrypted.json");
    let mut dear = sample("andotp_encrypted.bin");
    dear[..4].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff]);
    let nested = format!("{{\"db\":{}", "[".repeat(1 << 20));
    let many = format!("{{\"elements\":[{}0]}}", "0,".repeat(7 << 20));
    let tokens = format!("{{\"tokens\":[{{\"secret\":[{}0]}}]}}", "0,".repeat(7 << 20));
    let migration = format!("otpauth-migration://offline?data={}", "CgA".repeat(5 << 20));
    let commas = format!("login_totp,{}\n", ",".repeat(8 << 20));
    for (what, bytes) in [
        (
            "Argon2id of 4 TiB",
            ente.replace("67108864", "4398046511104").into_bytes(),
        ),
        (
            "Argon2id of a million passes",
            ente.replace("\"opsLimit\": 2", "\"opsLimit\": 1000000").into_bytes(),
        ),
        ("scrypt of 1 TiB", aegis.replace("32768", "1073741824").into_bytes()),
        (
            "scrypt of 32 GiB side by side",
            aegis.replace("\"p\": 1", "\"p\": 1024").into_bytes(),
        ),
        (
            "scrypt of large blocks",
            aegis
                .replace("\"n\": 32768", "\"n\": 2")
                .replace("\"r\": 8", "\"r\": 2097152")
                .replace("\"p\": 1", "\"p\": 2")
                .into_bytes(),
        ),
        (
            "scrypt of no power of two",
            aegis.replace("32768", "32769").into_bytes(),
        ),
        ("PBKDF2 of 2^31 iterations", dear),
        ("a zip", [b"PK\x03\x04".as_slice(), &[0; 1000]].concat()),
        ("a gzip", [b"\x1f\x8b\x08".as_slice(), &[0; 1000]].concat()),
        ("a large file", vec![b'['; (16 << 20) + 1]),
        ("nested lists", nested.into_bytes()),
        ("millions of entries", many.into_bytes()),
        ("a CSV of millions of columns", commas.into_bytes()),
    ] {
        let started = Instant::now();
        let error = refusal(&bytes, Some(PASSWORD));
        assert!(
            started.elapsed() < Duration::from_secs(2),
            "{what}: {:?}",
            started.elapsed()
        );
        assert!(error.to_string().len() < 200, "{what}");
    }
    for (what, text) in [
        ("a secret of millions of bytes", tokens),
        ("a migration of millions", migration),
    ] {
        let started = Instant::now();
        let receipt = vault().entries().dry_run(read(text.as_bytes(), None));
        assert_eq!((receipt.came.len(), receipt.refused.len()), (0, 1), "{what}");
        assert!(
            started.elapsed() < Duration::from_secs(2),
            "{what}: {:?}",
            started.elapsed()
        );
    }
    // a part of a batch of two thousand million parts names none of them
    let part = "otpauth-migration://offline?data=GP////8H"; // batch_size = i32::MAX
    let receipt = vault().entries().dry_run(read(part.as_bytes(), None));
    assert_eq!((receipt.refused.len(), receipt.missing.len()), (1, 0));
}

#[test]
fn no_sentence_repeats_a_secret() {
    const SECRET: &str = "HUSHHUSHHUSHHUSH1";
    for text in [
        format!("otpauth://totp/x?secret={SECRET}"),
        format!("{{\"elements\":[{{\"secret\":\"{SECRET}\"}}, {{\"digits\":\"{SECRET}\"}}, \"{SECRET}\"]}}"),
        format!("{{\"services\":[{{\"secret\":\"{SECRET}\",\"otp\":\"{SECRET}\"}}]}}"),
        format!("{{\"elements\":\"{SECRET}\"}}"),
        format!("{{\"tokens\":[{{\"secret\":\"{SECRET}\"}}]}}"),
        format!("login_totp\n{SECRET}\n\"{SECRET}"),
        format!(
            "{{\"db\":\"{SECRET}\",\"header\":{{\"slots\":[],\"params\":{{\"nonce\":\"{SECRET}\",\"tag\":\"\"}}}}}}"
        ),
    ] {
        let said = match import::read(text.as_bytes(), Some(PASSWORD)) {
            Err(error) => error.to_string(),
            Ok(export) => {
                let receipt = vault().entries().dry_run(export);
                receipt.refused.iter().map(ToString::to_string).collect()
            }
        };
        assert!(!said.is_empty() && !said.contains("HUSH"), "{text}: {said}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever is written as a list of URIs comes back as it was.
    #[test]
    fn a_list_comes_back(secrets in prop::collection::btree_set(prop::collection::vec(any::<u8>(), 10..=64), 1..10)) {
        let uris: String = secrets.iter().map(|secret| {
            let text = enroll::base32::encode(secret);
            format!("otpauth://totp/Issuer:account?secret={}&issuer=Issuer\n", text.as_str())
        }).collect();
        let receipt = vault().entries().dry_run(read(uris.as_bytes(), None));
        let came: Vec<_> = receipt.came.iter().map(|came| came.draft.credential.secret().expose_secret().to_vec()).collect();
        prop_assert_eq!(came, secrets.into_iter().collect::<Vec<_>>());
        prop_assert!(receipt.came.iter().all(|came| came.odd.is_empty()));
    }

    /// A changed byte anywhere in a sample is an answer, and never a panic.
    #[test]
    fn a_changed_sample_is_answered(which in 0_usize..15, at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let names = ["raivo.json", "raivo.zip", "cotp_uris.json", "keepassxc.csv", "bitwarden_android.csv", "aegis.json", "2fas.2fas", "andotp.json", "bitwarden.csv", "freeotp_plus.json", "ente.txt", "stratum.json", "google.txt", "freeotp_backup.xml", "bitwarden_organisation.json"];
        let mut bytes = sample(names[which]);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(export) = import::read(&bytes, None) {
            let _ = vault().entries().dry_run(export);
        }
    }
}
