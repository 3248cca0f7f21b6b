//! The catalogue of sensitive operations: those that are shipped, by their keys.

use std::{collections::HashMap, sync::LazyLock};

/// A text in the two languages that people read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bilingual {
    /// English.
    pub en: &'static str,
    /// Simplified Chinese.
    pub zh: &'static str,
}

/// A sensitive operation of the cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// `product/operation`, as callers name it.
    pub key: &'static str,
    /// The group of products.
    pub category: Bilingual,
    /// The product.
    pub product: Bilingual,
    /// The operation.
    pub operation: Bilingual,
    /// It is checked even where operation protection is off (P3).
    pub identity_always: bool,
}

/// One operation a line, fields between tabs; the first line names them.
const SHIPPED: &str = include_str!("operations.tsv");

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::read(SHIPPED));

/// Operations in the order of the file, and found by key.
struct Catalogue {
    all: Vec<Operation>,
    by_key: HashMap<&'static str, usize>,
}

impl Catalogue {
    fn read(text: &'static str) -> Self {
        let all: Vec<Operation> = text.lines().skip(1).filter_map(operation).collect();
        let by_key = all.iter().enumerate().map(|(place, one)| (one.key, place)).collect();
        Self { all, by_key }
    }
}

/// `None` for a line of another form; a test holds every line of the file against it.
fn operation(line: &'static str) -> Option<Operation> {
    let mut fields = line.split('\t');
    let mut next = || fields.next().filter(|field| !field.is_empty());
    let key = next()?;
    let mut both = || {
        Some(Bilingual {
            en: next()?,
            zh: next()?,
        })
    };
    let (category, product, operation) = (both()?, both()?, both()?);
    let identity_always = match next()? {
        "yes" => true,
        "no" => false,
        _ => return None,
    };
    Some(Operation {
        key,
        category,
        product,
        operation,
        identity_always,
    })
}

/// Every shipped operation, in the order of the catalogue.
pub fn shipped_operations() -> &'static [Operation] {
    &CATALOGUE.all
}

/// The shipped operation of this key.
pub fn shipped_operation(key: &str) -> Option<&'static Operation> {
    let catalogue = &*CATALOGUE;
    catalogue.by_key.get(key).and_then(|&place| catalogue.all.get(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p3_all_212_are_read_with_unique_keys_and_both_languages() {
        let all = shipped_operations();
        assert_eq!(all.len(), 212);
        assert_eq!(all.len(), SHIPPED.lines().count() - 1, "no line is passed over");
        assert_eq!(all.len(), CATALOGUE.by_key.len(), "keys are unique");
        let is_chinese = |text: &str| text.chars().any(|char| ('\u{4e00}'..='\u{9fff}').contains(&char));
        for one in all {
            let (product, operation) = one.key.split_once('/').expect("product/operation");
            let is_slug = |text: &str| {
                text.bytes()
                    .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            };
            assert!(is_slug(product) && is_slug(operation), "{}", one.key);
            assert!(is_chinese(one.operation.zh), "{}", one.key);
            assert_eq!(shipped_operation(one.key), Some(one));
        }
        assert_eq!(all.iter().filter(|one| one.identity_always).count(), 21);
        assert_eq!(shipped_operation("accounts/none"), None);
    }
}
