//! Bounds for the cost of a hostile file.
//!
//! The XML reader compares every attribute of an element with every other and gives every element that declares a
//! namespace a list of all that it inherits: both grow with the square of what a file says. No seed file has more than a
//! few of either, so this refuses the rest before the reader sees it. It judges nothing else: what is not well-formed is
//! the reader's to refuse.

use crate::Problem;

const MAX_ATTRIBUTES: usize = 64;
const MAX_DEPTH: usize = 64;
/// Declarations in scope at once, those of the same prefix further out counted again.
const MAX_NAMESPACES: usize = 32;

/// `Err` with the offset of the element that goes too far.
pub(super) fn check(text: &str) -> Result<(), (usize, Problem)> {
    let bytes = text.as_bytes();
    // for every open element how many namespaces it declares
    let mut open: Vec<usize> = Vec::new();
    let mut in_scope = 0;
    let mut at = 0;
    while let Some(start) = find(bytes, at, b"<") {
        let rest = &bytes[start..];
        let skipped = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>"), ("</", ">")]
            .into_iter()
            .find(|(opening, _)| rest.starts_with(opening.as_bytes()));
        if let Some((opening, closing)) = skipped {
            if opening == "</" {
                in_scope -= open.pop().unwrap_or(0);
            }
            let Some(end) = find(bytes, start + opening.len(), closing.as_bytes()) else {
                return Ok(());
            };
            at = end + closing.len();
            continue;
        }
        let tag = Tag::at(bytes, start);
        if tag.attributes > MAX_ATTRIBUTES {
            return Err((start, Problem::ManyAttributes));
        }
        if !tag.is_empty {
            open.push(tag.namespaces);
            in_scope += tag.namespaces;
        }
        if open.len() > MAX_DEPTH {
            return Err((start, Problem::DeepElements));
        }
        if in_scope > MAX_NAMESPACES || tag.namespaces > MAX_NAMESPACES {
            return Err((start, Problem::ManyNamespaces));
        }
        at = tag.end;
    }
    Ok(())
}

/// A start tag, as far as it matters here.
struct Tag {
    end: usize,
    attributes: usize,
    namespaces: usize,
    is_empty: bool,
}

impl Tag {
    fn at(bytes: &[u8], start: usize) -> Self {
        let mut tag = Self {
            end: bytes.len(),
            attributes: 0,
            namespaces: 0,
            is_empty: false,
        };
        let mut quote = None;
        let mut word = start + 1;
        for (at, &byte) in bytes.iter().enumerate().skip(start + 1) {
            match (quote, byte) {
                (Some(opened), _) if opened == byte => quote = None,
                (Some(_), _) => {}
                (None, b'"' | b'\'') => quote = Some(byte),
                (None, b'=') => {
                    tag.attributes += 1;
                    tag.namespaces += usize::from(bytes[word..at].starts_with(b"xmlns"));
                }
                (None, b'>') => {
                    tag.is_empty = bytes[at - 1] == b'/';
                    tag.end = at + 1;
                    break;
                }
                (None, _) if byte.is_ascii_whitespace() && !bytes[at + 1..].starts_with(b"=") => word = at + 1,
                _ => {}
            }
        }
        tag
    }
}

fn find(bytes: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.windows(what.len())
        .position(|window| window == what)
        .map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_files_pass() {
        for text in [
            "",
            "<a/>",
            "<a><b c='>' d=\"=\"/><!-- <x <x = = --></a>",
            "<a xmlns='x' xmlns:b = 'y'>text = = =</a>",
            "<![CDATA[<a><a>]]>",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        let siblings = "<b xmlns:c='d'><e/></b>".repeat(1000);
        assert_eq!(check(&format!("<a>{siblings}</a>")), Ok(()));
    }

    #[test]
    fn hostile_files_do_not() {
        let attributes = (0..65).map(|n| format!(" a{n}=''")).collect::<String>();
        assert_eq!(
            check(&format!("<a{attributes}/>")).unwrap_err().1,
            Problem::ManyAttributes
        );
        let spaces = (0..33).map(|n| format!(" xmlns:a{n} = 'x'")).collect::<String>();
        assert!(
            check(&format!("<a{spaces}/>"))
                .unwrap_err()
                .1
                .to_string()
                .contains("namespaces")
        );
        assert!(
            check(&"<a xmlns:b='c'>".repeat(33))
                .unwrap_err()
                .1
                .to_string()
                .contains("namespaces")
        );
        assert!(check(&"<a>".repeat(65)).unwrap_err().1.to_string().contains("64 deep"));
    }
}
