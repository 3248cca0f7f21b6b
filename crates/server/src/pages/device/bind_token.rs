//! Binding a hardware token: the number on its back, two codes one after the other, what it protects (B3, B4).

use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use service::{EnrollmentOnPage, Id, Moving, NewDevice, UserPageName};
use zeroize::Zeroizing;

use crate::{
    http::App,
    pages::{
        address::Queried,
        bind::{Asked, Beginning, Boxes, confirm, further, user},
        device::{
            next_code::NextCode,
            start::{start, unproven},
        },
        form::Posted,
        frame::{Frame, Page, redirect},
        said,
        visit::{UserVisit, page},
    },
};

const PATH: &str = "/pages/bind-token";

#[derive(Template)]
#[template(path = "device/begin_token.html")]
struct Begin<'a> {
    frame: &'a Frame,
    begin: Beginning<'a>,
    serial_number: &'a str,
}

#[derive(Template)]
#[template(path = "device/bind_token.html")]
struct BindToken<'a> {
    frame: &'a Frame,
    shown: &'a EnrollmentOnPage,
    serial_number: &'a str,
    next: NextCode,
    boxes: Boxes,
}

/// `GET /pages/bind-token`
pub(crate) async fn show(State(app): State<App>, visit: UserVisit, Queried(asked): Queried<Asked>) -> Page {
    visit.sees(&app, UserPageName::BindToken)?;
    match asked.enrollment {
        Some(id) => shown(&app, &visit, id, None, None).await,
        None => to_begin(&app, &visit, "", unproven(&visit)).await,
    }
}

async fn shown(app: &App, visit: &UserVisit, id: Id, alert: Option<String>, ticked: Option<Boxes>) -> Page {
    let shown = match app.service.enrollment_on_page(visit.caller(), visit.owner(), id).await {
        Ok(shown) => shown,
        Err(error) => {
            let alert = alert.unwrap_or_else(|| said::refused(visit.browser.lang, &error));
            return to_begin(app, visit, "", Some(alert)).await;
        }
    };
    let Some(serial_number) = &shown.serial_number else {
        return Ok(redirect(&format!("/pages/bind?enrollment={id}")));
    };
    let boxes = match ticked {
        Some(boxes) => boxes,
        None => Boxes::of(&user(app, visit).await?),
    };
    let frame = Frame::of(app, visit, "security").at(&format!("{PATH}?enrollment={id}"));
    let frame = frame.alerting(alert);
    let bind = BindToken {
        frame: &frame,
        serial_number,
        next: match shown.started.moving {
            Moving::Time => NextCode::WithinS(shown.parameters.period.get_s()),
            Moving::Counter => NextCode::Pressed,
        },
        shown: &shown,
        boxes,
    };
    Ok(page(app, visit, &frame, &bind))
}

/// The page that asks for the number.
async fn to_begin(app: &App, visit: &UserVisit, serial_number: &str, alert: Option<String>) -> Page {
    let user = user(app, visit).await?;
    let frame = Frame::of(app, visit, "security").at(PATH).alerting(alert);
    let begin = Begin {
        frame: &frame,
        begin: Beginning::of(visit, &user),
        serial_number,
    };
    Ok(page(app, visit, &frame, &begin))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Starting {
    serial_number: String,
    code: Zeroizing<String>,
    recovery_code: Zeroizing<String>,
}

/// `POST /pages/bind-token/start`
pub(crate) async fn begin(State(app): State<App>, Posted { visit, form }: Posted<UserVisit, Starting>) -> Page {
    visit.sees(&app, UserPageName::BindToken)?;
    let serial_number = form.serial_number.trim();
    let token = NewDevice::Token {
        serial_number: serial_number.to_owned(),
    };
    match start(&app, &visit, token, further(&form.code, &form.recovery_code)).await {
        Ok(id) => Ok(redirect(&format!("{PATH}?enrollment={id}"))),
        Err(alert) => to_begin(&app, &visit, serial_number, Some(alert)).await,
    }
}

#[derive(Deserialize)]
pub(crate) struct Confirming {
    enrollment: Id,
    #[serde(default)]
    first: Zeroizing<String>,
    #[serde(default)]
    second: Zeroizing<String>,
    login: Option<String>,
    operation: Option<String>,
}

/// `POST /pages/bind-token`
pub(crate) async fn act(State(app): State<App>, Posted { visit, form }: Posted<UserVisit, Confirming>) -> Page {
    visit.sees(&app, UserPageName::BindToken)?;
    let boxes = Boxes {
        login: form.login.is_some(),
        operation: form.operation.is_some(),
    };
    let codes = vec![form.first, form.second];
    match confirm(&app, &visit, form.enrollment, codes, (boxes, said::refused_of_token)).await? {
        Ok(bound) => Ok(bound),
        Err(alert) => shown(&app, &visit, form.enrollment, Some(alert), Some(boxes)).await,
    }
}
