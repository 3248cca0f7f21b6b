//! `Policy` (RFC 6030 section 5): what is not understood forbids the use.

use roxmltree::Node;

use super::names::text;
use crate::xml::{Xml, local_name, shown};
use crate::{Problem, ReadError, Reason, date};

/// From when to when a key may be used, in seconds since 1970.
#[derive(Clone, Copy, Default)]
pub(super) struct Validity {
    pub(super) starts_at_s: Option<i64>,
    pub(super) expires_at_s: Option<i64>,
}

impl Validity {
    /// The time that two rules leave together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            starts_at_s: self.starts_at_s.max(other.starts_at_s),
            expires_at_s: match (self.expires_at_s, other.expires_at_s) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
        }
    }
}

/// How the words end for a key of another use.
pub(super) const NOT_FOR_OTP: &str = "not for OTP";

/// RFC 6030 section 5.
const KEY_USAGES: [&str; 11] = [
    "OTP",
    "CR",
    "Encrypt",
    "Integrity",
    "Verify",
    "Unlock",
    "Decrypt",
    "KeyWrap",
    "Unwrap",
    "Derive",
    "Generate",
];

/// Reads a `Policy`: a time, or that the key may not be used here.
pub(super) fn read(xml: &Xml<'_>, policy: Node<'_, '_>) -> Result<Result<Validity, Reason>, ReadError> {
    let mut validity = Validity::default();
    let mut usages = Vec::new();
    let mut obstacle = None;
    for rule in policy.children().filter(Node::is_element) {
        let same_namespace = rule.tag_name().namespace() == policy.tag_name().namespace();
        match rule.tag_name().name() {
            _ if !same_namespace => obstacle = Some(format!("{} is unknown", local_name(rule))),
            "StartDate" => validity.starts_at_s = Some(moment(xml, rule)?),
            "ExpiryDate" => validity.expires_at_s = Some(moment(xml, rule)?),
            "KeyUsage" => usages.push(text(rule).unwrap_or_default()),
            "PINPolicy" => obstacle = pin_obstacle(rule).or(obstacle),
            "NumberOfTransactions" => obstacle = Some("uses are limited in number, which is not counted here".into()),
            _ => obstacle = Some(format!("{} is unknown", local_name(rule))),
        }
    }
    if !usages.is_empty() && !usages.contains(&"OTP") {
        // A value that is none of the RFC's is not repeated: it may be anything.
        let known = KEY_USAGES.iter().find(|known| **known == usages[0]);
        let usage = known.unwrap_or(&"something that RFC 6030 does not know");
        obstacle = Some(format!("the key is for {usage}, {NOT_FOR_OTP}"));
    }
    Ok(obstacle.map_or(Ok(validity), |obstacle| Err(Reason::Policy(obstacle))))
}

pub(super) fn moment(xml: &Xml<'_>, element: Node<'_, '_>) -> Result<i64, ReadError> {
    text(element)
        .and_then(date::parse)
        .ok_or_else(|| xml.malformed(element, Problem::NotADate))
}

/// A PIN that the token checks itself is none of the verifier's business; any other would be.
fn pin_obstacle(pin: Node<'_, '_>) -> Option<String> {
    const KNOWN: [&str; 6] = [
        "PINKeyId",
        "PINUsageMode",
        "MaxFailedAttempts",
        "MinLength",
        "MaxLength",
        "PINEncoding",
    ];
    let unknown = pin
        .attributes()
        .find(|attribute| attribute.namespace().is_some() || !KNOWN.contains(&attribute.name()));
    if let Some(attribute) = unknown {
        return Some(format!("PINPolicy's {} is unknown", shown(attribute.name())));
    }
    if let Some(element) = pin.children().find(Node::is_element) {
        return Some(format!("PINPolicy's {} is unknown", local_name(element)));
    }
    match pin.attribute("PINUsageMode") {
        None | Some("Local") => None,
        Some(mode @ ("Prepend" | "Append" | "Algorithmic")) => {
            Some(format!("the PIN is part of the code (PINUsageMode {mode})"))
        }
        Some(_) => Some("its PINUsageMode is unknown".into()),
    }
}
