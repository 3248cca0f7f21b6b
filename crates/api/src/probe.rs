//! Health probes on the wire: `/healthz` and `/readyz`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::operation::Operation;

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation::open("healthz", &[]),
    Operation::open("readyz", crate::operation::UNAVAILABLE),
];

/// The answer to a probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Probe {
    /// Always `ok`; anything else is a problem.
    pub status: ProbeStatus,
    /// With `/readyz`: the first records that could not be read since the start. They fail their own users alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damaged: Vec<String>,
    /// With `/readyz`: how many reads met a damaged record.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub damaged_reads: u64,
}

impl Probe {
    /// Nothing is wrong.
    pub fn ok() -> Self {
        Self {
            status: ProbeStatus::Ok,
            damaged: Vec::new(),
            damaged_reads: 0,
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What a probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProbeStatus {
    /// As it should be.
    Ok,
}

/// The process answers
///
/// Says nothing about storage or clock: restart the process when this fails, and only then.
#[utoipa::path(get, path = "/healthz", tag = "probes", responses((status = 200, description = "It does.", body = Probe)))]
pub(crate) fn healthz() {}

/// The node may be sent requests
///
/// Storage answers, the data directory is as it was opened, and the clock can be trusted; else the problem's `detail`
/// says what is wrong, and what ends it.
#[utoipa::path(get, path = "/readyz", tag = "probes", responses((status = 200, description = "It may.", body = Probe)))]
pub(crate) fn readyz() {}
