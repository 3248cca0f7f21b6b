//! The drift report on the wire: devices whose clock is about to leave the window, by lot.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{DeviceKind, Timestamp};

/// Which part of the report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DriftQuery {
    /// `next_cursor` of the part before; the first part when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A part of the report: the devices of some thousand users. The counts of all parts add up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriftReport {
    /// The clocks of each batch that has devices here.
    pub batches: Vec<BatchDrift>,
    /// The devices that are about to leave the window.
    pub items: Vec<DriftingDevice>,
    /// Where the next part begins; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// The clocks of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BatchDrift {
    /// The batch; absent for apps, which have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11")]
    pub batch: Option<String>,
    /// Its bound devices.
    pub devices: u64,
    /// Those that are about to leave the window.
    pub about_to_leave: u64,
    /// How many have gone how far, by steps.
    pub drifts: Vec<Drift>,
}

/// So many devices whose clock has gone so far since it was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Drift {
    /// Time steps ahead (behind: negative), as learned since the clock was measured.
    #[schema(example = -2)]
    pub steps: i32,
    /// The number of devices.
    pub devices: u64,
}

/// A device whose clock is about to leave the window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriftingDevice {
    /// Its user's account.
    #[schema(example = "acme")]
    pub account: String,
    /// Its user.
    #[schema(example = "alice")]
    pub user: String,
    /// The device.
    pub device_id: Uuid,
    /// App or token.
    pub kind: DeviceKind,
    /// What stands on a token's back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "CS-000042")]
    pub serial_number: Option<String>,
    /// The batch of a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11")]
    pub batch: Option<String>,
    /// How many time steps its clock is ahead (behind: negative): as measured, and as learned since.
    pub drift_steps: i32,
    /// What of it was learned since it was measured.
    pub learned_drift_steps: i32,
    /// When a code of it was last accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success_at: Option<Timestamp>,
}
