//! A user who answers a challenge, by the cookie of their opened link.

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};
use service::{PageHolder, PageVisit, PageVisitor, VisitPurpose};

use crate::{
    http::App,
    pages::{
        form::Visitor,
        frame::{self, Refusal},
        visit::{Browser, visitor},
    },
};

/// The cookie of the prompt: no page of settings takes it, nor does the prompt take theirs.
pub(crate) const PROMPT: &str = "__Host-countersign-prompt";

/// A user who answers a challenge.
pub(crate) struct PromptVisit {
    pub(crate) browser: Browser,
    pub(crate) visitor: PageVisitor,
    pub(crate) visit: PageVisit,
}

impl PromptVisit {
    /// The visit of a session that has begun or was proven; `None` of one that is for something else, or answered.
    pub(crate) fn of(browser: Browser, visitor: PageVisitor) -> Option<Self> {
        let PageHolder::User(visit) = &visitor.holder else {
            return None;
        };
        let visit = visit.clone();
        matches!(visit.purpose, VisitPurpose::Prompt { .. }).then_some(Self {
            browser,
            visitor,
            visit,
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PromptVisit
where
    App: FromRef<S>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let app = App::from_ref(state);
        let browser = Browser::of(parts, &app);
        let visitor = visitor(&app, &browser, PROMPT).await?;
        let ended = frame::refusal(&app, &browser, "error.visit_ended", 403);
        Self::of(browser, visitor).ok_or(ended)
    }
}

impl Visitor for PromptVisit {
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
