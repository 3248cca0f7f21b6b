use serde::Serialize;
use utoipa::ToSchema;

use crate::operation::Operation;

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation::open("healthz", &[]),
    Operation::open("readyz", crate::operation::UNAVAILABLE),
];

/// The answer to a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Probe {
    /// Always `ok`; anything else is a problem.
    pub status: ProbeStatus,
}

/// What a probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
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
/// Storage answers and the clock can be trusted. While it cannot, `detail` says why and what ends it.
#[utoipa::path(get, path = "/readyz", tag = "probes", responses((status = 200, description = "It may.", body = Probe)))]
pub(crate) fn readyz() {}
