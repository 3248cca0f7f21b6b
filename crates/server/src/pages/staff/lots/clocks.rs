//! How far the clocks of a lot's tokens have gone, and which are about to leave the window.

use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use service::{DriftPicture, DriftingDevice, LotClocks, drift_svg};

use super::path_of;
use crate::{
    http::App,
    pages::{
        address::Queried,
        frame::{Frame, Page, refusal_of},
        staff::{
            tokens::{self, DESK, DESK_OR_SUPPORT, encoded},
            visit::{self, StaffVisit},
        },
        visit::page,
    },
};

/// Devices that are about to leave and are shown.
const ROWS: usize = 100;

#[derive(Template)]
#[template(path = "staff/lot_clocks.html")]
struct Clocks<'a> {
    frame: &'a Frame,
    asked: &'a Asked,
    lot_path: Option<String>,
    clocks: &'a LotClocks,
    svg: String,
    next: Option<String>,
}

impl Clocks<'_> {
    fn shown(&self) -> &[DriftingDevice] {
        self.clocks.devices.get(..ROWS).unwrap_or(&self.clocks.devices)
    }

    fn more(&self) -> usize {
        self.clocks.devices.len().saturating_sub(ROWS)
    }

    fn serial_number<'d>(&self, device: &'d DriftingDevice) -> &'d str {
        device.serial_number.as_deref().unwrap_or_default()
    }

    fn path(&self, device: &DriftingDevice) -> String {
        tokens::path_of(self.serial_number(device))
    }

    /// `+3`, `-2`, `0`.
    fn signed(&self, steps: &i32) -> String {
        match steps {
            0 => "0".to_owned(),
            steps => format!("{steps:+}"),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    lot: String,
    cursor: Option<String>,
}

/// `GET /staff/lots/clocks`
pub(crate) async fn show(State(app): State<App>, visit: StaffVisit, Queried(asked): Queried<Asked>) -> Page {
    visit::sees(&app, &visit, DESK_OR_SUPPORT)?;
    let cursor = asked.cursor.clone();
    let found = app.service.lot_clocks(visit.caller(), &asked.lot, cursor).await;
    let clocks = found.map_err(|error| refusal_of(&app, &visit.browser, &error))?;
    let keeps = visit.caller().may(DESK).is_ok();
    let frame = visit::frame(&app, &visit, if keeps { "lots" } else { "tokens" });
    let next = clocks.next.as_ref().map(|after| {
        let (lot, cursor) = (encoded(&asked.lot), encoded(after));
        format!("/staff/lots/clocks?lot={lot}&cursor={cursor}")
    });
    let svg = drift_svg(std::slice::from_ref(&clocks.drift), &picture(&frame));
    let template = Clocks {
        frame: &frame,
        lot_path: keeps.then(|| path_of(&asked.lot)),
        asked: &asked,
        clocks: &clocks,
        svg,
        next,
    };
    Ok(page(&app, &visit, &frame, &template))
}

/// The words of the picture.
fn picture(frame: &Frame) -> DriftPicture<'_> {
    DriftPicture {
        title: frame.t("staff_lot.clocks_title"),
        apps: String::new(),
        row: Box::new(|devices, about_to_leave| {
            frame.t2(
                "staff_lot.clocks_row",
                &("devices", &devices.to_string()),
                &("leaving", &about_to_leave.to_string()),
            )
        }),
        bar: Box::new(|devices, steps| {
            frame.t2(
                "staff_lot.clocks_bar",
                &("devices", &devices.to_string()),
                &("steps", &format!("{steps:+}")),
            )
        }),
    }
}
