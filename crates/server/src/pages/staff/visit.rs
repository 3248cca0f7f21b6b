//! One of staff who signed in: their session, what their pages look like, what they are told of a refusal.

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};
use service::{Caller, FaultClass, Id, PageHolder, PageVisitor, Role, ServiceError};

use super::today::{self, TODAY};
use crate::{
    http::App,
    pages::{
        frame::{Frame, Refusal, redirect, refusal},
        said,
        visit::{Browser, Visitor, proven},
    },
};

/// The page to sign in on.
pub(crate) const SIGN_IN: &str = "/staff";

/// One of staff who signed in.
pub(crate) struct StaffVisit {
    pub(crate) browser: Browser,
    pub(crate) visitor: PageVisitor,
    /// The name that they act under.
    pub(crate) actor: String,
}

impl StaffVisit {
    pub(crate) fn caller(&self) -> &Caller {
        &self.visitor.caller
    }

    pub(crate) fn session(&self) -> Id {
        self.visitor.id
    }

    /// A use case's refusal in words; of one that this page forbids, the page's own.
    pub(crate) fn told(&self, error: &ServiceError, forbidden: &str) -> String {
        match error.class() {
            FaultClass::Forbidden => self.browser.lang.say(forbidden, &[]),
            _ => said::refused(self.browser.lang, error),
        }
    }
}

impl Visitor for StaffVisit {
    const COOKIE: &'static str = "__Host-countersign-staff";
    /// No link of another site brings it along.
    const SAME_SITE: &'static str = "Strict";

    fn of(browser: Browser, visitor: PageVisitor) -> Option<Self> {
        let PageHolder::Staff { actor, .. } = &visitor.holder else {
            return None;
        };
        Some(Self {
            actor: actor.clone(),
            browser,
            visitor,
        })
    }

    fn browser(&self) -> &Browser {
        &self.browser
    }

    fn visitor(&self) -> &PageVisitor {
        &self.visitor
    }

    fn none(_: &App, _: &Browser) -> Refusal {
        redirect(SIGN_IN).into()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for StaffVisit
where
    App: FromRef<S>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        proven(parts, &App::from_ref(state)).await
    }
}

/// What the pages of staff have besides: who it is, and where they may go.
pub(crate) struct StaffFrame {
    pub(crate) actor: String,
    pub(crate) menu: Vec<MenuItem>,
}

/// A page that their key may see.
pub(crate) struct MenuItem {
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
}

fn menu(caller: &Caller) -> Vec<MenuItem> {
    let item = |name, path, title, text| MenuItem {
        name,
        path,
        title,
        text,
    };
    let all: [(&[Role], MenuItem); 7] = [
        (
            &[Role::Audit],
            item("today", TODAY, "staff_today.title", "staff_today.text"),
        ),
        (
            &[Role::Support],
            item("users", "/staff/users", "staff.users", "staff.users_text"),
        ),
        (
            &[Role::Support],
            item(
                "unbind_requests",
                "/staff/unbind-requests",
                "staff.unbind_requests",
                "staff.unbind_requests_text",
            ),
        ),
        (
            &[Role::Support],
            item(
                "passcodes",
                "/staff/passcodes",
                "staff.passcodes",
                "staff.passcodes_text",
            ),
        ),
        (
            &[Role::Inventory, Role::Support],
            item("tokens", "/staff/tokens", "staff.tokens", "staff.tokens_text"),
        ),
        (
            &[Role::Inventory],
            item("lots", "/staff/lots", "staff.lots", "staff.lots_text"),
        ),
        (
            &[Role::Audit],
            item("trail", "/staff/trail", "staff_trail.title", "staff_trail.text"),
        ),
    ];
    let may = |roles| caller.may(roles).is_ok();
    all.into_iter()
        .filter(|(roles, item)| may(*roles) && (item.name != "today" || today::is_open_to(caller)))
        .map(|(_, item)| item)
        .collect()
}

/// The frame of a page of staff.
pub(crate) fn frame(app: &App, visit: &StaffVisit, here: &'static str) -> Frame {
    Frame {
        form_token: visit.visitor.form_token.to_string(),
        here,
        served_at: Some(visit.visitor.seen_at),
        staff: Some(StaffFrame {
            actor: visit.actor.clone(),
            menu: menu(visit.caller()),
        }),
        ..Frame::plain(app, &visit.browser)
    }
}

/// Refuses a page that their key has not the role for.
pub(crate) fn sees(app: &App, visit: &StaffVisit, roles: &[Role]) -> Result<(), Refusal> {
    visit
        .caller()
        .may(roles)
        .map_err(|_| refusal(app, &visit.browser, "staff.other_role", 403))
}
