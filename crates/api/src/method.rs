//! External methods of a user on the wire: what was proven for them, and what it serves.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{Actor, ActorKind, Factor, InForceProtection, Name, Text, Timestamp};

/// Where a user's method is found; for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct UserMethodPath {
    /// The account.
    pub account: Name,
    /// The user under it.
    pub user: Name,
    /// The operator's name of the method.
    #[param(example = "sms")]
    pub method: Text<64>,
}

/// Where a method's uses are found; for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct MethodPath {
    /// The operator's name of the method.
    #[param(example = "sms")]
    pub method: Text<64>,
}

/// A method that was proven for a user.
// No `Debug`: an identity is personal data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Method {
    /// The operator's name of it.
    #[schema(example = "sms")]
    pub method: String,
    /// What the method reaches them by, as the caller named it.
    #[schema(example = "+86 138 0013 8000")]
    pub identity: String,
    /// When that was proven.
    pub verified_at: Timestamp,
    /// When it last answered a challenge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
}

/// The methods that were proven for a user.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Methods {
    /// All of them, in the order of names.
    pub items: Vec<Method>,
}

/// Registers a method that the caller proved for a user.
// No `Debug`: it may carry a code.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MethodRequest {
    /// What the method reaches them by: opaque to us, sealed at rest, and compared byte for byte with that of each report.
    #[schema(example = "+86 138 0013 8000")]
    pub identity: Text<128>,
    /// When the caller proved that it is theirs.
    pub verified_at: Timestamp,
    /// A fresh factor of the user, needed where the identity is a new one: beside a device, in the place of another, or beside
    /// one while something is protected. It is used up only there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<Factor>,
    /// On whose behalf.
    pub actor: Actor,
}

/// Takes a method from a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EndMethodQuery {
    /// On whose behalf: the caller's own name for them.
    #[param(example = "alice")]
    pub actor_id: Name,
    /// What they are.
    pub actor_kind: ActorKind,
    /// Where they came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, example = "203.0.113.7")]
    pub actor_ip: Option<IpAddr>,
    /// What the method reached them by is somebody else's now: it ends whatever it serves, and so does every grant of before.
    #[serde(default)]
    #[param(value_type = Option<bool>, default = false)]
    pub reassigned: bool,
}

impl EndMethodQuery {
    /// On whose behalf.
    pub fn into_actor(self) -> Actor {
        Actor {
            id: self.actor_id,
            kind: self.actor_kind,
            ip: self.actor_ip,
        }
    }
}

/// What became of the protections that asked for a method that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndedMethod {
    /// The method.
    #[schema(example = "sms")]
    pub method: String,
    /// Each protection that asked for it, as it is in force now; none goes off.
    pub ended: Vec<EndedUse>,
}

/// What became of one protection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndedUse {
    /// The protection.
    pub protection: ProtectionName,
    /// How it is in force now: `mfa` where a device is bound; else as it was, and with `no_method` nobody passes until the
    /// method is proven anew.
    pub in_force: InForceProtection,
}

/// One of a user's protections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProtectionName {
    /// At login.
    LoginProtection,
    /// Before a sensitive operation.
    OperationProtection,
    /// At a login that is unusual, or that the caller reports as risky.
    SuspiciousLoginProtection,
}

/// Whose uses of a method are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MethodUsesQuery {
    /// The account.
    #[param(example = "acme")]
    pub account: Name,
    /// The user under it.
    #[param(example = "alice")]
    pub user: Name,
}

/// What a method serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MethodUses {
    /// The protections in force that ask for it.
    pub uses: Vec<ProtectionName>,
    /// It may be taken from the user.
    pub removable: bool,
}

/// What the caller reports of a method that it performed.
// No `Debug`: an identity is personal data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MethodReport {
    /// What it reached the user by: the same text as was registered.
    #[schema(example = "+86 138 0013 8000")]
    pub identity: Text<128>,
    /// The caller's own name of what it did, for the trail. It names nobody: it stays when the user is erased.
    #[schema(example = "sms-20261129-4711")]
    pub reference: Text<128>,
    /// When the user passed it: after the challenge was asked for.
    pub at: Timestamp,
}
