//! Health probes on the wire: `/healthz` and `/readyz`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
