//! Users on the wire: their factors, and the end of one.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{Actor, ActorKind, Device, Name, PageSize, Protection, ProtectionMethod, Timestamp};

/// Where a user is found; for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct UserPath {
    /// The account.
    pub account: Name,
    /// The user under it. **Names are compared byte for byte**, unless the service folds their case.
    pub user: Name,
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
    /// They are closing: nobody logs in, and it can be taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<UserClosing>,
}

/// The closing of a user that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserClosing {
    /// Everything of theirs ends then.
    pub ends_at: Timestamp,
}

/// Which users of an account a list is of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UserQuery {
    /// How many at most: 1 to 1,000; 100 when absent.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    pub limit: PageSize,
    /// `next_cursor` of the page before; from the first name when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A part of an account's users, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserPage {
    /// Those with a device or a setting; there may be fewer than asked for, or none, though more follow.
    pub items: Vec<UserSummary>,
    /// Where the next page begins; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "alice")]
    pub next_cursor: Option<String>,
}

/// The security state of one user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserSummary {
    /// The user.
    #[schema(example = "alice")]
    pub user: String,
    /// Devices that are bound.
    #[schema(example = 1)]
    pub devices: u32,
    /// When the first of them is judged again, if all are locked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<Timestamp>,
    /// A device waits for somebody to act.
    pub suspended: bool,
    /// Recovery codes that can still be used.
    #[schema(example = 10)]
    pub recovery_codes_left: u32,
    /// The user's own choice at login.
    pub login_protection: ProtectionMethod,
    /// The user's own choice before a sensitive operation.
    pub operation_protection: ProtectionMethod,
    /// The last code that was accepted of a device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success_at: Option<Timestamp>,
}

/// Ends everything of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CloseUserQuery {
    /// On whose behalf: the caller's own name for them.
    #[param(example = "account-closing")]
    pub actor_id: Name,
    /// What they are.
    pub actor_kind: ActorKind,
    /// Where they came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, example = "203.0.113.7")]
    pub actor_ip: Option<IpAddr>,
    /// Erases the person, too: no record of theirs stays, tokens that wait for them are nobody's, and the audit trail loses
    /// their name, addresses and agents for good. What was decided about them stays there.
    #[serde(default)]
    #[param(value_type = Option<bool>, default = false)]
    pub erase: bool,
}

impl CloseUserQuery {
    /// On whose behalf.
    pub fn into_actor(self) -> Actor {
        Actor {
            id: self.actor_id,
            kind: self.actor_kind,
            ip: self.actor_ip,
        }
    }
}
