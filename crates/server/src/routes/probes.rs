use api::{Probe, ProbeStatus};
use axum::{extract::State, response::Response};

use crate::{
    App,
    problem::{Answer, json},
};

/// `GET /healthz`: the process answers.
pub(crate) async fn healthz() -> Response {
    json(&Probe {
        status: ProbeStatus::Ok,
    })
}

/// `GET /readyz`: it may be asked about codes.
pub(crate) async fn readyz(State(app): State<App>) -> Answer {
    app.service.ready().await?;
    Ok(json(&Probe {
        status: ProbeStatus::Ok,
    }))
}
