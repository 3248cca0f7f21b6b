//! Going back to where the user came from, with an outcome that says nothing certain: the caller asks the API.

use axum::{extract::State, response::Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use service::PageVisit;

use crate::{
    http::App,
    pages::{
        form::Posted,
        frame::{Page, redirect},
        visit::{UserVisit, end_session},
    },
};

#[derive(Deserialize)]
pub(crate) struct Leaving {
    #[serde(default)]
    outcome: Outcome,
}

/// How a visit ended, as the browser says on its way back.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Done,
    #[default]
    Cancelled,
    Expired,
    Failed,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Failed => "failed",
        }
    }
}

/// `POST /pages/leave`
pub(crate) async fn act(State(app): State<App>, Posted { visit, form }: Posted<UserVisit, Leaving>) -> Page {
    Ok(leave(&app, &visit, form.outcome).await)
}

/// Ends the session, and sends the user back.
pub(crate) async fn leave(app: &App, visit: &UserVisit, outcome: Outcome) -> Response {
    if let Err(error) = app.service.end_page_session(visit.caller(), visit.session()).await {
        // It ends by itself; the user goes back all the same.
        tracing::warn!(%error, "a page session was not ended");
    }
    let mut response = redirect(&back(&visit.visit, &[("outcome", outcome.name())]));
    end_session::<UserVisit>(&mut response);
    response
}

/// The address to go back to, with what is said there.
pub(crate) fn back(visit: &PageVisit, said: &[(&str, &str)]) -> String {
    let mut address = visit.return_url.clone();
    let mut joint = if address.contains('?') { '&' } else { '?' };
    for (name, value) in said.iter().chain([&("state", &*visit.state)]) {
        let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
        address.push_str(&format!("{joint}{name}={value}"));
        joint = '&';
    }
    address
}
