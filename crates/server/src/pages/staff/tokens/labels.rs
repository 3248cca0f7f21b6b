//! Labels for the backs of a lot's tokens, to be printed.

use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use service::{TokenFilter, TokenStatus, serial_number_qr};

use super::{DESK, encoded};
use crate::{
    http::App,
    pages::{
        address::Queried,
        frame::{Frame, Page, refusal_of},
        staff::{
            lots,
            visit::{self, StaffVisit},
        },
        visit::page,
    },
};

/// Labels on a page: three columns of ten, which is a sheet.
const LABELS: u32 = 30;

#[derive(Template)]
#[template(path = "staff/labels.html")]
struct Labels<'a> {
    frame: &'a Frame,
    asked: &'a Asked,
    lot_path: String,
    labels: Vec<Label>,
    next: Option<String>,
}

/// The number, and its QR code.
struct Label {
    serial_number: String,
    svg: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    lot: String,
    cursor: Option<String>,
}

/// `GET /staff/tokens/labels`
pub(crate) async fn show(State(app): State<App>, visit: StaffVisit, Queried(asked): Queried<Asked>) -> Page {
    visit::sees(&app, &visit, DESK)?;
    let filter = TokenFilter {
        lot: Some(asked.lot.clone()),
        status: None,
    };
    let cursor = asked.cursor.clone();
    let found = app.service.tokens(visit.caller(), filter, cursor, LABELS).await;
    let found = found.map_err(|error| refusal_of(&app, &visit.browser, &error))?;
    let last = found.last().filter(|_| found.len() == LABELS as usize);
    let next = last.map(|last| {
        let (lot, cursor) = (encoded(&asked.lot), encoded(&last.serial_number));
        format!("/staff/tokens/labels?lot={lot}&cursor={cursor}")
    });
    let mut labels = Vec::with_capacity(found.len());
    for token in found.into_iter().filter(|token| token.status != TokenStatus::Retired) {
        let svg = serial_number_qr(&token.serial_number);
        labels.push(Label {
            svg: svg.map_err(|error| refusal_of(&app, &visit.browser, &error))?,
            serial_number: token.serial_number,
        });
    }
    let frame = visit::frame(&app, &visit, "lots");
    let template = Labels {
        frame: &frame,
        lot_path: lots::path_of(&asked.lot),
        asked: &asked,
        labels,
        next,
    };
    Ok(page(&app, &visit, &frame, &template))
}
