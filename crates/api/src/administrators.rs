//! Administrators on the wire: who holds an account, and who looks after its users.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Actor, Factor, Name};

/// The root and the administrators of an account, by their names under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Administrators {
    /// Whose factor a change of these takes.
    #[schema(example = "root")]
    pub root: String,
    /// Those who look after the account's other users, by name.
    #[schema(example = json!(["alice", "bob"]))]
    pub administrators: Vec<String>,
}

/// Changes the root and the administrators of an account, all of them.
// No `Debug`: it may carry a code.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdministratorsRequest {
    /// Who is to hold the account.
    pub root: Name,
    /// Those who are to look after its other users: 100 at most.
    pub administrators: Vec<Name>,
    /// A fresh code of the present root's: the first time there is none, and none is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<Factor>,
    /// On whose behalf.
    pub actor: Actor,
}
