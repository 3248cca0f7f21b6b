//! `KeyContainer`, in.

use std::collections::HashSet;

use roxmltree::Node;

use super::key::{self, Device};
use super::names::{DS, OLD_CONTAINER, PSKC, child, children, is_draft, is_extension, is_standard};
use super::policy::NOT_FOR_OTP;
use super::value::Opener;
use crate::duplicates::{Found, settle};
use crate::options::Context;
use crate::xml::{Xml, local_name, shown};
use crate::{Encoding, Format, Problem, Protection, ReadError, Reason, Receipt, Refusal, Remark, Seed, Unlock};

/// True if this is a key container of RFC 6030.
pub(crate) fn is_key_container(root: Node<'_, '_>) -> bool {
    let namespace = root.tag_name().namespace().unwrap_or_default();
    root.tag_name().name() == "KeyContainer" && (namespace == PSKC || is_draft(namespace))
}

/// What an XML file that is none begins with, and what is read.
pub(crate) fn other_root(root: Node<'_, '_>) -> String {
    let name = local_name(root);
    if name != "KeyContainer" {
        return format!("its XML begins with {name}, not with KeyContainer (RFC 6030) or Tokens (SafeNet)");
    }
    let namespace = root.tag_name().namespace().unwrap_or_default();
    let of = match namespace {
        "" => "no namespace".to_owned(),
        namespace => format!("the namespace {}", shown(namespace)),
    };
    let hint = match namespace.strip_prefix(OLD_CONTAINER) {
        Some("" | ":1.0" | "#") => "; containers of the drafts of 2006 to 2008 are not read: ask for PSKC",
        _ => "",
    };
    format!("its KeyContainer is of {of}, not of {PSKC}, which is RFC 6030's{hint}")
}

/// Takes keys of another use (a PIN, an answer to challenges) from what is refused, where the same device has a token's key:
/// nobody would import them. Says how many.
fn leave_keys_beside(seeds: &[Seed], refused: &mut Vec<Refusal>) -> usize {
    let devices: HashSet<&str> = seeds.iter().map(|seed| seed.serial_number.as_str()).collect();
    let count = refused.len();
    refused.retain(|refusal| {
        let is_another_use = match &refusal.reason {
            Reason::Algorithm(name) => name != key::NOT_SAID,
            Reason::Policy(why) => why.ends_with(NOT_FOR_OTP),
            reason => *reason == Reason::Challenge,
        };
        let device = refusal.serial_number.as_deref().unwrap_or_default();
        !(is_another_use && devices.contains(device))
    });
    count - refused.len()
}

/// Elements that may be there more than once beside each other.
const PLURAL: [&str; 7] = [
    "KeyPackage",
    "Device",
    "Key",
    "KeyUsage",
    "KeyName",
    "FriendlyName",
    "Extensions",
];

/// Refuses an element that is there twice where RFC 6030 has one: taking either secret, or either policy, would be a
/// guess. Signatures and extensions follow other rules.
fn refuse_repetitions(xml: &Xml<'_>) -> Result<(), ReadError> {
    let ours = |node: &Node<'_, '_>| {
        let namespace = node.tag_name().namespace().unwrap_or_default();
        node.is_element() && namespace != DS
    };
    for parent in xml.nodes_without(is_extension).filter(ours) {
        let mut names = HashSet::new();
        for element in parent
            .children()
            .filter(|child| child.is_element() && !is_extension(*child))
        {
            let name = element.tag_name();
            // The standards' namespaces count as one, as they do where an element is looked for.
            let namespace = name.namespace().filter(|_| !is_standard(element));
            if !PLURAL.contains(&name.name()) && !names.insert((namespace, name.name())) {
                return Err(xml.malformed(element, Problem::ElementTwice));
            }
        }
    }
    Ok(())
}

/// Reads a container, all of it or nothing.
pub(crate) fn read(xml: &Xml<'_>, unlock: &Unlock<'_>, context: &Context) -> Result<Receipt, ReadError> {
    let container = xml.root();
    if let Some(version) = container.attribute("Version")
        && version != "1.0"
        && version != "1"
    {
        return Err(xml.unsupported(container, Problem::Version));
    }
    // `Device` is what the drafts called it.
    let packages: Vec<Node<'_, '_>> = ["KeyPackage", "Device"]
        .into_iter()
        .flat_map(|name| children(container, name))
        .collect();
    if packages.is_empty() {
        return Err(xml.malformed(container, Problem::NoKeyPackage));
    }
    xml.refuse_mixed_text(is_extension)?;
    refuse_repetitions(xml)?;
    let mut opener = Opener::new(xml, container, unlock)?;
    let mut found = Vec::new();
    let mut refused = Vec::new();
    let mut names_users = false;
    for package in packages {
        let device = Device::read(xml, package)?;
        names_users |= child(package, "DeviceInfo").is_some_and(|info| child(info, "UserId").is_some());
        for element in children(package, "Key") {
            names_users |= child(element, "UserId").is_some();
            let place = xml.place(element);
            match key::read(xml, &mut opener, &device, element, context)? {
                Ok(seed) => found.push(Found { place, seed }),
                Err(reason) => refused.push(Refusal {
                    place,
                    serial_number: key::serial_number(&device, element),
                    reason,
                }),
            }
        }
    }
    let seeds = settle(found, &mut refused, context.is_guessed);
    let beside = leave_keys_beside(&seeds, &mut refused);
    let protection = opener.protection();
    let remarks = [
        (beside > 0, Remark::KeysBeside(beside)),
        (protection == Protection::Unauthenticated, Remark::Unauthenticated),
        (child(container, "Signature").is_some(), Remark::SignatureIgnored),
        (names_users, Remark::UsersIgnored),
    ];
    Ok(Receipt {
        format: Format::Pskc,
        encoding: Encoding::Base64,
        protection,
        seeds,
        refused,
        remarks: remarks
            .into_iter()
            .filter_map(|(applies, remark)| applies.then_some(remark))
            .collect(),
    })
}
