//! A lot: its tokens by status, and to whom it is open.

use api::Name;
use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use service::{Lot, NewLot, OPEN_TO_MAX, OpenTo, Owner, TokenStatus, UserNames};

use super::{number, open_to_in_words, path_of};
use crate::{
    http::App,
    pages::{
        address::Queried,
        form::Posted,
        frame::{Frame, Page, redirect, refusal_of},
        staff::{
            tokens::{DESK, encoded, status_named},
            visit::{self, StaffVisit},
        },
        visit::page,
    },
};

/// Tokens that are counted.
const COUNTED: u32 = 10_000;
/// What stands between account and user in a line.
const BETWEEN: &str = " / ";

#[derive(Template)]
#[template(path = "staff/lot.html")]
struct One<'a> {
    frame: &'a Frame,
    lot: &'a Lot,
    counts: String,
    form: Changing,
}

impl One<'_> {
    fn open_to(&self) -> String {
        open_to_in_words(self.frame, &self.lot.open_to)
    }

    fn is_chosen(&self, kind: &str) -> bool {
        self.form.open_to == kind
    }

    fn tokens_path(&self) -> String {
        format!("/staff/tokens?lot={}", encoded(&self.lot.name))
    }

    fn labels_path(&self) -> String {
        format!("/staff/tokens/labels?lot={}", encoded(&self.lot.name))
    }

    fn clocks_path(&self) -> String {
        format!("/staff/lots/clocks?lot={}", encoded(&self.lot.name))
    }

    /// Ways to be open, and their words.
    fn kinds(&self) -> [(&'static str, String); 4] {
        [
            ("nobody", self.frame.t("staff_lot.kind_is_nobody")),
            ("everybody", self.frame.t("staff_lot.kind_is_everybody")),
            ("accounts", self.frame.t("staff_lot.kind_is_accounts")),
            ("users", self.frame.t("staff_lot.kind_is_users")),
        ]
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    lot: String,
    done: Option<String>,
}

/// `GET /staff/lots/one`
pub(crate) async fn show(State(app): State<App>, visit: StaffVisit, Queried(asked): Queried<Asked>) -> Page {
    visit::sees(&app, &visit, DESK)?;
    let mut frame = visit::frame(&app, &visit, "lots");
    if asked.done.is_some() {
        frame.notice = Some(frame.t("staff_lot.changed"));
    }
    shown(&app, &visit, frame, &asked.lot, None).await
}

/// The tokens of a lot by status, as one reads them: `12 in stock, 3 bound`.
fn counted(frame: &Frame, counts: &[(TokenStatus, u32)]) -> String {
    let said = counts.iter().map(|(status, count)| {
        let status = status_named(frame, *status);
        let count = number(frame, *count, COUNTED);
        frame.t2("staff_lot.counted", &("status", &status), &("count", &count))
    });
    let said: Vec<String> = said.collect();
    match said.is_empty() {
        true => frame.t("staff_lot.empty"),
        false => said.join(&frame.t("staff_lot.comma")),
    }
}

async fn shown(app: &App, visit: &StaffVisit, frame: Frame, name: &str, form: Option<Changing>) -> Page {
    let read = async {
        let lot = app.service.lot(visit.caller(), name).await?;
        let counts = app.service.lot_counts(visit.caller(), name, COUNTED).await?;
        Ok::<(Lot, Vec<(TokenStatus, u32)>), service::ServiceError>((lot, counts))
    };
    let (lot, counts) = read.await.map_err(|error| refusal_of(app, &visit.browser, &error))?;
    let template = One {
        frame: &frame,
        counts: counted(&frame, &counts),
        form: form.unwrap_or_else(|| Changing::of(&lot)),
        lot: &lot,
    };
    Ok(page(app, visit, &frame, &template))
}

/// What a lot is to become.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Changing {
    lot: String,
    open_to: String,
    /// Accounts or users, one a line.
    names: String,
    note: String,
}

impl Changing {
    /// As it is.
    fn of(lot: &Lot) -> Self {
        let (open_to, names) = match &lot.open_to {
            OpenTo::Nobody => ("nobody", Vec::new()),
            OpenTo::Everybody => ("everybody", Vec::new()),
            OpenTo::Accounts(accounts) => ("accounts", accounts.clone()),
            OpenTo::Users(users) => {
                let line = |owner: &Owner| format!("{}{BETWEEN}{}", owner.account, owner.user);
                ("users", users.iter().map(line).collect())
            }
        };
        Self {
            lot: lot.name.clone(),
            open_to: open_to.to_owned(),
            names: names.join("\n"),
            note: lot.note.clone().unwrap_or_default(),
        }
    }

