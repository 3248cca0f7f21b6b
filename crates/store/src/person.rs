//! People who act for what takes two of them.

use serde::{Deserialize, Serialize};

use crate::{Id, Owner};

/// Somebody who acts for what two people answer for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The key they act with.
    pub api_key: Id,
    /// The person or team that answers for that key.
    pub key_owner: String,
    /// The caller's own name for them.
    pub actor: String,
    /// The person that the key is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Owner>,
}
