//! The codes that the RFCs print.

mod support;

use countersign_otp::{Algorithm, Digits, Match, Period, Step, Window};
use support::{code, key, rows, text};

#[test]
fn rfc_4226_appendix_d() {
    let rows = rows(include_str!("vectors/rfc4226.tsv"));
    assert_eq!(rows.len(), 10);
    for [secret, counter, truncated, hotp] in rows {
        let key = key(secret.as_bytes(), Algorithm::Sha1);
        let step = Step::new(counter.parse().unwrap());
        assert_eq!(text(&key.code(step, Digits::SIX)), hotp);
        let truncated = u32::from_str_radix(truncated, 16).unwrap();
        for digits in [Digits::SIX, Digits::SEVEN, Digits::EIGHT] {
            let width = usize::from(digits.get());
            let expected = format!("{:0width$}", truncated % 10_u32.pow(width as u32));
            assert_eq!(text(&key.code(step, digits)), expected);
        }
    }
}

#[test]
fn rfc_6238_appendix_b() {
    let rows = rows(include_str!("vectors/rfc6238.tsv"));
    assert_eq!(rows.len(), 18);
    for [algorithm, secret, unix_s, totp] in rows {
        let algorithm = Algorithm::ALL.into_iter().find(|a| a.name() == algorithm).unwrap();
        let key = key(secret.as_bytes(), algorithm);
        let step = Step::at(unix_s.parse().unwrap(), Period::THIRTY);
        assert_eq!(text(&key.code(step, Digits::EIGHT)), totp);
        match key.check(&code(totp), Window::around(step, 1), None) {
            Match::Accepted(accepted) => assert_eq!(accepted.step(), step),
            other => panic!("{totp}: {other:?}"),
        }
    }
}
