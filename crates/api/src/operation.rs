//! The catalogue of sensitive operations on the wire (`/v1/operations`).

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{Actor, Name, PageSize, Text};

/// Where an operation is found; for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OperationPath {
    /// The product: lower-case letters, digits and hyphens.
    #[param(example = "billing")]
    pub product: Name,
    /// The operation of that product, in the same letters.
    #[param(example = "refund")]
    pub operation: Name,
}

/// An operation of the catalogue, as it is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Operation {
    /// `product/operation`, as challenges name it.
    #[schema(example = "billing/refund")]
    pub key: String,
    /// The group of products.
    pub category: Words,
    /// The product.
    pub product: Words,
    /// The operation.
    pub operation: Words,
    /// It is checked even where operation protection is off.
    pub identity_always: bool,
    /// It is checked where operation protection is on.
    pub protected: bool,
    /// Whose row it is.
    pub source: OperationSource,
}

/// Whose row of the catalogue an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperationSource {
    /// As it was shipped.
    Shipped,
    /// The operator's: one of their own, or their word on a shipped one.
    Own,
}

/// A text in the two languages that people read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Words {
    /// English.
    #[schema(example = "Refund")]
    pub en: String,
    /// Simplified Chinese.
    #[schema(example = "退款")]
    pub zh: String,
}

/// Which operations a list is of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OperationQuery {
    /// Of this product alone, by its part of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(example = "accounts")]
    pub product: Option<String>,
    /// How many at most: 1 to 1,000; 100 when absent.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    pub limit: PageSize,
    /// `next_cursor` of the page before; from the first key when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A part of the catalogue, by key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperationPage {
    /// The operations.
    pub items: Vec<Operation>,
    /// Where the next page begins; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "billing/refund")]
    pub next_cursor: Option<String>,
}

/// Adds an operation to the catalogue, or changes what stands there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperationRequest {
    /// The group of products.
    pub category: NewWords,
    /// The product.
    pub product: NewWords,
    /// The operation.
    pub operation: NewWords,
    /// It is checked even where operation protection is off; of a shipped one as it was shipped.
    pub identity_always: bool,
    /// It is checked where operation protection is on; true with `identity_always`.
    pub protected: bool,
    /// On whose behalf.
    pub actor: Actor,
}

/// A text in the two languages that people read, as it is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWords {
    /// English.
    #[schema(example = "Refund")]
    pub en: Text<256>,
    /// Simplified Chinese.
    #[schema(example = "退款")]
    pub zh: Text<256>,
}
