//! `GET /v1/accounts/{account}/users/{user}/trusted-devices`

use api::{TrustedClient, TrustedDevice, TrustedDevices, UserPath};
use axum::extract::State;
use service::TrustedDeviceView;

use crate::{
    answer::json,
    http::{
        app::App,
        convert::time,
        document::Problems,
        extract::{Authorized, User},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[]);

/// The browsers that a user trusts
///
/// Role: enroll. The oldest first, at most 20; those whose 7 days are over are not there.
#[utoipa::path(
    get,
    path = "/v1/accounts/{account}/users/{user}/trusted-devices",
    tag = "protection",
    params(UserPath),
    responses((status = 200, description = "All of them.", body = TrustedDevices)),
)]
pub(super) async fn list_trusted_devices(State(app): State<App>, caller: Authorized, User(owner): User) -> Answer {
    let devices = app.service.trusted_devices(&caller.0, &owner).await?;
    Ok(json(&TrustedDevices {
        items: devices.into_iter().map(trusted_device).collect(),
    }))
}

fn trusted_device(device: TrustedDeviceView) -> TrustedDevice {
    TrustedDevice {
        id: device.id,
        client: TrustedClient {
            ip: device.client.ip,
            user_agent: device.client.user_agent,
        },
        city: device.city,
        since: time(device.since),
        until: time(device.until),
        last_used_at: device.last_used_at.map(time),
    }
}
