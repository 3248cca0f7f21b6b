//! otpauth URIs, out: the one spelling that every app reads.

use otp::{Parameters, Secret};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use zeroize::Zeroizing;

use crate::{Account, Issuer, base32};

/// Up to about this many bytes a URI makes a QR code that every camera reads from a screen.
/// A longer one is valid; whoever shows it may warn.
pub const COMFORTABLE_URI_LEN_BYTES: usize = 150;

/// Everything but RFC 3986's unreserved characters is encoded: a blank as `%20`, because `+` is a
/// blank only to some apps, and `@` although it might stay, so that label and parameter agree.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Room for scheme, type, parameter names and three numbers.
const FRAME_LEN_BYTES: usize = 96;

/// Writes `otpauth://totp/<Issuer>:<account>?secret=…&issuer=<Issuer>`.
///
/// The issuer stands in the label and in the parameter, equal, because Google reads the parameter
/// and Microsoft only the label. `algorithm`, `digits` and `period` (in seconds) follow only where
/// they differ from SHA1, 6 and 30, and the digits where the issuer is called Steam; [`quirks_of`](crate::quirks_of) says which apps ignore them.
/// The result is pure ASCII. It holds the secret: show it once, and never log it.
pub fn totp_uri(issuer: &Issuer, account: &Account, secret: &Secret, parameters: Parameters) -> Zeroizing<String> {
    let key = base32::encode(secret.expose_secret());
    let names_len = 3 * (2 * issuer.as_str().len() + account.as_str().len());
    let mut uri = Zeroizing::new(String::with_capacity(FRAME_LEN_BYTES + names_len + key.len()));

    uri.push_str("otpauth://totp/");
    uri.extend(encoded(issuer.as_str()));
    uri.push(':');
    uri.extend(encoded(account.as_str()));
    uri.push_str("?secret=");
    uri.push_str(&key);
    uri.push_str("&issuer=");
    uri.extend(encoded(issuer.as_str()));

    let Parameters {
        algorithm,
        digits,
        period,
    } = parameters;
    if algorithm != Parameters::DEFAULT.algorithm {
        uri.push_str("&algorithm=");
        uri.push_str(algorithm.name());
    }
    // Apps take what is issued by Steam for Steam's own codes, unless digits say otherwise.
    if digits != Parameters::DEFAULT.digits || issuer.as_str() == "Steam" {
        uri.push_str("&digits=");
        uri.push_str(&digits.get().to_string());
    }
    if period != Parameters::DEFAULT.period {
        uri.push_str("&period=");
        uri.push_str(&period.get_s().to_string());
    }
    uri
}

fn encoded(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, RESERVED)
}
