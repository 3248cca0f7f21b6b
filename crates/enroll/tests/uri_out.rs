//! URIs we write: against the convention's own examples, an independent writer, and our reader.

use std::collections::BTreeSet;

use enroll::{Account, COMFORTABLE_URI_LEN_BYTES, Entry, Issuer, quirks_of, totp_uri};
use otp::{Algorithm, Digits, Parameters, Period, Secret};
use proptest::prelude::*;

fn secret(bytes: &[u8]) -> Secret {
    Secret::from_slice(bytes).ok().unwrap()
}

fn written(issuer: &str, account: &str, bytes: &[u8], parameters: Parameters) -> String {
    let issuer = Issuer::new(issuer).unwrap();
    let account = Account::new(account).unwrap();
    totp_uri(&issuer, &account, &secret(bytes), parameters).to_string()
}

fn parameters(algorithm: Algorithm, digits: u8, period_s: u32) -> Parameters {
    Parameters {
        algorithm,
        digits: Digits::new(digits).unwrap(),
        period: Period::new_s(period_s).unwrap(),
    }
}

#[test]
fn defaults_are_left_out() {
    assert_eq!(
        written(
            "Example",
            "alice@google.com",
            b"Hello!\xDE\xAD\xBE\xEF",
            Parameters::DEFAULT
        ),
        "otpauth://totp/Example:alice%40google.com?secret=JBSWY3DPEHPK3PXP&issuer=Example"
    );
}

#[test]
fn everything_else_is_spelled_out() {
    assert_eq!(
        written("ACME Co", "a+b 云", b"Hello!", parameters(Algorithm::Sha256, 8, 60)),
        "otpauth://totp/ACME%20Co:a%2Bb%20%E4%BA%91?secret=JBSWY3DPEE&issuer=ACME%20Co\
         &algorithm=SHA256&digits=8&period=60"
    );
    assert!(written("A", "b", b"1234", parameters(Algorithm::Sha512, 6, 30)).ends_with("&algorithm=SHA512"));
}

#[test]
fn what_we_issue_is_short_and_has_no_quirks() {
    let uri = written("Example", "alice@example.com", &[7; 20], Parameters::DEFAULT);
    assert!(uri.len() <= COMFORTABLE_URI_LEN_BYTES);
    assert!(quirks_of(Parameters::DEFAULT).is_empty());
    assert!(Entry::parse(&uri).ok().unwrap().quirks().is_empty());
}

#[test]
fn quirks_name_the_apps() {
    let sentences: Vec<String> = quirks_of(parameters(Algorithm::Sha256, 8, 60))
        .iter()
        .map(ToString::to_string)
        .collect();
    for app in ["Microsoft Authenticator", "Authy", "Duo Mobile"] {
        assert!(
            sentences
                .iter()
                .any(|sentence| sentence.starts_with(app) && sentence.contains("SHA-1")),
            "{app}"
        );
    }
    for word in ["digits", "period"] {
        assert!(
            sentences
                .iter()
                .any(|s| s.starts_with("Google Authenticator on Android") && s.contains(word))
        );
    }
}

/// Label and parameters; the order of parameters is the writer's choice.
fn parts(uri: &str) -> (&str, BTreeSet<&str>) {
    let (label, query) = uri.split_once('?').unwrap();
    (label, query.split('&').collect())
}

fn by_totp_rs(issuer: &str, account: &str, bytes: &[u8], parameters: Parameters) -> String {
    let algorithm = match parameters.algorithm {
        Algorithm::Sha1 => totp_rs::Algorithm::SHA1,
        Algorithm::Sha256 => totp_rs::Algorithm::SHA256,
        Algorithm::Sha512 => totp_rs::Algorithm::SHA512,
    };
    totp_rs::Builder::new()
        .with_secret(bytes.to_vec())
        .with_algorithm(algorithm)
        .with_digits(parameters.digits.get())
        .with_step_duration(u64::from(parameters.period.get_s()))
        .with_issuer(Some(issuer))
        .with_account_name(account)
        .build()
        .unwrap()
        .to_url()
        .unwrap()
}

fn any_parameters() -> impl Strategy<Value = Parameters> {
    let algorithm = prop_oneof![Just(Algorithm::Sha1), Just(Algorithm::Sha256), Just(Algorithm::Sha512)];
    let period_s = prop_oneof![Just(30), Just(60), 1..=3600_u32];
    (algorithm, 6..=8_u8, period_s).prop_map(|(algorithm, digits, period_s)| parameters(algorithm, digits, period_s))
}

/// Names as people have them, in Latin, Chinese and whatever else is allowed.
fn any_name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z0-9 @+._%&=?#/-]{1,40}", "[一-龥a-z]{1,40}", "\\PC{1,32}"]
        .prop_map(|name| name.replace(':', "").trim().to_owned())
        .prop_filter("a name that may be issued", |name| Issuer::new(name.as_str()).is_ok())
}

proptest! {
    #[test]
    fn agrees_with_totp_rs(
        issuer in any_name(),
        account in any_name(),
        bytes in prop::collection::vec(any::<u8>(), 16..=40),
        parameters in any_parameters(),
    ) {
        let ours = written(&issuer, &account, &bytes, parameters);
        let theirs = by_totp_rs(&issuer, &account, &bytes, parameters);
        prop_assert_eq!(parts(&ours), parts(&theirs));
        if parameters == Parameters::DEFAULT {
            prop_assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn our_reader_reads_what_we_write(
        issuer in any_name(),
        account in any_name(),
        bytes in prop::collection::vec(any::<u8>(), 1..=64),
        parameters in any_parameters(),
    ) {
        let uri = written(&issuer, &account, &bytes, parameters);
        prop_assert!(uri.is_ascii());
        let Ok(entry) = Entry::parse(&uri) else { panic!("refused {uri}") };
        prop_assert_eq!(entry.parameters(), Some(parameters));
        prop_assert_eq!(entry.secret().expose_secret(), &bytes[..]);
        prop_assert_eq!(entry.parameters(), Some(parameters));
        prop_assert_eq!(entry.issuer_prefix(), Some(issuer.as_str()));
        prop_assert_eq!(entry.issuer_parameter(), Some(issuer.as_str()));
        prop_assert_eq!(entry.account(), account.as_str());
    }
}
