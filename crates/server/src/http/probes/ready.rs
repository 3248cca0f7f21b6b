//! `GET /readyz`

use api::{Probe, ProblemCode};
use axum::extract::State;

use crate::{
    answer::json,
    http::{app::App, document::Problems, problem::Answer},
};

pub(super) const PROBLEMS: Problems = Problems::open(&[ProblemCode::ClockUnreliable, ProblemCode::StorageUnavailable]);

/// The node may be sent requests
///
/// Storage answers, the data directory is as it was opened, and the clock can be trusted; else the problem's `detail`
/// says what is wrong, and what ends it.
#[utoipa::path(get, path = "/readyz", tag = "probes", responses((status = 200, description = "It may.", body = Probe)))]
pub(super) async fn readyz(State(app): State<App>) -> Answer {
    let damage = app.service.ready().await?;
    Ok(json(&Probe {
        damaged: damage.first,
        damaged_reads: damage.reads,
        ..Probe::ok()
    }))
}
