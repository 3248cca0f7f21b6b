//! The operator's own operations: what stands beside the catalogue that is shipped, or changes a row of it.

use serde::{Deserialize, Serialize};

use crate::{Key, List, Noun, Pending, Store};

/// A sensitive operation of the operator's own, or their word on one that is shipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnOperation {
    /// `product/operation`, as callers name it.
    pub key: String,
    /// Raised by every change.
    pub version: u64,
    /// The group of products.
    pub category: Words,
    /// The product.
    pub product: Words,
    /// The operation.
    pub operation: Words,
    /// It is checked even where operation protection is off (P3).
    pub identity_always: bool,
    /// It is checked where operation protection is on.
    pub protected: bool,
}

/// A text in the two languages that people read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// English.
    pub en: String,
    /// Simplified Chinese.
    pub zh: String,
}

impl OwnOperation {
    fn key_of(key: &str) -> Key {
        Key::global(Self::NAME, key)
    }
}

impl Noun for OwnOperation {
    const NAME: &'static str = "own_operation";

    fn key(&self) -> Key {
        Self::key_of(&self.key)
    }

    fn version(&self) -> u64 {
        self.version
    }
}

/// Reading the operator's own operations.
impl dyn Store + '_ {
    /// The own operation of this key.
    pub fn own_operation(&self, key: &str) -> Pending<'_, Option<OwnOperation>> {
        self.one(OwnOperation::key_of(key))
    }

    /// The first own operations, up to `limit`, in the order of keys.
    pub fn own_operations(&self, limit: u32) -> Pending<'_, Vec<OwnOperation>> {
        let after = String::new();
        self.list(List::Global { after }, limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::golden;

    #[test]
    fn golden_files() {
        let words = |en: &str, zh: &str| Words {
            en: en.into(),
            zh: zh.into(),
        };
        golden(
            "any",
            &OwnOperation {
                key: "billing/refund".into(),
                version: 2,
                category: words("Finance", "财务"),
                product: words("Billing", "账单"),
                operation: words("Refund", "退款"),
                identity_always: false,
                protected: true,
            },
        );
    }
}
