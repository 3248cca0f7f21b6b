//! A token: what is known of it, and what may become of it.

use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use service::{Lot, Role, TokenMove, TokenTransition, TokenView, UserNames};

use super::{DESK, DESK_OR_SUPPORT, path_of, search::told, status_named};
use crate::{
    http::App,
    pages::{
        address::Queried,
        form::Posted,
        frame::{Frame, Page, redirect},
        staff::{
            lots, users,
            visit::{self, StaffVisit},
            who::Named,
        },
        visit::page,
    },
};

#[derive(Template)]
#[template(path = "staff/token.html")]
struct One<'a> {
    frame: &'a Frame,
    token: &'a TokenView,
    lot: Option<&'a Lot>,
    keeps: bool,
    supports: bool,
    named: &'a Named,
}

impl One<'_> {
    fn status(&self) -> String {
        status_named(self.frame, self.token.status)
    }

    fn user_path(&self) -> Option<String> {
        let owner = self.token.owner.as_ref().filter(|_| self.supports);
        owner.map(users::path_of)
    }

    fn lot_path(&self) -> String {
        lots::path_of(&self.token.lot)
    }

    fn open_to(&self, lot: &Lot) -> String {
        lots::open_to_in_words(self.frame, &lot.open_to)
    }

    /// Its state allows it, and so does their key.
    fn may(&self, wanted: TokenMove) -> bool {
        let by_role = self.keeps || (self.supports && wanted == TokenMove::Lose);
        by_role && self.token.moves().contains(&wanted)
    }

    fn may_assign(&self) -> bool {
        self.may(TokenMove::Assign)
    }

    fn may_unassign(&self) -> bool {
        self.may(TokenMove::Unassign)
    }

    /// What cannot be undone: name, what it means, the button's words.
    fn endings(&self) -> Vec<(&'static str, String, String)> {
        let all = [
            (TokenMove::Lose, "lose", "staff_token.lose_text", "staff_token.lose"),
            (
                TokenMove::Return,
                "return",
                "staff_token.return_text",
                "staff_token.return",
            ),
            (
                TokenMove::Retire,
                "retire",
                "staff_token.retire_text",
                "staff_token.retire",
            ),
        ];
        all.into_iter()
            .filter(|(wanted, ..)| self.may(*wanted))
            .map(|(_, name, text, button)| (name, self.frame.t(text), self.frame.t(button)))
            .collect()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    serial_number: String,
    done: Option<String>,
}

/// `GET /staff/tokens/one`
pub(crate) async fn show(State(app): State<App>, visit: StaffVisit, Queried(asked): Queried<Asked>) -> Page {
    visit::sees(&app, &visit, DESK_OR_SUPPORT)?;
    let mut frame = visit::frame(&app, &visit, "tokens");
    if asked.done.is_some() {
        frame.notice = Some(frame.t("staff_token.moved"));
    }
    shown(&app, &visit, frame, &asked.serial_number, &Named::default()).await
}

async fn shown(app: &App, visit: &StaffVisit, frame: Frame, serial_number: &str, named: &Named) -> Page {
    let token = match app.service.token(visit.caller(), serial_number).await {
        Ok(token) => token,
        Err(error) => {
            let said = (frame.t("error.title"), told(visit, &error));
            let status = crate::pages::said::status(&error);
            return Ok(crate::pages::frame::message(app, &frame, status, said));
        }
    };
    let keeps = visit.caller().may(DESK).is_ok();
    let lot = match keeps {
        // A lot that is gone is no reason to hide its tokens.
        true => app.service.lot(visit.caller(), &token.lot).await.ok(),
        false => None,
    };
    let template = One {
        frame: &frame,
        token: &token,
        lot: lot.as_ref(),
        keeps,
        supports: visit.caller().may(&[Role::Support]).is_ok(),
        named,
    };
    Ok(page(app, visit, &frame, &template))
}

/// A transition that was asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Moving {
    serial_number: String,
    to: String,
    account: String,
    user: String,
    sure: Option<String>,
}

/// `POST /staff/tokens/move`
pub(crate) async fn act(State(app): State<App>, Posted { visit, form }: Posted<StaffVisit, Moving>) -> Page {
    visit::sees(&app, &visit, DESK_OR_SUPPORT)?;
    let path = path_of(&form.serial_number);
    let named = Named {
        account: form.account.clone(),
        user: form.user.clone(),
    };
    let frame = visit::frame(&app, &visit, "tokens").at(&path);
    let said = match transition(&form, (app.user_names(), &named), &frame) {
        Ok(wanted) => {
            let moved = app
                .service
                .move_token(visit.caller(), &form.serial_number, &wanted)
                .await;
            match moved {
                Ok(_) => return Ok(redirect(&format!("{path}&done=moved"))),
                Err(service::ServiceError::TokenState { .. }) => frame.t("staff_token.state_forbids"),
                Err(error) => told(&visit, &error),
            }
        }
        Err(said) => said,
    };
    shown(&app, &visit, frame.alerting(Some(said)), &form.serial_number, &named).await
}

fn transition(form: &Moving, (names, named): (UserNames, &Named), frame: &Frame) -> Result<TokenTransition, String> {
    let sure = |wanted| match form.sure {
        Some(_) => Ok(wanted),
        None => Err(frame.t("staff_token.not_sure")),
    };
    match &*form.to {
        "assign" => named.owner(names, frame.lang).map(TokenTransition::Assign),
        "unassign" => Ok(TokenTransition::Unassign),
        "lose" => sure(TokenTransition::Lose),
        "return" => sure(TokenTransition::Return),
        "retire" => sure(TokenTransition::Retire),
        _ => Err(frame.t("error.form")),
    }
}
