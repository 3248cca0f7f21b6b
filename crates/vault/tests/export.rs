//! What leaves for other apps: read back by our importer, and by a reader of another hand.

mod support;

use std::{
    io::Write,
    num::NonZeroU32,
    process::{Command, Stdio},
};

use otp::Algorithm;
use proptest::prelude::*;
use support::{counting, credential, draft, tests};
use vault::export::{self, GoogleMigration, Refusal};
use vault::import;
use vault::{Credential, Draft, Entries, Entry, Kind, Name, NewSlot, OpenVault};

const BATCH_ID: i32 = -1729;
/// What a QR code of level M holds (ISO/IEC 18004, table 7).
const MOST_OF_A_CODE_BYTES: usize = 2331;

fn vault() -> OpenVault {
    OpenVault::create(NewSlot::KeyFile(&[1; 32]), "", &mut counting()).unwrap()
}

fn named(issuer: &str, account: &str, credential: Credential) -> Draft {
    Draft::new(Name::new(issuer).unwrap(), Name::new(account).unwrap(), credential)
}

/// What goes along, as a line.
fn line(issuer: &str, account: &str, credential: &Credential) -> String {
    let secret = credential.secret().expose_secret().iter();
    let secret: String = secret.map(|byte| format!("{byte:02x}")).collect();
    let (kind, algorithm, digits) = (credential.kind(), credential.algorithm().name(), credential.digits());
    format!("{issuer}\t{account}\t{secret}\t{kind:?}\t{algorithm}\t{digits}")
}

fn lines<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<String> {
    let lines = entries.map(|entry| line(entry.issuer.as_str(), entry.account.as_str(), entry.credential()));
    lines.collect()
}

fn imported(migration: &GoogleMigration) -> Vec<String> {
    let uris: Vec<&str> = migration.uris.iter().map(|uri| uri.as_str()).collect();
    let export = import::read(uris.join("\n").as_bytes(), None).unwrap_or_else(|error| panic!("{error}"));
    let receipt = vault().entries().dry_run(export);
    assert!(receipt.refused.is_empty() && receipt.missing.is_empty() && receipt.doubles.is_empty());
    let came = receipt.came.iter().map(|came| {
        let odd = |oddity: &import::Oddity| matches!(oddity, import::Oddity::OtherIssuer { .. });
        assert!(!came.odd.iter().any(odd), "one issuer is written");
        let draft = &came.draft;
        line(draft.issuer.as_str(), draft.account.as_str(), &draft.credential)
    });
    came.collect()
}

type Fields = (String, String, Kind, Vec<u8>, Algorithm, u8);

/// What the format can say.
fn fields() -> impl Strategy<Value = Vec<Fields>> {
    let name = prop_oneof!["[a-zA-Z:@. ]{0,12}", "\\PC{0,40}", Just("云控制台:张三".to_owned())];
    let kind = prop_oneof![
        Just(Kind::TOTP_30_S),
        (0..=i64::MAX as u64).prop_map(|counter| Kind::Hotp { counter })
    ];
    let secret = prop::collection::vec(any::<u8>(), 8..=128);
    let algorithm = prop_oneof![Just(Algorithm::Sha1), Just(Algorithm::Sha256), Just(Algorithm::Sha512)];
    let digits = prop_oneof![Just(6_u8), Just(8)];
    prop::collection::vec((name.clone(), name, kind, secret, algorithm, digits), 1..35)
}

proptest! {
    #[test]
    fn what_leaves_for_google_comes_back_the_same(entries in fields()) {
        let mut vault = vault();
        for (issuer, account, kind, secret, algorithm, digits) in entries {
            let [issuer, account] = [issuer, account].map(|name| Name::tidied(&name).0);
            let draft = Draft::new(issuer, account, credential(kind, &secret, algorithm, digits));
            vault.entries_mut().add(draft).unwrap();
        }
        let migration = export::google(vault.entries().iter(), BATCH_ID);
        prop_assert!(migration.refused.is_empty());
        prop_assert_eq!(imported(&migration), lines(vault.entries().iter()));
        for uri in &migration.uris {
            prop_assert!(uri.len() <= MOST_OF_A_CODE_BYTES, "a part of {} bytes", uri.len());
        }
    }
}

