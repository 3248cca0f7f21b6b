//! The values of `Key/Data`: plain, or encrypted and authenticated (RFC 6030 sections 4.2 and 6).

use roxmltree::Node;
use zeroize::Zeroizing;

use super::base64::base64;
use super::cipher::Cipher;
use super::encryption_key;
use super::mac::MacAlgorithm;
use super::names::{child, child_text, text};
use crate::xml::Xml;
use crate::{Problem, Protection, ReadError, Unlock};

/// The width that RFC 6030 gives an encrypted number.
#[derive(Clone, Copy)]
pub(super) enum Width {
    /// `intDataType`, with a sign.
    Int,
    /// `longDataType`; our counters have no sign.
    Long,
}

/// A decryptor of the values of one container.
pub(super) struct Opener {
    key: Option<Zeroizing<Vec<u8>>>,
    mac: Option<Mac>,
    /// What to say where the key is missing.
    wanted: String,
    any_plain: bool,
    any_encrypted: bool,
    any_unauthenticated: bool,
}

struct Mac {
    algorithm: MacAlgorithm,
    /// Its own key; the container's where the file has none (RFC 6030 section 6.1.1).
    key: Option<Zeroizing<Vec<u8>>>,
}

impl Opener {
    pub(super) fn new(xml: &Xml<'_>, container: Node<'_, '_>, unlock: &Unlock<'_>) -> Result<Self, ReadError> {
        let mut opener = Self {
            key: encryption_key::open(xml, container, unlock)?,
            mac: None,
            wanted: encryption_key::wanted(container),
            any_plain: false,
            any_encrypted: false,
            any_unauthenticated: false,
        };
        opener.mac = match (child(container, "MACMethod"), child(container, "MACAlgorithm")) {
            (Some(_), Some(algorithm)) => {
                return Err(xml.malformed(algorithm, Problem::TwoMacs));
            }
            (Some(method), None) => opener.mac_method(xml, method, method.attribute("Algorithm"))?,
            // How the drafts named it, always under the container's key.
            (None, Some(algorithm)) => opener.mac_method(xml, algorithm, text(algorithm))?,
            (None, None) => None,
        };
        Ok(opener)
    }

    /// The protection that the container's secrets were found to have.
    pub(super) fn protection(&self) -> Protection {
        match (self.any_plain, self.any_unauthenticated) {
            _ if !self.any_encrypted => Protection::InTheClear,
            (true, _) => Protection::InTheClear,
            (false, true) => Protection::Unauthenticated,
            (false, false) => Protection::Authenticated,
        }
    }

