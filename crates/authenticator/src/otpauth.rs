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
    // Steam's own entries are written as totp by other apps, which know them by the issuer: digits say that these are none.
    let is_like_steam = issuer == "Steam" || issuer.is_empty() && account == "Steam";
    if (credential.digits() != EntryDigits::SIX || is_like_steam) && credential.kind() != Kind::Steam {
        uri.push_str(&format!("&digits={}", credential.digits()));
    }
    match credential.kind() {
        Kind::Hotp { counter } => uri.push_str(&format!("&counter={counter}")),
        kind @ Kind::Totp { period_s } if kind != Kind::TOTP_30_S => uri.push_str(&format!("&period={period_s}")),
        Kind::Totp { .. } | Kind::Steam => {}
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault::{Draft, KdfCost, NewSlot, OpenVault};

    #[track_caller]
    fn rewritten(uri: &str) -> String {
        let slot = NewSlot::Passphrase {
            passphrase: b"x",
            cost: KdfCost::new(8, 1, 1).unwrap(),
        };
        let mut entropy = |into: &mut [u8]| -> Result<(), String> {
            into.fill(7);
            Ok(())
        };
        let mut vault = OpenVault::create(slot, "", &mut entropy).ok().unwrap();
        let draft = Draft::from(enroll::Entry::parse(uri).ok().unwrap());
        let id = vault.entries_mut().add(draft).unwrap();
        uri_of(vault.entries().get(id).unwrap()).to_string()
    }

    #[test]
    fn whatever_was_read_is_written_so_that_it_reads_the_same() {
        for uri in [
            "otpauth://totp/Example:alice?secret=GEZDGNBV&issuer=Example",
            "otpauth://totp/Example:a%3Ab?secret=GEZDGNBV&issuer=Example",
            "otpauth://totp/alice?secret=GEZDGNBV",
            "otpauth://totp/alice?secret=GEZDGNBV&issuer=a%3Ab",
            "otpauth://totp/Example:?secret=GEZDGNBV&issuer=Example",
            "otpauth://totp/?secret=GEZDGNBV",
            "otpauth://hotp/Example:alice?secret=GEZDGNBV&issuer=Example&algorithm=SHA256&digits=9&counter=18446744073709551615",
            "otpauth://steam/Steam:gabe?secret=GEZDGNBV&issuer=Steam",
            "otpauth://totp/Steam:gabe?secret=GEZDGNBV&issuer=Steam&digits=6",
            "otpauth://totp/x?secret=GEZDGNBV&period=7200",
            "otpauth://totp/%E4%BA%91:%E5%BC%A0?secret=GEZDGNBV&issuer=%E4%BA%91&algorithm=SHA512&digits=5&period=3600",
        ] {
            assert_eq!(rewritten(uri), uri);
        }
    }

    #[test]
    fn our_own_uris_are_those_that_we_issue() {
        let uri = rewritten("otpauth://totp/Example:alice%2Btest%40example.com?secret=GEZDGNBV");
        assert_eq!(
            uri,
            "otpauth://totp/Example:alice%2Btest%40example.com?secret=GEZDGNBV&issuer=Example"
        );
    }
}
