//! A user who answers a challenge, by the cookie of their opened link.

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};
use service::{PageHolder, PageVisit, PageVisitor, VisitPurpose};

use crate::{
    http::App,
    pages::{
        frame::Refusal,
        visit::{Browser, Visitor, proven},
    },
};

/// A user who answers a challenge.
pub(crate) struct PromptVisit {
    pub(crate) browser: Browser,
    pub(crate) visitor: PageVisitor,
    pub(crate) visit: PageVisit,
    /// It is answered, and the answer waits: nothing is done in it any more, but for the same form sent once more.
    pub(crate) is_answered: bool,
}

impl Visitor for PromptVisit {
    const COOKIE: &'static str = "__Host-countersign-prompt";

    fn of(browser: Browser, visitor: PageVisitor) -> Option<Self> {
        let (visit, is_answered) = match &visitor.holder {
            PageHolder::User(visit) => (visit.clone(), false),
            PageHolder::Answered { visit, .. } => (visit.clone(), true),
            PageHolder::Staff { .. } => return None,
        };
        matches!(visit.purpose, VisitPurpose::Prompt { .. }).then_some(Self {
            browser,
            visitor,
            visit,
            is_answered,
        })
    }

    fn browser(&self) -> &Browser {
        &self.browser
    }

    fn visitor(&self) -> &PageVisitor {
        &self.visitor
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PromptVisit
where
    App: FromRef<S>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        proven(parts, &App::from_ref(state)).await
    }
}
