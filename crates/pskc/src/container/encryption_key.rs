//! `EncryptionKey`: the key that opens a container, pre-shared or derived from a password (RFC 6030 section 6).

use pbkdf2::pbkdf2_hmac;
use roxmltree::Node;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::base64::base64;
use super::names::{child, child_text, fragment};
use crate::xml::Xml;
use crate::zeros::zeros;
use crate::{Problem, ReadError, Unlock};

/// Most iterations of PBKDF2 that a file may ask for: some seconds of work.
pub const MAX_PBKDF2_ITERATIONS: u32 = 10_000_000;
/// Fewest iterations that are written.
pub const MIN_PBKDF2_ITERATIONS: u32 = 1_000;
/// Iterations of PBKDF2 with HMAC-SHA-256 that OWASP recommends (2023).
pub const DEFAULT_PBKDF2_ITERATIONS: u32 = 600_000;

/// The key of a container, from what the caller has; `None` where the caller has nothing, which is enough for a plain one.
pub(super) fn open(
    xml: &Xml<'_>,
    container: Node<'_, '_>,
    unlock: &Unlock<'_>,
) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
    let element = child(container, "EncryptionKey");
    let derivation = element
        .and_then(|key| child(key, "DerivedKey"))
        .and_then(|derived| child(derived, "KeyDerivationMethod"));
    match (unlock, derivation) {
        (Unlock::Nothing, _) => Ok(None),
        (Unlock::Key(key), None) => Ok(Some(Zeroizing::new(key.to_vec()))),
        (Unlock::Password(password), Some(method)) => derive(xml, method, password).map(Some),
        // The key may have been derived elsewhere.
        (Unlock::Key(key), Some(_)) => Ok(Some(Zeroizing::new(key.to_vec()))),
        (Unlock::Password(_), None) if element.is_none() => Ok(None),
        (Unlock::Password(_), None) => Err(ReadError::Locked(
            "its key was shared beforehand and is not derived from a password: give the key".into(),
        )),
    }
}

/// The key or password that opens a container, for a caller who has not given it.
pub(super) fn wanted(container: Node<'_, '_>) -> String {
    let element = child(container, "EncryptionKey");
    let derived = element.and_then(|key| child(key, "DerivedKey"));
    let name = [
        derived.and_then(|derived| child_text(derived, "MasterKeyName")),
        derived.and_then(|derived| child_text(derived, "CarriedKeyName")),
        element.and_then(|key| child_text(key, "KeyName")),
    ]
    .into_iter()
    .flatten()
    .next()
    .map_or_else(String::new, |name| {
        format!(" that the file calls {:?}", crate::xml::shown(name))
    });
    match derived {
        Some(_) => format!("give the password{name}"),
        None => format!("give the key{name}"),
    }
}

fn derive(xml: &Xml<'_>, method: Node<'_, '_>, password: &[u8]) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    let algorithm = method.attribute("Algorithm").unwrap_or_default();
    if fragment(algorithm) != "pbkdf2" {
        return Err(xml.unsupported(method, Problem::Derivation));
    }
    if password.is_empty() {
        return Err(ReadError::Locked("the password that was given is empty".into()));
    }
    let parameters = child(method, "PBKDF2-params")
        .ok_or_else(|| xml.malformed(method, Problem::Missing { name: "PBKDF2-params" }))?;
    let needed = |name| child(parameters, name).ok_or_else(|| xml.malformed(parameters, Problem::Missing { name }));

    let salt = needed("Salt")?;
    let specified =
        child(salt, "Specified").ok_or_else(|| xml.malformed(salt, Problem::Missing { name: "Specified" }))?;
    let salt = base64(xml, specified)?;

    let element = needed("IterationCount")?;
    let iterations: u64 = number(xml, element)?;
    let iterations = u32::try_from(iterations)
        .ok()
        .filter(|count| (1..=MAX_PBKDF2_ITERATIONS).contains(count))
        .ok_or_else(|| xml.unsupported(element, Problem::Iterations))?;

    let len = match child(parameters, "KeyLength") {
        None => 16, // what RFC 6030's example derives, and every writer says
        Some(element) => match number(xml, element)? {
            len @ (16 | 24 | 32) => usize::try_from(len).unwrap_or_default(),
            _ => return Err(xml.unsupported(element, Problem::KeyLength)),
        },
    };

    let prf = child(parameters, "PRF");
    // RFC 8018 appendix A.2: HMAC-SHA-1 where none is named. python-pskc 1.2 writes the name as text.
    let name = prf.and_then(|prf| prf.attribute("Algorithm").or_else(|| super::names::text(prf)));
    let mut key = zeros(len);
    match (name.map(fragment).as_deref(), prf) {
        (None | Some("hmac-sha1"), _) => pbkdf2_hmac::<Sha1>(password, &salt, iterations, &mut key),
        (Some("hmac-sha224"), _) => pbkdf2_hmac::<Sha224>(password, &salt, iterations, &mut key),
        (Some("hmac-sha256"), _) => pbkdf2_hmac::<Sha256>(password, &salt, iterations, &mut key),
        (Some("hmac-sha384"), _) => pbkdf2_hmac::<Sha384>(password, &salt, iterations, &mut key),
        (Some("hmac-sha512"), _) => pbkdf2_hmac::<Sha512>(password, &salt, iterations, &mut key),
        (Some(_), prf) => {
            let at = prf.unwrap_or(parameters);
            return Err(xml.unsupported(at, Problem::Prf));
        }
    }
    Ok(key)
}

fn number(xml: &Xml<'_>, node: Node<'_, '_>) -> Result<u64, ReadError> {
    super::names::text(node)
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| xml.malformed(node, Problem::NotANumber))
}
