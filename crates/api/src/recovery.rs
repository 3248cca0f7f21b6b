//! Recovery codes on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::{
    Actor, CodeText, FactorMethod, ProblemCode,
    operation::{FACTOR, Operation},
    user::UserPath,
};

pub(crate) const OPERATIONS: &[Operation] = &[Operation::new(
    "renew_recovery_codes",
    &[FACTOR, &[ProblemCode::FactorRequired, ProblemCode::Conflict]],
)];

/// Asks for a new set of recovery codes.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecoveryCodesRequest {
    /// A fresh code of the user.
    pub code: CodeText,
    /// What the code is: `totp` when absent.
    #[serde(default)]
    pub method: FactorMethod,
    /// On whose behalf.
    pub actor: Actor,
}

/// A new set of recovery codes, shown once.
// No `Debug`: it is for the user's eyes.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct RecoveryCodes {
    /// Each can be used once, in any order.
    #[schema(value_type = Vec<String>, example = json!(["K4VQ 6J2M XWTA 7N3B", "P5ZL D2RC Q7EY 3HUG"]))]
    pub recovery_codes: Vec<Zeroizing<String>>,
}

/// A new set of recovery codes; the old ones die
///
/// Role: enroll. Shown once: the service keeps only their HMACs.
#[utoipa::path(
    post,
    path = "/v1/accounts/{account}/users/{user}/recovery-codes",
    tag = "users",
    params(UserPath),
    request_body(content = RecoveryCodesRequest, example = json!({"code": "492 039", "actor": {"id": "alice", "kind": "user"}})),
    responses((status = 200, description = "The new set.", body = RecoveryCodes, headers(("Cache-Control" = String, description = "`no-store`")))),
)]
pub(crate) fn renew_recovery_codes() {}