    /// The bytes of a `binaryDataType`; `None` where it is empty.
    pub(super) fn secret(
        &mut self,
        xml: &Xml<'_>,
        element: Node<'_, '_>,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
        let plain = child(element, "PlainValue");
        let encrypted = child(element, "EncryptedValue");
        match (plain, encrypted) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(xml.malformed(element, Problem::TwoValues)),
            (Some(plain), None) => {
                self.any_plain = true;
                let bytes = base64(xml, plain)?;
                Ok(Some(bytes).filter(|bytes| !bytes.is_empty()))
            }
            (None, Some(encrypted)) => self.decrypt(xml, element, encrypted).map(Some),
        }
    }

    /// The number of an `intDataType` or a `longDataType`; `None` where it is empty.
    pub(super) fn number(
        &mut self,
        xml: &Xml<'_>,
        element: Node<'_, '_>,
        width: Width,
    ) -> Result<Option<i128>, ReadError> {
        if let Some(encrypted) = child(element, "EncryptedValue") {
            let bytes = self.decrypt(xml, element, encrypted)?;
            return binary_number(&bytes, width)
                .map(Some)
                .ok_or_else(|| xml.malformed(element, Problem::DecryptedNumber));
        }
        match child_text(element, "PlainValue") {
            None => Ok(None),
            Some(text) => text
                .parse()
                .map(Some)
                .map_err(|_| xml.malformed(element, Problem::PlainNumber)),
        }
    }

    fn mac_method(&self, xml: &Xml<'_>, method: Node<'_, '_>, uri: Option<&str>) -> Result<Option<Mac>, ReadError> {
        // python-pskc writes one that says nothing beside values that need none.
        let Some(uri) = uri else {
            return Ok(None);
        };
        let algorithm = MacAlgorithm::from_uri(uri).ok_or_else(|| xml.unsupported(method, Problem::MacAlgorithm))?;
        if self.key.is_none() {
            // Every value that needs it will say so.
            return Ok(None);
        }
        let key = match child(method, "MACKey") {
            Some(element) => {
                let (cipher, value) = encrypted_parts(xml, element)?;
                Some(self.apply(xml, element, cipher, &value)?)
            }
            None if child(method, "MACKeyReference").is_some() => {
                return Err(xml.unsupported(method, Problem::MacKeyElsewhere));
            }
            None => None,
        };
        Ok(Some(Mac { algorithm, key }))
    }

    fn decrypt(
        &mut self,
        xml: &Xml<'_>,
        element: Node<'_, '_>,
        encrypted: Node<'_, '_>,
    ) -> Result<Zeroizing<Vec<u8>>, ReadError> {
        let (cipher, value) = encrypted_parts(xml, encrypted)?;
        let Some(key) = &self.key else {
            return Err(ReadError::Locked(self.wanted.clone()));
        };
        self.any_encrypted = true;
        // The MAC is judged before the cipher sees the value, so that nothing is learned from how a change decrypts.
        match (child(element, "ValueMAC"), &self.mac) {
            (Some(value_mac), Some(mac)) => {
                let expected = base64(xml, value_mac)?;
                let mac_key = mac.key.as_ref().unwrap_or(key);
                if !mac.algorithm.verify(mac_key, &value, &expected) {
                    return Err(ReadError::WrongKey(xml.place(element)));
                }
            }
            (Some(value_mac), None) => {
                return Err(xml.malformed(value_mac, Problem::MacWithoutMethod));
            }
            (None, _) if cipher.authenticates() => {}
            (None, Some(_)) => {
                return Err(xml.malformed(element, Problem::MacTakenAway));
            }
            (None, None) => self.any_unauthenticated = true,
        }
        self.apply(xml, element, cipher, &value)
    }

    fn apply(
        &self,
        xml: &Xml<'_>,
        element: Node<'_, '_>,
        cipher: Cipher,
        value: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, ReadError> {
        let Some(key) = &self.key else {
            return Err(ReadError::Locked(self.wanted.clone()));
        };
        if !cipher.fits(key) {
            let problem = Problem::KeyOfOtherLength { bytes: key.len() };
            return Err(xml.unsupported(element, problem));
        }
        cipher
            .decrypt(key, value)
            .map_err(|_| ReadError::WrongKey(xml.place(element)))
    }
}

/// `xenc:EncryptedDataType`: the cipher, and what it made.
fn encrypted_parts(xml: &Xml<'_>, element: Node<'_, '_>) -> Result<(Cipher, Zeroizing<Vec<u8>>), ReadError> {
    let method = child(element, "EncryptionMethod").ok_or_else(|| {
        xml.malformed(
            element,
            Problem::Missing {
                name: "EncryptionMethod",
            },
        )
    })?;
    let cipher = method
        .attribute("Algorithm")
        .and_then(Cipher::from_uri)
        .ok_or_else(|| {
            let known = Problem::Cipher;
            xml.unsupported(method, known)
        })?;
    let value = child(element, "CipherData")
        .and_then(|data| child(data, "CipherValue"))
        .ok_or_else(|| {
            xml.malformed(
                element,
                Problem::Missing {
                    name: "CipherData/CipherValue",
                },
            )
        })?;
    Ok((cipher, base64(xml, value)?))
}

/// RFC 6030 section 4.2 encrypts a number as 4 or 8 bytes, big-endian. Others encrypt as few bytes as it needs, or its
/// decimal digits; these are told apart unless every byte is a digit.
fn binary_number(bytes: &[u8], width: Width) -> Option<i128> {
    match width {
        Width::Int if bytes.len() == 4 => Some(i32::from_be_bytes(bytes.try_into().ok()?).into()),
        Width::Long if bytes.len() == 8 => Some(u64::from_be_bytes(bytes.try_into().ok()?).into()),
        _ if bytes.is_empty() || bytes.len() > 8 || bytes.iter().all(u8::is_ascii_digit) => None,
        _ => Some(bytes.iter().fold(0, |number, &byte| number << 8 | i128::from(byte))),
    }
}
