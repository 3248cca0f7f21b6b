//! People who go, on the wire: a closing with time to come back, leaving, handing over.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Actor, Timestamp};

/// What has become of a user who goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClosingStatus {
    /// Where it stands.
    pub state: ClosingState,
    /// Until then a closing can be taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
}

/// The state of a user who goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClosingState {
    /// Nobody logs in, and it can be taken back.
    Closing,
    /// It was taken back.
    Withdrawn,
    /// Everything of the user has ended.
    Ended,
    /// Everything but the new holder's device has ended.
    HandedOver,
}

/// Begins to close a user, takes that back, or ends everything of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClosingRequest {
    /// On whose behalf.
    pub actor: Actor,
}

/// Hands a user over to whoever confirmed an enrollment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandoverRequest {
    /// The enrollment of the new holder's device, confirmed within the last day.
    pub enrollment_id: Uuid,
    /// On whose behalf.
    pub actor: Actor,
}
