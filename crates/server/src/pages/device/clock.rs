//! A device whose clock is off, or whose counter ran ahead, found again by two codes in a row (D6).

use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use service::{Id, Moving, UserPageName, UserView};
use zeroize::Zeroizing;

use crate::{
    http::App,
    pages::{
        device::{
            done::{done, no_device},
            factor::{Asking, refused},
            next_code::NextCode,
            start::proof,
        },
        form::Posted,
        frame::{Frame, Page, Refusal, refusal_of},
        visit::{UserVisit, page},
    },
};

const PATH: &str = "/pages/clock";

#[derive(Template)]
#[template(path = "device/clock.html")]
struct Clock<'a> {
    frame: &'a Frame,
    ask: Asking<'a>,
    next: NextCode,
    /// One of the devices counts.
    counts: bool,
}

#[derive(Deserialize)]
pub(crate) struct Measuring {
    device: Id,
    #[serde(default)]
    first: Zeroizing<String>,
    #[serde(default)]
    second: Zeroizing<String>,
}

/// `GET /pages/clock`
pub(crate) async fn show(State(app): State<App>, visit: UserVisit) -> Page {
    visit.sees(&app, UserPageName::Security)?;
    let user = user(&app, &visit).await?;
    shown(&app, &visit, &user, (None, None))
}

async fn user(app: &App, visit: &UserVisit) -> Result<UserView, Refusal> {
    let user = app.service.user(visit.caller(), visit.owner()).await;
    user.map_err(|error| refusal_of(app, &visit.browser, &error))
}

fn shown(app: &App, visit: &UserVisit, user: &UserView, (chosen, alert): (Option<Id>, Option<String>)) -> Page {
    if user.devices.is_empty() {
        return no_device(app, visit, (PATH, "device.clock"));
    }
    let frame = Frame::of(app, visit, "security").at(PATH).alerting(alert);
    let clock = Clock {
        ask: Asking::of(user).after(chosen, false),
        next: NextCode::of(&user.devices),
        counts: user.devices.iter().any(|device| device.moving == Moving::Counter),
        frame: &frame,
    };
    Ok(page(app, visit, &frame, &clock))
}

/// `POST /pages/clock`
pub(crate) async fn act(State(app): State<App>, Posted { visit, form }: Posted<UserVisit, Measuring>) -> Page {
    visit.sees(&app, UserPageName::Security)?;
    let user = user(&app, &visit).await?;
    let again = |alert| shown(&app, &visit, &user, (Some(form.device), Some(alert)));
    // The two codes prove the device. A suspended one needs who asks proven as well; elsewhere an old proof is in nobody's way.
    let is_suspended = |device: &service::DeviceView| device.id == form.device && !device.suspended.is_empty();
    let proof = match user.devices.iter().any(is_suspended) {
        true => match proof(&visit) {
            None => return again(visit.browser.lang.say("error.no_identity_proof", &[])),
            proof => proof,
        },
        false => None,
    };
    let codes = [&form.first, &form.second];
    let measured = app
        .service
        .resync(visit.caller(), visit.owner(), form.device, codes, proof.as_ref());
    match measured.await {
        Ok(_) => done(&app, &visit, "device.measured").await,
        Err(error) => again(refused(visit.browser.lang, &error)),
    }
}
