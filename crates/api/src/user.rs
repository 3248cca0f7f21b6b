//! Users on the wire: their factors, and the end of one.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{Actor, Device, Name, ProblemCode, Protection, Timestamp, operation::Operation};

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation::new("get_user", &[]),
    Operation::new("close_user", &[&[ProblemCode::Conflict]]),
];

/// Where a user is found; for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct UserPath {
    /// The account.
    account: Name,
    /// The user under it.
    user: Name,
}

/// A user's factors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// The bound and the suspended ones, oldest first; empty for a user nobody ever heard of.
    pub devices: Vec<Device>,
    /// When the first of them is judged again, if all are locked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<Timestamp>,
    /// Recovery codes that can still be used.
    #[schema(example = 10)]
    pub recovery_codes_left: u32,
    /// Where a factor is asked for.
    pub protection: Protection,
}

/// Ends everything of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseUserRequest {
    /// On whose behalf.
    pub actor: Actor,
    /// Erases the person, too: no record of theirs stays, tokens that wait for them are nobody's, and the audit trail loses
    /// their name, addresses and agents for good. What was decided about them stays there.
    #[serde(default)]
    #[schema(required = false)]
    pub erase: bool,
}

/// A user's factors
///
/// Role: enroll or support. We keep no directory: a user nobody ever heard of has no devices, and that is no problem.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/users/{user}",
    tag = "users",
    params(UserPath),
    responses((status = 200, description = "The user's factors.", body = User)),
)]
pub(crate) fn get_user() {}

/// Ends everything of a user whose account was closed
///
/// Role: admin. Secrets are erased, tombstones stay, unless the person is to be erased. No code is asked for.
#[utoipa::path(
    delete,
    path = "/v1/accounts/{account}/users/{user}",
    tag = "users",
    params(UserPath),
    request_body(content = CloseUserRequest, example = json!({"actor": {"id": "account-closing", "kind": "service"}})),
    responses((status = 204, description = "Nothing of the user is left but tombstones (devices that ended); not those either where the person was to be erased, of whom the trail keeps what happened. The same for a user nobody ever heard of.")),
)]
pub(crate) fn close_user() {}
