//! A user's own history: what happened, newest first, without causes.

use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use service::{FaultClass, HistoryView, UserPageName, audit::EventId};

use crate::{
    http::App,
    pages::{
        address::Queried,
        frame::{Frame, Page, refusal, refusal_of},
        happened::Happened,
        visit::{UserVisit, page},
    },
};

/// Events of a page.
const EVENTS: usize = 20;

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage<'a> {
    frame: &'a Frame,
    events: Vec<Happened>,
    /// These are not the newest.
    is_older: bool,
    /// Where the next page begins, if there is one.
    before: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    before: Option<String>,
}

/// `GET /pages/history`
pub(crate) async fn show(State(app): State<App>, visit: UserVisit, Queried(asked): Queried<Asked>) -> Page {
    visit.sees(&app, UserPageName::History)?;
    let no_page = || refusal(&app, &visit.browser, "error.no_page", 404);
    let before: Option<EventId> = asked
        .before
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|_| no_page())?;
    let (caller, owner) = (visit.caller(), visit.owner());
    // One more than is shown says whether there are older ones.
    let limit = EVENTS as u32 + 1;
    let read = app
        .service
        .user_history(caller, owner, HistoryView::User, before, limit);
    let records = read.await.map_err(|error| match error.class() {
        FaultClass::NotFound => no_page(),
        _ => refusal_of(&app, &visit.browser, &error),
    })?;
    let frame = Frame::of(&app, &visit, "history");
    let shown = &records[..records.len().min(EVENTS)];
    let last = shown.last().filter(|_| records.len() > EVENTS);
    let history = HistoryPage {
        frame: &frame,
        events: shown.iter().map(|record| Happened::of(frame.lang, record)).collect(),
        is_older: before.is_some(),
        before: last.map(|record| record.id.to_string()),
    };
    Ok(page(&app, &visit, &frame, &history))
}
