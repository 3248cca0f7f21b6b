//! The first page of a user's security settings: their MFA devices, and what can be done with them.

use askama::Template;
use axum::extract::State;
use service::{DeviceView, UserPageName, UserView};

use crate::{
    http::App,
    pages::{
        frame::{Frame, Page, refusal_of},
        visit::{UserVisit, page},
    },
};

#[derive(Template)]
#[template(path = "security.html")]
struct Security<'a> {
    frame: &'a Frame,
    user: &'a UserView,
}

impl Security<'_> {
    /// The kind of a device, in words.
    fn kind(&self, device: &DeviceView) -> String {
        let key = match device.serial_number {
            Some(_) => "security.kind_is_token",
            None => "security.kind_is_app",
        };
        self.frame.t(key)
    }
}

/// `GET /pages/security`
pub(crate) async fn show(State(app): State<App>, visit: UserVisit) -> Page {
    visit.sees(&app, UserPageName::Security)?;
    shown(&app, &visit, None).await
}

/// The page, with what was just done.
pub(crate) async fn shown(app: &App, visit: &UserVisit, notice: Option<String>) -> Page {
    let user = app.service.user(visit.caller(), visit.owner()).await;
    let user = user.map_err(|error| refusal_of(app, &visit.browser, &error))?;
    let frame = Frame {
        notice,
        ..Frame::of(app, visit, "security").at("/pages/security")
    };
    let security = Security {
        frame: &frame,
        user: &user,
    };
    Ok(page(app, visit, &frame, &security))
}