    /// What is meant; else the key of what is wrong.
    fn meant(&self, names: UserNames) -> Result<OpenTo, &'static str> {
        let lines = || self.names.lines().map(str::trim).filter(|line| !line.is_empty());
        if lines().count() > OPEN_TO_MAX {
            return Err("staff_lot.too_many");
        }
        match &*self.open_to {
            "nobody" => Ok(OpenTo::Nobody),
            "everybody" => Ok(OpenTo::Everybody),
            "accounts" => {
                let accounts: Option<Vec<String>> =
                    lines().map(|line| Some(named(line)?.as_ref().to_owned())).collect();
                accounts.map(OpenTo::Accounts).ok_or("staff_lot.no_accounts")
            }
            "users" => {
                let users: Option<Vec<Owner>> = lines().map(|line| owner(names, line)).collect();
                users.map(OpenTo::Users).ok_or("staff_lot.no_users")
            }
            _ => Err("error.form"),
        }
    }
}

fn named(text: &str) -> Option<std::sync::Arc<str>> {
    Name::new(text).ok().map(Name::into_inner)
}

/// A line `account / user`. One with a further separator could be meant in two ways.
fn owner(names: UserNames, line: &str) -> Option<Owner> {
    let (account, user) = line.split_once(BETWEEN)?;
    if user.contains(BETWEEN) {
        return None;
    }
    Some(names.owner(named(account.trim())?, named(user.trim())?))
}

/// `POST /staff/lots/one`
pub(crate) async fn change(State(app): State<App>, Posted { visit, form }: Posted<StaffVisit, Changing>) -> Page {
    visit::sees(&app, &visit, DESK)?;
    let path = path_of(&form.lot);
    let said = match form.meant(app.user_names()) {
        Ok(open_to) => {
            let note = form.note.trim();
            let wanted = NewLot {
                open_to: Some(open_to),
                note: (!note.is_empty()).then(|| note.to_owned()),
            };
            match app.service.change_lot(visit.caller(), &form.lot, &wanted).await {
                Ok(_) => return Ok(redirect(&format!("{path}&done=changed"))),
                Err(error) => visit.told(&error, "staff_token.limited"),
            }
        }
        Err(key) => visit.browser.lang.say(key, &[]),
    };
    let frame = visit::frame(&app, &visit, "lots").at(&path).alerting(Some(said));
    let name = form.lot.clone();
    shown(&app, &visit, frame, &name, Some(form)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changing(open_to: &str, names: &str) -> Changing {
        Changing {
            open_to: open_to.into(),
            names: names.into(),
            ..Changing::default()
        }
    }

    #[test]
    fn d1_a_lot_is_opened_to_the_names_of_its_lines() {
        let meant = changing("users", "acme / alice\r\n\r\n wolke / 名前 \r\n").meant(UserNames::Exact);
        assert_eq!(
            meant,
            Ok(OpenTo::Users(vec![
                Owner::new("acme", "alice"),
                Owner::new("wolke", "名前")
            ]))
        );
        let meant = changing("accounts", "acme\nwol/ke").meant(UserNames::Exact);
        assert_eq!(meant, Ok(OpenTo::Accounts(vec!["acme".into(), "wol/ke".into()])));
    }

    #[test]
    fn a_line_that_could_be_meant_otherwise_opens_it_to_nobody() {
        for lines in ["alice", "acme/alice", "acme / alice / bob", "acme / "] {
            changing("users", lines).meant(UserNames::Exact).expect_err(lines);
        }
        changing("", "acme")
            .meant(UserNames::Exact)
            .expect_err("no way to be open");
    }

    #[test]
    fn what_is_shown_is_meant_when_it_comes_back() {
        let open_to = OpenTo::Users(vec![Owner::new("a/b", "c d"), Owner::new("acme", "alice")]);
        let lot = Lot {
            name: "one".into(),
            version: 1,
            created_at: service::UnixMs::new(0),
            open_to: open_to.clone(),
            note: None,
        };
        assert_eq!(Changing::of(&lot).meant(UserNames::Exact), Ok(open_to));
    }
}
