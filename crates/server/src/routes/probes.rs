//! Endpoints of health probes.

use api::Probe;
use axum::{extract::State, response::Response};

use crate::{
    App,
    problem::{Answer, json},
};

/// `GET /healthz`: the process answers.
pub(crate) async fn healthz() -> Response {
    json(&Probe::ok())
}

/// `GET /readyz`: it may be asked about codes.
pub(crate) async fn readyz(State(app): State<App>) -> Answer {
    let damage = app.service.ready().await?;
    Ok(json(&Probe {
        damaged: damage.first,
        damaged_reads: damage.reads,
        ..Probe::ok()
    }))
}
