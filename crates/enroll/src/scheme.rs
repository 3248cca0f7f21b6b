//! The schemes of URIs that hold a secret, found in any text.

use percent_encoding::percent_decode_str;

/// The schemes, before `://`.
const SCHEMES: [&str; 3] = ["otpauth", "otpauth-migration", "steam"];

/// The positions in a text where a URI begins that holds a secret, in whatever case and whatever stands before it:
/// `otpauth://`, `otpauth-migration://`, `steam://`.
pub fn uri_starts(text: &str) -> impl Iterator<Item = usize> {
    text.match_indices("://").filter_map(|(colon, _)| {
        let before = &text.as_bytes()[..colon];
        let ends_with = |scheme: &&str| {
            let start = before.len().checked_sub(scheme.len())?;
            before[start..].eq_ignore_ascii_case(scheme.as_bytes()).then_some(start)
        };
        SCHEMES.iter().find_map(ends_with)
    })
}

/// The most times that a name is percent-decoded in search of a URI.
const MOST_ENCODINGS: usize = 8;

/// True if a text that people are shown, such as a name, has such a URI in it, be it percent-encoded, and more than once.
pub fn holds_uri(text: &str) -> bool {
    let mut text = text.to_owned();
    for _ in 0..=MOST_ENCODINGS {
        if uri_starts(&text).next().is_some() {
            return true;
        }
        text = percent_decode_str(&text).decode_utf8_lossy().into_owned();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_start_is_found_whatever_stands_before_it() {
        let starts = |text: &str| uri_starts(text).collect::<Vec<_>>();
        assert_eq!(starts("otpauth://totp/a?secret=AOTPAUTH://hotp/b"), [0, 25]);
        assert_eq!(starts("云otpauth-Migration://offline steam://X"), [3, 31]);
        for none in [
            "",
            "://",
            "auth://",
            "otpauth:totp",
            "https://example.com",
            "云://",
            "otpauth: //",
        ] {
            assert_eq!(starts(none), [0_usize; 0], "{none}");
        }
    }

    #[test]
    fn an_encoded_uri_in_a_name_is_one() {
        for holds in [
            "otpauth://totp/a",
            "a OtpAuth://totp/a",
            "a%20otpauth%3A%2F%2Ftotp",
            "otpauth%253a%252F%252Ftotp",
            "steam%3a//X",
        ] {
            assert!(holds_uri(holds), "{holds}");
        }
        for name in ["otpauth", "50% #1/2?", "%FF%zz", "https://otpauth.example", "100%25"] {
            assert!(!holds_uri(name), "{name}");
        }
    }
}
