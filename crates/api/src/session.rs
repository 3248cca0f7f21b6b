//! Sessions on the wire: begun by a login, checked at every request, ended.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{Actor, ActorKind, Approver, Client, Factor, GrantText, Name, PageSize, Text, Timestamp};

/// Begins a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionRequest {
    /// The grant of the login, which is used up; required where logins, or suspicious ones, are protected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "eyJhbGciOiJFZERTQSIs…")]
    pub grant: Option<GrantText>,
    /// What the user came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Client>,
    /// On whose behalf.
    pub actor: Actor,
}

/// A session that has begun.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct StartedSession {
    /// Names it to people and programs; it opens nothing.
    pub id: Uuid,
    /// For the user's browser alone: whoever has it is in the session.
    #[schema(value_type = String, example = "css_AQGaoGuT5H0Ciz9…")]
    pub token: Zeroizing<String>,
    /// It ends then, if the user is not seen before.
    pub idle_expires_at: Timestamp,
    /// It ends then at the latest.
    pub expires_at: Timestamp,
}

/// Asks whether a session goes on.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionCheckRequest {
    /// The token, as its bearer presents it.
    #[schema(example = "css_AQGaoGuT5H0Ciz9…")]
    pub token: Text<256>,
    /// The user did something, and the idle time begins anew; `false` for what a page asks by itself. `true` when absent.
    #[serde(default = "yes")]
    #[schema(value_type = Option<bool>, default = true)]
    pub touch: bool,
}

fn yes() -> bool {
    true
}

/// Whether a session goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionCheck {
    /// Let it go on with `true` alone.
    #[schema(example = true)]
    pub active: bool,
    /// The user's account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "acme")]
    pub account: Option<String>,
    /// The user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "alice")]
    pub user: Option<String>,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<Uuid>,
    /// It ends then, if the user is not seen before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_expires_at: Option<Timestamp>,
    /// It ends then at the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Why it does not go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<SessionCause>,
}

/// Why a session does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionCause {
    /// Somebody ended it.
    Ended,
    /// The user was not seen for too long.
    Idle,
    /// Its whole time is over.
    Expired,
    /// The token is none of ours, or of a user whom this key does not reach.
    Unknown,
}

/// Where a session is found; for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct SessionPath {
    /// The account.
    pub account: Name,
    /// The user under it.
    pub user: Name,
    /// The session.
    pub id: Uuid,
}

/// Which sessions of a user a list is of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SessionQuery {
    /// How many at most: 1 to 1,000; 100 when absent, which is as many as a user has.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    pub limit: PageSize,
    /// `next_cursor` of the page before; from the oldest when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Uuid>,
}

/// Living sessions of a user, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionPage {
    /// Those that go on.
    pub items: Vec<Session>,
    /// Where the next page begins; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<Uuid>,
}

/// A session, as it is shown to its user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// To end it by.
    pub id: Uuid,
    /// What its login came with.
    pub client: SessionClient,
    /// The city of that address, as far as it is known today.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "CN/GD/Shenzhen")]
    pub city: Option<String>,
    /// The login.
    pub created_at: Timestamp,
    /// When the user was last seen in it.
    pub last_seen_at: Timestamp,
    /// It ends then at the latest.
    pub expires_at: Timestamp,
}

/// What the login of a session came with, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionClient {
    /// The address of the user's browser or program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "203.0.113.7")]
    pub ip: Option<IpAddr>,
    /// What it called itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "Mozilla/5.0 (X11; Linux x86_64)")]
    pub user_agent: Option<String>,
}

/// Ends one session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EndSessionQuery {
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

impl EndSessionQuery {
    /// On whose behalf.
    pub fn into_actor(self) -> Actor {
        Actor {
            id: self.actor_id,
            kind: self.actor_kind,
            ip: self.actor_ip,
        }
    }
}

/// Ends all sessions of a user.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndSessionsRequest {
    /// Required where there is anything to check the user with: a code where a device is bound, else an identity grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<Factor>,
    /// In place of `factor`: the account's root, or an administrator, who signs somebody else out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<Approver>,
    /// On whose behalf.
    pub actor: Actor,
}

/// What a sign-out everywhere ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndedSessions {
    /// How many sessions.
    #[schema(example = 3)]
    pub ended: u32,
}
