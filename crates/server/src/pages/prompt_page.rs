//! What the page of a prompt shows: whose request it is, the method, one field, and what else may answer.

use askama::Template;
use service::{ChallengePurpose, ChallengeState, PageVisit, Prompt, PromptMethod};

use crate::{
    http::App,
    pages::{frame::Frame, visit::Browser, words::Lang},
};

#[derive(Template)]
#[template(path = "prompt.html")]
pub(super) struct PromptPage<'a> {
    frame: &'a Frame,
    prompt: &'a Prompt,
    /// The method that is typed here, of those that may answer.
    method: Option<&'a PromptMethod>,
    /// The link's token, until it is opened.
    token: Option<&'a str>,
    /// Something was refused: the tips are shown.
    was_refused: bool,
    trust: bool,
}

impl PromptPage<'_> {
    fn title(&self) -> String {
        self.frame.t(match (self.prompt.state, self.prompt.purpose) {
            (ChallengeState::Expired | ChallengeState::Answered, _) => "prompt.ended",
            (_, ChallengePurpose::Login) => "prompt.title_is_login",
            (_, ChallengePurpose::Operation) => "prompt.title_is_operation",
            (_, ChallengePurpose::Identity) => "prompt.title_is_identity",
        })
    }

    fn is_open(&self) -> bool {
        self.prompt.state == ChallengeState::Open
    }

    /// The product and the operation in the reader's language, or the key that no catalogue has.
    fn operation(&self) -> Option<String> {
        let words = self.prompt.operation.as_ref().map(|row| match self.frame.lang {
            Lang::En => format!("{}: {}", row.product.en, row.operation.en),
            Lang::Zh => format!("{}：{}", row.product.zh, row.operation.zh),
        });
        words.or_else(|| self.prompt.operation_key.clone())
    }

    fn is_locked(&self) -> bool {
        self.prompt.locked_until.is_some() && self.is("totp")
    }

    fn is(&self, name: &str) -> bool {
        self.method.is_some_and(|method| method.name == name)
    }

    fn words(&self, family: &str, method: &PromptMethod) -> String {
        self.frame.t(&format!("prompt.{family}_is_{}", method.name))
    }

    /// The other methods that are typed here.
    fn other_typed(&self) -> Vec<&PromptMethod> {
        let own = self.method;
        let methods = self.prompt.methods.iter();
        methods
            .filter(|method| method.external.is_none() && own.is_none_or(|own| own.name != method.name))
            .collect()
    }

    /// Those that whoever asked performs, with their names.
    fn external(&self) -> Vec<(&str, &str)> {
        let methods = self.prompt.methods.iter();
        methods
            .filter_map(|method| {
                let words = method.external.as_ref()?;
                let said = match self.frame.lang {
                    Lang::En => &words.en,
                    Lang::Zh => &words.zh,
                };
                Some((&*method.name, &**said))
            })
            .collect()
    }

    /// The page with another method.
    fn here(&self, method: &PromptMethod) -> String {
        match self.token {
            Some(token) => format!("/pages/open/{token}?method={}", method.name),
            None => format!("/pages/prompt?method={}", method.name),
        }
    }

    /// Where its forms are posted to.
    fn action(&self) -> &'static str {
        match self.token {
            Some(_) => "/pages/open",
            None => "/pages/prompt",
        }
    }

    /// Nothing is left to choose once the code is typed.
    fn sends_itself(&self) -> bool {
        self.is("totp") && !self.prompt.offers_trust
    }
}

/// What is shown beside the challenge itself.
#[derive(Default)]
pub(super) struct Shown<'a> {
    pub(super) method: Option<&'a str>,
    pub(super) was_refused: bool,
    pub(super) trust: bool,
    pub(super) alert: Option<String>,
}

/// The frame of a prompt, which may lead back to whoever asked.
pub(super) fn frame(app: &App, browser: &Browser, visit: &PageVisit, prompt: &Prompt) -> Frame {
    Frame {
        owner: Some(visit.owner.clone()),
        served_at: Some(prompt.seen_at),
        ..Frame::plain(app, browser).leading_to(&visit.return_url)
    }
}

/// The page, with the method that was asked for if it may be typed here.
pub(super) fn written<'a>(
    frame: &'a Frame,
    prompt: &'a Prompt,
    token: Option<&'a str>,
    shown: &Shown<'_>,
) -> PromptPage<'a> {
    let typed = || prompt.methods.iter().filter(|method| method.external.is_none());
    let chosen = shown.method.and_then(|name| typed().find(|method| method.name == name));
    PromptPage {
        frame,
        prompt,
        method: chosen.or_else(|| typed().next()),
        token,
        was_refused: shown.was_refused,
        trust: shown.trust,
    }
}
