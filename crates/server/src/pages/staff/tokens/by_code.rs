//! A token by what it shows: one code of an unbound token, two in a row of a bound one (A5).

use askama::Template;
use axum::{extract::State, response::Response};
use serde::Deserialize;
use service::{ServiceError, TokenView, typed};
use zeroize::Zeroizing;

use super::{DESK_OR_SUPPORT, path_of, search::told, status_named};
use crate::{
    http::App,
    pages::{
        form::Posted,
        frame::{Frame, Page},
        staff::visit::{self, StaffVisit},
        visit::page,
    },
};

#[derive(Template)]
#[template(path = "staff/token_by_code.html")]
struct ByCode<'a> {
    frame: &'a Frame,
    found: Option<&'a [TokenView]>,
}

impl ByCode<'_> {
    fn path(&self, token: &TokenView) -> String {
        path_of(&token.serial_number)
    }

    fn status(&self, token: &TokenView) -> String {
        status_named(self.frame, token.status)
    }
}

/// `GET /staff/tokens/by-code`
pub(crate) async fn show(State(app): State<App>, visit: StaffVisit) -> Page {
    visit::sees(&app, &visit, DESK_OR_SUPPORT)?;
    Ok(shown(&app, &visit, None, None))
}

fn shown(app: &App, visit: &StaffVisit, alert: Option<String>, found: Option<&[TokenView]>) -> Response {
    let frame = visit::frame(app, visit, "tokens").alerting(alert);
    page(app, visit, &frame, &ByCode { frame: &frame, found })
}

/// One code, or two.
#[derive(Deserialize)]
pub(crate) struct Shown {
    #[serde(default)]
    first: Zeroizing<String>,
    #[serde(default)]
    second: Zeroizing<String>,
}

/// `POST /staff/tokens/by-code`
pub(crate) async fn act(State(app): State<App>, Posted { visit, form }: Posted<StaffVisit, Shown>) -> Page {
    visit::sees(&app, &visit, DESK_OR_SUPPORT)?;
    let (service, caller) = (&app.service, visit.caller());
    let found = match typed::trimmed(&form.second) {
        "" => service.find_unbound(caller, &form.first).await,
        _ => service.find_bound(caller, [&form.first, &form.second]).await,
    };
    Ok(match found {
        Ok(found) => shown(&app, &visit, None, Some(&found)),
        Err(error) => shown(&app, &visit, Some(refused(&visit, &error)), None),
    })
}

fn refused(visit: &StaffVisit, error: &ServiceError) -> String {
    match error {
        ServiceError::AskedTooOften { retry_after_s } => {
            let minutes = retry_after_s.div_ceil(60).to_string();
            visit
                .browser
                .lang
                .say("staff_token.asked_too_often", &[("minutes", &minutes)])
        }
        ServiceError::Invalid { .. } => visit.browser.lang.say("staff_token.no_code", &[]),
        error => told(visit, error),
    }
}
