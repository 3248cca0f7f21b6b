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

/// True if text begins as a list of URIs does.
pub(crate) fn is_uri_list(bytes: &[u8]) -> bool {
    let begins = bytes.trim_ascii_start();
    let scheme = b"otpauth";
    begins.len() > scheme.len() && begins[..scheme.len()].eq_ignore_ascii_case(scheme)
}

/// The one URI that a QR code says, if it says one: a line break would make two lines of it.
pub(crate) fn uri_in(text: &str) -> Option<&str> {
    let uri = text.trim();
    (is_uri_list(uri.as_bytes()) && !uri.contains(char::is_control)).then_some(uri)
}

/// Adds a line.
pub(crate) fn push_line(lines: &mut Zeroizing<String>, text: &str) {
    // A new buffer, so that growing leaves no copy behind.
    let mut longer = Zeroizing::new(String::with_capacity(lines.len() + text.len() + 1));
    longer.push_str(lines);
    longer.push_str(text);
    longer.push('\n');
    *lines = longer;
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use otp::Secret;
    use proptest::{collection::vec, prelude::*};
    use vault::{Credential, Draft, LockedVault, Name, NewSlot, OpenVault, Unlock, import};

    use super::*;

    fn entropy(into: &mut [u8]) -> Result<(), String> {
        into.fill(7);
        Ok(())
    }

    fn vault() -> OpenVault {
        OpenVault::create(NewSlot::KeyFile(&[7; 32]), "", &mut entropy)
            .ok()
            .unwrap()
    }

    #[track_caller]
    fn rewritten(uri: &str) -> String {
        let mut vault = vault();
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
            "otpauth://totp/:%3A?secret=GEZDGNBV&issuer=%3A",
            "otpauth://hotp/Example:alice?secret=GEZDGNBV&issuer=Example&algorithm=SHA256&digits=9&counter=18446744073709551615",
            "otpauth://steam/Steam:gabe?secret=GEZDGNBV&issuer=Steam",
            "otpauth://totp/Steam:gabe?secret=GEZDGNBV&issuer=Steam&digits=6",
            "otpauth://totp/x?secret=GEZDGNBV&period=7200",
            "otpauth://totp/%E4%BA%91:%E5%BC%A0?secret=GEZDGNBV&issuer=%E4%BA%91&algorithm=SHA512&digits=5&period=3600",
        ] {
            assert_eq!(rewritten(uri), uri);
        }
    }

    /// Everything that a vault can hold.
    fn any_draft() -> impl Strategy<Value = (String, String, Kind, Vec<u8>, Algorithm, u8)> {
        let long = (0..700_usize).prop_map(|len| "云".repeat(len));
        let name = prop_oneof![
            "[a-zA-Z:@.%+&?/# ]{0,12}",
            "[:a ]{0,4}",
            "\\PC{0,40}",
            Just("Steam".to_owned()),
            long
        ];
        let kind = prop_oneof![
            (1..=u32::MAX).prop_map(|period_s| Kind::Totp {
                period_s: NonZeroU32::new(period_s).unwrap()
            }),
            Just(Kind::TOTP_30_S),
            any::<u64>().prop_map(|counter| Kind::Hotp { counter }),
            Just(Kind::Steam),
        ];
        let algorithm = prop_oneof![Just(Algorithm::Sha1), Just(Algorithm::Sha256), Just(Algorithm::Sha512)];
        (
            name.clone(),
            name,
            kind,
            vec(any::<u8>(), 1..=128),
            algorithm,
            5_u8..=10,
        )
    }

    proptest! {
        #[test]
        fn whatever_a_vault_holds_leaves_and_comes_back_the_same(drafts in vec(any_draft(), 1..4)) {
            let mut vault = vault();
            for (issuer, account, kind, secret, algorithm, digits) in drafts {
                let [issuer, account] = [issuer, account].map(|name| Name::tidied(&name).0);
                // Together they read as another URI with a secret, which no reader takes.
                let both = format!("{}:{}", issuer.as_str(), account.as_str()).to_lowercase();
                if both.contains("steam://") || both.contains("otpauth") && both.contains("://") {
                    continue;
                }
                // An import takes the issuer out of an account that repeats it.
                let behind = account.as_str().strip_prefix(issuer.as_str());
                if !issuer.is_empty() && behind.is_some_and(|rest| rest.trim_start().starts_with(':')) {
                    continue;
                }
                // Steam has letters: nobody's codes are five digits under its name, and other apps' URIs mean letters by it.
                let is_steams = [issuer.as_str(), account.as_str()].contains(&"Steam");
                let digits = if is_steams { digits.max(6) } else { digits };
                let digits = EntryDigits::new(digits).unwrap();
                let credential = Credential::new(kind, Secret::from_slice(&secret).unwrap(), algorithm, digits);
                vault.entries_mut().add(Draft::new(issuer, account, credential)).unwrap();
            }
            let empty = self::vault();
            for entry in vault.entries().iter() {
                let export = import::read(uri_of(entry).as_bytes(), None).unwrap();
                let receipt = empty.entries().dry_run(export);
                prop_assert!(receipt.refused.is_empty(), "{:?}", receipt.refused);
                let came = &receipt.came[0].draft;
                prop_assert_eq!((&came.issuer, &came.account), (&entry.issuer, &entry.account));
                let (was, is) = (entry.credential(), &came.credential);
                prop_assert!(was.secret().expose_secret() == is.secret().expose_secret());
                prop_assert_eq!(
                    (was.kind(), was.algorithm(), was.digits()),
                    (is.kind(), is.algorithm(), is.digits())
                );
            }
            // And as a vault of its own, under another key.
            let before: Vec<_> = vault.entries().iter().map(|entry| uri_of(entry).to_string()).collect();
            vault.rekey(NewSlot::KeyFile(&[9; 32]), "", &mut entropy).unwrap();
            let file = vault.save(&mut entropy).unwrap();
            let copy = LockedVault::parse(&file).unwrap().unlock(Unlock::KeyFile(&[9; 32])).ok().unwrap();
            let after: Vec<_> = copy.entries().iter().map(|entry| uri_of(entry).to_string()).collect();
            prop_assert_eq!(before, after);
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
