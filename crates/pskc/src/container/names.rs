//! The names of RFC 6030 and of the standards it builds on.

use roxmltree::Node;

/// RFC 6030 section 11.3.
pub(crate) const PSKC: &str = "urn:ietf:params:xml:ns:keyprov:pskc";
/// XML Signature.
pub(crate) const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
/// XML Encryption 1.0.
pub(crate) const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";
/// XML Encryption 1.1.
pub(crate) const XENC11: &str = "http://www.w3.org/2009/xmlenc11#";
/// PKCS #5, as RFC 6030 spells it.
pub(crate) const PKCS5: &str = "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#";

/// The namespace of our extension: an element `ManagementKey` in `Key/Extensions`, with the content of RFC 6030's
/// `binaryDataType` (`PlainValue`, or `EncryptedValue` and `ValueMAC`), protected exactly as the secret beside it is.
pub const MANAGEMENT_KEY_NAMESPACE: &str = "urn:x-countersign:pskc:1";

/// The element of [`MANAGEMENT_KEY_NAMESPACE`].
pub(crate) const MANAGEMENT_KEY: &str = "ManagementKey";

pub(crate) const HOTP: &str = "urn:ietf:params:xml:ns:keyprov:pskc:hotp";
pub(crate) const TOTP: &str = "urn:ietf:params:xml:ns:keyprov:pskc:totp";
pub(crate) const PBKDF2: &str = "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#pbkdf2";
pub(crate) const HMAC_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256";

/// True if an element's namespace is one that RFC 6030 takes its own elements from. Files in the field qualify `Salt`
/// and its neighbours in three ways (the RFC's own figure not at all), so none is preferred; an element of any other
/// namespace is somebody's extension.
pub(super) fn is_standard(node: Node<'_, '_>) -> bool {
    match node.tag_name().namespace() {
        // what `xmlns=""` undeclares has the empty name
        None | Some("") => true,
        Some(namespace) => [PSKC, DS, XENC, XENC11, PKCS5].contains(&namespace) || is_draft(namespace),
    }
}

/// The namespaces of the drafts before RFC 6030 (draft-ietf-keyprov-pskc), whose older names for elements and attributes are
/// read in every namespace: the drafts had the RFC's, too.
pub(crate) fn is_draft(namespace: &str) -> bool {
    matches!(namespace.strip_prefix(PSKC), Some(":1.0" | ":1.0#" | "#"))
}

/// The namespace of the drafts of 2006 to 2008, whose containers hold their values in another way.
pub(super) const OLD_CONTAINER: &str = "urn:ietf:params:xml:ns:keyprov:container";

/// True of the first element of somebody's extension, whose contents follow rules of their own. Ours is no such.
pub(super) fn is_extension(node: Node<'_, '_>) -> bool {
    let parent = node.parent_element();
    let in_extensions = parent.is_some_and(|parent| parent.tag_name().name() == "Extensions" && is_standard(parent));
    node.is_element()
        && (in_extensions || !is_standard(node))
        && !node.has_tag_name((MANAGEMENT_KEY_NAMESPACE, MANAGEMENT_KEY))
}

/// The first child of this name.
pub(crate) fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    children(node, name).next()
}

/// The children of this name.
pub(crate) fn children<'a, 'input>(node: Node<'a, 'input>, name: &str) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children()
        .filter(move |child| child.is_element() && child.tag_name().name() == name && is_standard(*child))
}

/// The first child of a name, or of the one that the drafts had for it.
pub(super) fn child_or<'a, 'input>(node: Node<'a, 'input>, name: &str, draft: &str) -> Option<Node<'a, 'input>> {
    child(node, name).or_else(|| child(node, draft))
}

/// An attribute, or the one that the drafts had for it.
pub(super) fn attribute_or<'a>(node: Node<'a, '_>, name: &str, draft: &str) -> Option<&'a str> {
    node.attribute(name).or_else(|| node.attribute(draft))
}

/// The text of an element, trimmed; `None` where there is none.
pub(crate) fn text<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    node.text().map(str::trim).filter(|text| !text.is_empty())
}

/// The trimmed text of a child.
pub(crate) fn child_text<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(node, name).and_then(text)
}

/// The last part of an algorithm's URI: what follows the last `#` or `:`, in lower case.
pub(crate) fn fragment(uri: &str) -> String {
    crate::xml::shown(uri.trim().rsplit(['#', ':']).next().unwrap_or_default()).to_ascii_lowercase()
}
