//! The lots, with their tokens by status, and the form that makes one.

use api::Name;
use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use service::{Lot, NewLot};

use super::{number, open_to_in_words, path_of};
use crate::{
    http::App,
    pages::{
        address::Queried,
        form::Posted,
        frame::{Frame, Page, redirect, refusal_of},
        staff::{
            tokens::{DESK, encoded},
            visit::{self, StaffVisit},
        },
        visit::page,
    },
};

/// Lots on a page: the tokens of each are counted.
const ROWS: u32 = 10;
/// Tokens of each that are counted.
const COUNTED: u32 = 10_000;

#[derive(Template)]
#[template(path = "staff/lots.html")]
struct Lots<'a> {
    frame: &'a Frame,
    rows: Vec<Row>,
    form: &'a Making,
    next: Option<String>,
}

struct Row {
    name: String,
    path: String,
    open_to: String,
    count: String,
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    cursor: Option<String>,
}

/// `GET /staff/lots`
pub(crate) async fn show(State(app): State<App>, visit: StaffVisit, Queried(asked): Queried<Asked>) -> Page {
    visit::sees(&app, &visit, DESK)?;
    shown(&app, &visit, asked.cursor, &Making::default(), None).await
}

async fn shown(app: &App, visit: &StaffVisit, cursor: Option<String>, form: &Making, alert: Option<String>) -> Page {
    let frame = visit::frame(app, visit, "lots").alerting(alert);
    let refused = |error| refusal_of(app, &visit.browser, &error);
    let lots = app.service.lots(visit.caller(), cursor, ROWS).await.map_err(refused)?;
    let last = lots.last().filter(|_| lots.len() == ROWS as usize);
    let next = last.map(|last| format!("/staff/lots?cursor={}", encoded(&last.name)));
    let mut rows = Vec::with_capacity(lots.len());
    for lot in lots {
        let count = app.service.lot_size(visit.caller(), &lot.name, COUNTED).await;
        rows.push(row(&frame, lot, count.map_err(refused)?));
    }
    let template = Lots {
        frame: &frame,
        rows,
        form,
        next,
    };
    Ok(page(app, visit, &frame, &template))
}

fn row(frame: &Frame, lot: Lot, count: u32) -> Row {
    Row {
        path: path_of(&lot.name),
        open_to: open_to_in_words(frame, &lot.open_to),
        count: number(frame, count, COUNTED),
        name: lot.name,
    }
}

/// A lot that is asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Making {
    lot: String,
    note: String,
}

/// `POST /staff/lots`
pub(crate) async fn make(State(app): State<App>, Posted { visit, form }: Posted<StaffVisit, Making>) -> Page {
    visit::sees(&app, &visit, DESK)?;
    let said = match Name::new(form.lot.trim()) {
        Ok(name) => {
            let note = form.note.trim();
            let wanted = NewLot {
                open_to: None,
                note: (!note.is_empty()).then(|| note.to_owned()),
            };
            match app.service.create_lot(visit.caller(), name.as_str(), &wanted).await {
                Ok(lot) => return Ok(redirect(&path_of(&lot.name))),
                Err(service::ServiceError::Invalid { .. }) => visit.browser.lang.say("staff_lot.is_there", &[]),
                Err(error) => visit.told(&error, "staff_token.limited"),
            }
        }
        Err(_) => visit.browser.lang.say("staff_lot.no_name", &[]),
    };
    shown(&app, &visit, None, &form, Some(said)).await
}
