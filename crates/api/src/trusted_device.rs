//! Trusted devices on the wire: the browsers in which a user is not asked at login for a while.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{Actor, ActorKind, Name, Timestamp};

/// The browsers that a user trusts now: at most 20.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrustedDevices {
    /// The oldest first.
    pub items: Vec<TrustedDevice>,
}

/// A browser that a user trusts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrustedDevice {
    /// The trust.
    #[schema(example = "019a9ef4-4f60-7c1e-9d4b-2f6b8f0a7c11")]
    pub id: Uuid,
    /// What the user came with when it was trusted.
    pub client: TrustedClient,
    /// The city of that address, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "CN/GD/Shenzhen")]
    pub city: Option<String>,
    /// When the user was checked in it.
    pub since: Timestamp,
    /// When the trust ends: 7 days later, however it is used.
    pub until: Timestamp,
    /// When it last stood in for a check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
}

/// What a user came with when a browser was trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrustedClient {
    /// The address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "203.0.113.7")]
    pub ip: Option<String>,
    /// What the browser calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "Mozilla/5.0 (X11; Linux x86_64)")]
    pub user_agent: Option<String>,
}

/// Where a trusted device is found; for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct TrustedDevicePath {
    /// The account.
    pub account: Name,
    /// The user under it.
    pub user: Name,
    /// The trust.
    pub id: Uuid,
}

/// Ends the trust in a browser, or in all of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EndTrustQuery {
    /// On whose behalf: the caller's own name for them.
    #[param(example = "alice")]
    pub actor_id: Name,
    /// What they are.
    pub actor_kind: ActorKind,
    /// Where they came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, example = "203.0.113.7")]
    pub actor_ip: Option<IpAddr>,
}

impl EndTrustQuery {
    /// On whose behalf.
    pub fn into_actor(self) -> Actor {
        Actor {
            id: self.actor_id,
            kind: self.actor_kind,
            ip: self.actor_ip,
        }
    }
}
