//! URIs of others: the cases are files, one a line, and nothing makes the reader panic.

use enroll::{Entry, Kind, MAX_URI_LEN_BYTES, UriError, base32};
use proptest::prelude::*;

#[path = "../../../tests/fuzz/targets/enroll_uri.rs"]
#[expect(unreachable_pub, reason = "the fuzz driver reaches it")]
mod fuzz_target;

/// Lines of tab-separated fields; the first line names them, `#` begins a comment.
fn cases<const FIELDS: usize>(file: &'static str) -> impl Iterator<Item = [&'static str; FIELDS]> {
    file.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            fields
                .try_into()
                .unwrap_or_else(|fields| panic!("not {FIELDS} fields: {fields:?}"))
        })
}

fn described(kind: Kind) -> String {
    match kind {
        Kind::Totp { period_s } => format!("totp {period_s}"),
        Kind::Hotp { counter } => format!("hotp {counter}"),
        Kind::Steam => "steam".into(),
    }
}

fn or_dash(text: Option<&str>) -> &str {
    text.unwrap_or("-")
}

#[test]
fn accepted() {
    for [
        case,
        uri,
        kind,
        secret,
        algorithm,
        digits,
        prefix,
        parameter,
        account,
        quirks,
    ] in cases::<10>(include_str!("vectors/uri-accepted.tsv"))
    {
        let entry = Entry::parse(uri).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(described(entry.kind()), kind, "{case}");
        assert_eq!(
            base32::encode(entry.secret().expose_secret()).as_str(),
            secret,
            "{case}"
        );
        assert_eq!(entry.algorithm().name(), algorithm, "{case}");
        assert_eq!(entry.digits().to_string(), digits, "{case}");
        assert_eq!(or_dash(entry.issuer_prefix()), prefix, "{case}");
        assert_eq!(or_dash(entry.issuer_parameter()), parameter, "{case}");
        assert_eq!(
            or_dash(Some(entry.account()).filter(|name| !name.is_empty())),
            account,
            "{case}"
        );
        let found: Vec<String> = entry
            .quirks()
            .iter()
            .map(|quirk| format!("{:?} {:?}", quirk.app, quirk.ignored))
            .collect();
        assert_eq!(
            or_dash(Some(found.join(", ").as_str()).filter(|text| !text.is_empty())),
            quirks,
            "{case}"
        );
    }
}

#[test]
fn refused() {
    for [case, uri, sentence] in cases::<3>(include_str!("vectors/uri-refused.tsv")) {
        let error = Entry::parse(uri).err().unwrap_or_else(|| panic!("{case}: accepted"));
        assert_eq!(error.to_string(), sentence, "{case}");
    }
}

#[test]
fn refused_for_what_a_text_file_cannot_hold() {
    let padding = "x".repeat(MAX_URI_LEN_BYTES);
    let uri = format!("otpauth://totp/a?secret=JBSWY3DP&x={padding}");
    assert_eq!(Entry::parse(&uri[..MAX_URI_LEN_BYTES]).err(), None);
    assert_eq!(Entry::parse(&uri[..=MAX_URI_LEN_BYTES]).err(), Some(UriError::TooLong));
    assert_eq!(
        Entry::parse(b"otpauth://totp/\xFF?secret=JBSWY3DP").err(),
        Some(UriError::InvalidUtf8)
    );
    assert_eq!(Entry::parse(b"").err(), Some(UriError::NotOtpauth));
}

/// A URI's own alphabet, so that the search gets past the first check.
fn almost_a_uri() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("otpauth://"),
        Just("totp/"),
        Just("hotp/"),
        Just("steam/"),
        Just("?"),
        Just("&"),
        Just("="),
        Just("secret=JBSWY3DP"),
        Just("issuer="),
        Just("algorithm=SHA-512"),
        Just("digits="),
        Just("period="),
        Just("counter="),
        Just("6"),
        Just("0"),
        Just("%"),
        Just("%3A"),
        Just("%E4"),
        Just(":"),
        Just("云"),
        Just("+"),
        Just("@"),
        Just(" "),
        Just("99999999999999999999"),
    ];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| format!("otpauth://{}", pieces.concat()))
}

proptest! {
    #[test]
    fn never_panics_on_bytes(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        fuzz_target::run(&bytes);
    }

    #[test]
    fn never_panics_on_what_looks_like_a_uri(uri in almost_a_uri()) {
        fuzz_target::run(uri.as_bytes());
    }

    #[test]
    fn base32_never_panics_and_round_trips(text in "\\PC{0,40}", bytes in prop::collection::vec(any::<u8>(), 1..=64)) {
        let _ = base32::decode(&text);
        let secret = base32::decode(&base32::encode(&bytes)).ok().unwrap();
        prop_assert_eq!(secret.expose_secret(), &bytes[..]);
    }
}
