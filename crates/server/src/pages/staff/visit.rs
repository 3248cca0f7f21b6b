//! One of staff who signed in: their session, what their pages look like, what they are told of a refusal.

use askama::Template;
use axum::{
    extract::{FromRef, FromRequestParts},
    http::{StatusCode, request::Parts},
    response::Response,
};
use service::{Caller, FaultClass, Id, PageHolder, PageVisitor, Role, ServiceError};

use crate::{
    http::App,
    pages::{
        form::Visitor,
        frame::{Frame, Refusal, html, redirect, refusal, refusal_of},
        said,
        visit::{Browser, session_cookie, set_cookie},
    },
    transport::received::Received,
};

/// The cookie of one of staff; no link of another site brings it along.
pub(crate) const STAFF: &str = "__Host-countersign-staff";
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
    /// The session that this browser's cookie proves; `None` of one that has ended, or is a user's.
    pub(crate) async fn found(app: &App, browser: &Browser) -> Result<Option<Self>, Refusal> {
        let Some(cookie) = browser.cookie(STAFF) else {
            return Ok(None);
        };
        match app.service.page_visitor(cookie, None).await {
            Ok(visitor) => Ok(Self::of(browser.clone(), visitor)),
            Err(ServiceError::NotFound(_)) => Ok(None),
            Err(error) => Err(refusal_of(app, browser, &error)),
        }
    }

    /// The visit of a session that has begun or was proven.
    pub(crate) fn of(browser: Browser, visitor: PageVisitor) -> Option<Self> {
        let PageHolder::Staff { actor, .. } = &visitor.holder else {
            return None;
        };
        Some(Self {
            actor: actor.clone(),
            browser,
            visitor,
        })
    }

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

impl<S: Send + Sync> FromRequestParts<S> for StaffVisit
where
    App: FromRef<S>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let app = App::from_ref(state);
        let browser = Browser::of(parts, &app);
        let Some(mut visit) = Self::found(&app, &browser).await? else {
            return Err(redirect(SIGN_IN).into());
        };
        let request = parts.extensions.get::<Received>().map(|received| received.id.clone());
        visit.visitor.caller = visit.visitor.caller.with_request(request);
        Ok(visit)
    }
}

impl Visitor for StaffVisit {
    async fn of(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        <Self as FromRequestParts<App>>::from_request_parts(parts, app).await
    }

    fn browser(&self) -> &Browser {
        &self.browser
    }

    fn visitor(&self) -> &PageVisitor {
        &self.visitor
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
    let all = [
        (
            Role::Support,
            item("users", "/staff/users", "staff.users", "staff.users_text"),
        ),
        (
            Role::Support,
            item(
                "unbind_requests",
                "/staff/unbind-requests",
                "staff.unbind_requests",
                "staff.unbind_requests_text",
            ),
        ),
        (
            Role::Support,
            item(
                "passcodes",
                "/staff/passcodes",
                "staff.passcodes",
                "staff.passcodes_text",
            ),
        ),
    ];
    let may = |role| caller.may(&[role]).is_ok();
    all.into_iter()
        .filter(|(role, _)| may(*role))
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

/// A page of staff, with the session's next cookie where it has one.
pub(crate) fn page(app: &App, visit: &StaffVisit, frame: &Frame, template: &impl Template) -> Response {
    let mut response = html(app, frame, StatusCode::OK, template);
    visit.browser.keep_lang(&mut response);
    if let Some(cookie) = &visit.visitor.next_cookie {
        set_cookie(&mut response, &session_cookie(STAFF, cookie, "Strict"));
    }
    response
}

/// Refuses a page that their key has not the role for.
pub(crate) fn sees(app: &App, visit: &StaffVisit, roles: &[Role]) -> Result<(), Refusal> {
    visit
        .caller()
        .may(roles)
        .map_err(|_| refusal(app, &visit.browser, "staff.other_role", 403))
}
