//! `KeyContainer`, in.

use std::collections::HashSet;

use roxmltree::Node;

use super::key::{self, Device};
use super::names::{DS, PSKC, child, children, is_draft, is_standard};
use super::value::Opener;
use crate::duplicates::{Found, settle};
use crate::options::Context;
use crate::xml::Xml;
use crate::{Encoding, Format, Protection, ReadError, Receipt, Refusal, Remark, Unlock};

/// True if this is a key container of RFC 6030.
pub(crate) fn is_key_container(root: Node<'_, '_>) -> bool {
    let namespace = root.tag_name().namespace().unwrap_or_default();
    root.tag_name().name() == "KeyContainer" && (namespace == PSKC || is_draft(namespace))
}

/// Elements that may be there more than once beside each other.
const PLURAL: [&str; 6] = ["KeyPackage", "Key", "KeyUsage", "KeyName", "FriendlyName", "Extensions"];

/// Refuses an element that is there twice where RFC 6030 has one: taking either secret, or either policy, would be a
/// guess. Signatures and extensions follow other rules.
fn refuse_repetitions(xml: &Xml<'_>) -> Result<(), ReadError> {
    let ours = |node: &Node<'_, '_>| {
        let namespace = node.tag_name().namespace().unwrap_or_default();
        node.is_element() && namespace != DS && node.tag_name().name() != "Extensions"
    };
    for parent in xml.root().descendants().filter(ours) {
        let mut names = HashSet::new();
        for element in parent.children().filter(Node::is_element) {
            let name = element.tag_name();
            // The standards' namespaces count as one, as they do where an element is looked for.
            let namespace = name.namespace().filter(|_| !is_standard(element));
            if !PLURAL.contains(&name.name()) && !names.insert((namespace, name.name())) {
                return Err(xml.malformed(element, "it is there twice"));
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
        return Err(xml.unsupported(container, "its Version is not 1.0"));
    }
    if child(container, "KeyPackage").is_none() {
        return Err(xml.malformed(container, "there is no KeyPackage in it"));
    }
    xml.refuse_mixed_text()?;
    refuse_repetitions(xml)?;
    let mut opener = Opener::new(xml, container, unlock)?;
    let mut found = Vec::new();
    let mut refused = Vec::new();
    let mut names_users = false;
    for package in children(container, "KeyPackage") {
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
    let protection = opener.protection();
    let remarks = [
        (protection == Protection::Unauthenticated, Remark::Unauthenticated),
        (child(container, "Signature").is_some(), Remark::SignatureIgnored),
        (names_users, Remark::UsersIgnored),
    ];
    Ok(Receipt {
        format: Format::Pskc,
        encoding: Encoding::Base64,
        protection,
        seeds: settle(found, &mut refused, context.is_guessed),
        refused,
        remarks: remarks
            .into_iter()
            .filter_map(|(applies, remark)| applies.then_some(remark))
            .collect(),
    })
}
