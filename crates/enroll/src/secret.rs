//! A new secret, and the secret as people type it.

use otp::Secret;
use zeroize::Zeroizing;

use crate::base32;

/// Length of the secrets we issue, in bytes: the output length of HMAC-SHA-1, which RFC 4226
/// section 4 (R6) recommends and which every authenticator app accepts.
pub const SECRET_LEN_BYTES: usize = 20;

/// Characters in one group of the text key.
const GROUP_LEN: usize = 4;

/// Makes a secret of [`SECRET_LEN_BYTES`] from `entropy`, which has to fill the whole slice from a
/// cryptographic source. The bytes are written where they stay; no copy is made.
///
/// # Errors
/// Whatever `entropy` returns, untouched; no secret exists then.
pub fn new_secret<E>(entropy: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Secret, E> {
    Secret::try_fill_with(SECRET_LEN_BYTES, entropy).expect("20 bytes are a length that every secret may have")
}

/// The secret in base32, in groups of four separated by blanks (`JBSW Y3DP …`): for a user who
/// cannot scan. Every app reads it with or without the blanks.
pub fn text_key(secret: &Secret) -> Zeroizing<String> {
    let text = base32::encode(secret.expose_secret());
    let mut grouped = Zeroizing::new(String::with_capacity(text.len() + text.len() / GROUP_LEN));
    for (index, character) in text.chars().enumerate() {
        if index > 0 && index.is_multiple_of(GROUP_LEN) {
            grouped.push(' ');
        }
        grouped.push(character);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting(bytes: &mut [u8]) -> Result<(), &'static str> {
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::try_from(index).unwrap();
        }
        Ok(())
    }

    #[test]
    fn takes_twenty_bytes_from_the_source() {
        let secret = new_secret(counting).ok().unwrap();
        let expected: Vec<u8> = (0..20).collect();
        assert_eq!(secret.expose_secret(), expected);
    }

    #[test]
    fn a_failing_source_makes_no_secret() {
        let outcome = new_secret(|_| Err("no entropy"));
        assert_eq!(outcome.err(), Some("no entropy"));
    }

    #[test]
    fn groups_of_four() {
        let secret = new_secret(counting).ok().unwrap();
        assert_eq!(text_key(&secret).as_str(), "AAAQ EAYE AUDA OCAJ BIFQ YDIO B4IB CEQT");
        let short = Secret::from_slice(b"Hello!").ok().unwrap();
        assert_eq!(text_key(&short).as_str(), "JBSW Y3DP EE");
    }
}
