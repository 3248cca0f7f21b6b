//! `GET /v1/support/drift`

use api::{BatchDrift, DeviceKind, Drift, DriftQuery, DriftReport, DriftingDevice, Problem, ProblemCode};
use axum::extract::State;
use service::{Kind, LotDrift, Owner, UserNames};

use crate::{
    answer::json,
    http::{
        app::App,
        convert::time,
        document::Problems,
        extract::{Authorized, Queried},
        problem::{Answer, Rejection},
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[]);

/// The devices whose clock is about to leave the window, by batch
///
/// Role: inventory or support. Each answer is of some thousand users: follow `next_cursor`, and add up the counts.
#[utoipa::path(
    get,
    path = "/v1/support/drift",
    tag = "support",
    params(DriftQuery),
    responses((status = 200, description = "A part of the report.", body = DriftReport)),
)]
pub(super) async fn drift_report(
    State(app): State<App>,
    caller: Authorized,
    Queried(query): Queried<DriftQuery>,
) -> Answer {
    let names = app.user_names();
    let after = query
        .cursor
        .as_deref()
        .map(|cursor| owner_of(names, cursor))
        .transpose()?;
    let report = app.service.drift_report(&caller.0, after).await?;
    Ok(json(&DriftReport {
        batches: report.lots.into_iter().map(batch).collect(),
        items: report.devices.into_iter().map(device).collect(),
        next_cursor: report.next.as_ref().map(cursor_of),
    }))
}

fn cursor_of(owner: &Owner) -> String {
    serde_json::json!([&*owner.account, &*owner.user]).to_string()
}

fn owner_of(names: UserNames, cursor: &str) -> Result<Owner, Rejection> {
    let read: Result<[String; 2], _> = serde_json::from_str(cursor);
    let [account, user] = read.map_err(|_| {
        let detail = "it is no next_cursor of this report: leave it out to begin anew";
        Problem::new(ProblemCode::InvalidRequest, detail).with_field("cursor")
    })?;
    Ok(names.owner(account, user))
}

fn batch(lot: LotDrift) -> BatchDrift {
    let drifts = lot.drifts.into_iter();
    BatchDrift {
        batch: lot.lot,
        devices: lot.devices,
        about_to_leave: lot.about_to_leave,
        drifts: drifts.map(|(steps, devices)| Drift { steps, devices }).collect(),
    }
}

fn device(device: service::DriftingDevice) -> DriftingDevice {
    DriftingDevice {
        account: device.owner.account.as_ref().to_owned(),
        user: device.owner.user.as_ref().to_owned(),
        device_id: device.id,
        kind: match device.kind {
            Kind::Virtual => DeviceKind::Virtual,
            Kind::Hardware => DeviceKind::Hardware,
        },
        serial_number: device.serial_number,
        batch: device.lot,
        drift_steps: device.total_offset_steps,
        learned_drift_steps: device.learned_drift_steps,
        last_success_at: device.last_success_at.map(time),
    }
}
