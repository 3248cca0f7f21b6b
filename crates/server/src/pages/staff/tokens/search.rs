//! Tokens by serial number, by user, by lot and state.

use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use service::{ServiceError, TokenFilter, TokenStatus, TokenView};

use super::{DESK, DESK_OR_SUPPORT, encoded, path_of, status_named};
use crate::{
    http::App,
    pages::{
        address::Queried,
        frame::{Frame, Page, redirect},
        staff::{
            visit::{self, StaffVisit},
            who::Named,
        },
        visit::page,
    },
};

/// Tokens on a page.
const ROWS: u32 = 25;

#[derive(Template)]
#[template(path = "staff/tokens.html")]
struct Tokens<'a> {
    frame: &'a Frame,
    asked: &'a Asked,
    /// They keep the inventory: lists are for them.
    keeps: bool,
    states: Vec<(&'static str, String)>,
    found: Option<Vec<TokenView>>,
    next: Option<String>,
}

impl Tokens<'_> {
    fn is_chosen(&self, state: &str) -> bool {
        self.asked.state == state
    }

    fn path(&self, token: &TokenView) -> String {
        path_of(&token.serial_number)
    }

    fn status(&self, token: &TokenView) -> String {
        status_named(self.frame, token.status)
    }
}

/// What is looked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    serial_number: String,
    account: String,
    user: String,
    lot: String,
    state: String,
    cursor: Option<String>,
}

impl Asked {
    fn named(&self) -> Named {
        Named {
            account: self.account.clone(),
            user: self.user.clone(),
        }
    }

    fn filter(&self) -> TokenFilter {
        let lot = self.lot.trim();
        TokenFilter {
            status: TokenStatus::named(&self.state),
            lot: (!lot.is_empty()).then(|| lot.to_owned()),
        }
    }

    /// The address of the tokens after this one.
    fn after(&self, last: &TokenView) -> String {
        let (lot, state) = (encoded(self.lot.trim()), encoded(&self.state));
        let cursor = encoded(&last.serial_number);
        format!("/staff/tokens?lot={lot}&state={state}&cursor={cursor}")
    }
}

/// `GET /staff/tokens`
pub(crate) async fn show(State(app): State<App>, visit: StaffVisit, Queried(asked): Queried<Asked>) -> Page {
    visit::sees(&app, &visit, DESK_OR_SUPPORT)?;
    let keeps = visit.caller().may(DESK).is_ok();
    let mut frame = visit::frame(&app, &visit, "tokens");
    let serial_number = asked.serial_number.trim();
    let mut next = None;
    let found = if !serial_number.is_empty() {
        match app.service.token(visit.caller(), serial_number).await {
            Ok(token) => return Ok(redirect(&path_of(&token.serial_number))),
            Err(error) => Err(told(&visit, &error)),
        }
    } else if !asked.named().is_empty() {
        match asked.named().owner(app.user_names(), frame.lang) {
            Ok(owner) => {
                let found = app.service.tokens_of_user(visit.caller(), &owner).await;
                found.map(Some).map_err(|error| told(&visit, &error))
            }
            Err(said) => Err(said),
        }
    } else if keeps {
        let cursor = asked.cursor.clone();
        let found = app.service.tokens(visit.caller(), asked.filter(), cursor, ROWS).await;
        if let Ok(found) = &found {
            let last = found.last().filter(|_| found.len() == ROWS as usize);
            next = last.map(|last| asked.after(last));
        }
        found.map(Some).map_err(|error| told(&visit, &error))
    } else {
        Ok(None)
    };
    let found = found.unwrap_or_else(|said| {
        frame.alert = Some(said);
        None
    });
    let states = TokenStatus::ALL.map(|status| (status.name(), status_named(&frame, status)));
    let template = Tokens {
        frame: &frame,
        asked: &asked,
        keeps,
        states: states.into(),
        found,
        next,
    };
    Ok(page(&app, &visit, &frame, &template))
}

/// Why there is nothing to see.
pub(super) fn told(visit: &StaffVisit, error: &ServiceError) -> String {
    match error {
        ServiceError::NotFound(_) => visit.browser.lang.say("staff_token.unknown", &[]),
        error => visit.told(error, "staff_token.limited"),
    }
}
