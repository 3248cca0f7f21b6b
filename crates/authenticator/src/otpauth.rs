//! An entry as an otpauth URI: what other apps, and `import`, read.

use enroll::{EntryDigits, MAX_URI_LEN_BYTES, base32};
use otp::Algorithm;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use vault::{Entry, Kind};
use zeroize::Zeroizing;

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Room for scheme, type, the parameters' names and the numbers.
const FRAME_LEN_BYTES: usize = 128;

/// The entry's URI. Unlike [`enroll::totp_uri`] it takes whatever somebody else issued: HOTP, Steam, any digits and names.
pub(crate) fn uri_of(entry: &Entry) -> Zeroizing<String> {
    let (issuer, account) = (entry.issuer.as_str(), entry.account.as_str());
    let credential = entry.credential();
    let secret = base32::encode(credential.secret().expose_secret());
    let longest = FRAME_LEN_BYTES + 3 * (2 * issuer.len() + account.len()) + secret.len();
    let mut uri = Zeroizing::new(String::with_capacity(longest));
    uri.push_str(match credential.kind() {
        Kind::Totp { .. } => "otpauth://totp/",
        Kind::Hotp { .. } => "otpauth://hotp/",
        Kind::Steam => "otpauth://steam/",
    });
    // Readers split the label at its first colon, whoever wrote it; the parameter says the issuer in any case.
    let is_prefix = !issuer.is_empty() && !issuer.contains(':') && longest <= MAX_URI_LEN_BYTES;
    if is_prefix {
        uri.extend(utf8_percent_encode(issuer, RESERVED));
    }
    if is_prefix || account.contains(':') {
        uri.push(':');
    }
    uri.extend(utf8_percent_encode(account, RESERVED));
    uri.push_str("?secret=");
    uri.push_str(&secret);
    if !issuer.is_empty() {
        uri.push_str("&issuer=");
        uri.extend(utf8_percent_encode(issuer, RESERVED));
    }
    if credential.algorithm() != Algorithm::Sha1 {
        uri.push_str("&algorithm=");
        uri.push_str(credential.algorithm().name());
    }
    if credential.digits() != EntryDigits::SIX && credential.kind() != Kind::Steam {
        uri.push_str(&format!("&digits={}", credential.digits()));
    }
    match credential.kind() {
        Kind::Hotp { counter } => uri.push_str(&format!("&counter={counter}")),
        kind @ Kind::Totp { period_s } if kind != Kind::TOTP_30_S => uri.push_str(&format!("&period={period_s}")),
        Kind::Totp { .. } | Kind::Steam => {}
    }
    uri
}
