//! Base64 in the text of an element.

use data_encoding::{BASE64, BASE64_NOPAD};
use roxmltree::Node;
use zeroize::Zeroizing;

use super::names::text;
use crate::xml::Xml;
use crate::zeros::zeros;
use crate::{Problem, ReadError};

/// The bytes that an element's text is the base64 of; white space is allowed anywhere.
pub(super) fn base64(xml: &Xml<'_>, element: Node<'_, '_>) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    let wrong = || xml.malformed(element, Problem::NotBase64);
    if element.children().any(|child| child.is_element()) {
        return Err(wrong());
    }
    let text = text(element).unwrap_or_default();
    let mut compact = zeros(text.len());
    let mut len = 0;
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        compact[len] = byte;
        len += 1;
    }
    compact.truncate(len);
    let encoding = if compact.ends_with(b"=") { BASE64 } else { BASE64_NOPAD };
    let mut bytes = zeros(encoding.decode_len(compact.len()).map_err(|_| wrong())?);
    let len = encoding.decode_mut(&compact, &mut bytes).map_err(|_| wrong())?;
    bytes.truncate(len);
    Ok(bytes)
}