/// Entries that fill three codes: one of every kind, then more of the usual one.
fn three_parts() -> OpenVault {
    let mut vault = vault();
    let add = |entries: &mut Entries, draft| entries.add(draft).unwrap();
    for (n, algorithm) in (0..).zip([Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512]) {
        let hotp = Kind::Hotp { counter: (1 << 40) + n };
        add(
            vault.entries_mut(),
            named(
                "云控制台",
                "张三",
                credential(Kind::TOTP_30_S, &[n as u8; 20], algorithm, 6),
            ),
        );
        add(
            vault.entries_mut(),
            named("", "a:b", credential(hotp, &[0xff; 64], algorithm, 8)),
        );
    }
    for n in 0..17_u8 {
        add(
            vault.entries_mut(),
            draft("Example", &format!("user {n}"), &[100 + n; 20]),
        );
    }
    vault
}

#[test]
fn a_reader_of_another_hand_finds_the_same_in_the_parts() {
    let vault = three_parts();
    let migration = export::google(vault.entries().iter(), BATCH_ID);
    let exported: Vec<_> = vault.entries().iter().map(Entry::id).collect();
    assert_eq!(migration.exported, exported);
    assert_eq!(migration.uris.len(), 3);

    let mut python = Command::new("python3")
        .arg(tests().join("judges/migration.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 cannot be run: install the Debian package python3");
    let mut stdin = python.stdin.take().unwrap();
    for uri in &migration.uris {
        writeln!(stdin, "{}", **uri).unwrap();
    }
    drop(stdin);
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    let (parts, found): (Vec<&str>, Vec<&str>) = said.lines().partition(|line| line.starts_with("part "));

    assert_eq!(parts, ["part 3 0 -1729", "part 3 1 -1729", "part 3 2 -1729"]);
    let wanted = vault.entries().iter().map(|entry| {
        let credential = entry.credential();
        let secret: String = credential
            .secret()
            .expose_secret()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let (kind, counter) = match credential.kind() {
            Kind::Hotp { counter } => ("hotp", counter),
            _ => ("totp", 0),
        };
        let (issuer, account) = (entry.issuer.as_str(), entry.account.as_str());
        let [algorithm, digits, counter] = [
            credential.algorithm().name().to_owned(),
            credential.digits().to_string(),
            counter.to_string(),
        ];
        let name = format!("{issuer}:{account}");
        [&secret, &algorithm, &digits, kind, &counter, &name, issuer].join("\t")
    });
    assert_eq!(found, wanted.collect::<Vec<_>>());
}

#[test]
fn what_google_has_no_words_for_is_refused_one_by_one() {
    let mut vault = vault();
    let totp = |period_s| Kind::Totp {
        period_s: NonZeroU32::new(period_s).unwrap(),
    };
    let sha1 = |kind, digits| credential(kind, b"12345678901234567890", Algorithm::Sha1, digits);
    for (account, credential) in [
        ("slow", sha1(totp(60), 6)),
        ("seven", sha1(totp(30), 7)),
        ("valve", sha1(Kind::Steam, 5)),
        ("far", sha1(Kind::Hotp { counter: 1 << 63 }, 6)),
        ("fine", sha1(totp(30), 6)),
    ] {
        vault.entries_mut().add(named("", account, credential)).unwrap();
    }
    let migration = export::google(vault.entries().iter(), BATCH_ID);
    let reasons: Vec<_> = migration.refused.iter().map(|refused| refused.reason).collect();
    assert_eq!(
        reasons,
        [
            Refusal::Period(60),
            Refusal::Digits(7),
            Refusal::Steam,
            Refusal::Counter
        ]
    );
    assert_eq!(
        migration.refused[0].to_string(),
        "slow: its codes last 60 seconds: Google Authenticator knows 30"
    );
    assert_eq!((migration.uris.len(), migration.exported.len()), (1, 1));
    assert_eq!(imported(&migration).len(), 1);

    let nothing = export::google(std::iter::empty(), BATCH_ID);
    assert!(nothing.uris.is_empty());
}
