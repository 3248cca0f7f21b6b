//! The hosted prompt: a user answers a challenge, and their browser takes a one-time code back to whoever asked.
//!
//! The address of its link shows the form at once, and looking changes nothing: the first thing that is posted opens the link.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use service::{
    AnsweredPrompt, ChallengeAnswer, ChallengePurpose, ChallengeState, OpenedPage, PageVisit, Prompt, PromptMethod,
    ServiceError,
};
use zeroize::Zeroizing;

use crate::{
    http::App,
    pages::{
        address::Queried,
        form::Posted,
        frame::{Frame, Page, html, redirect, refusal, refusal_of},
        leave::back,
        prompt_visit::PromptVisit,
        said,
        visit::{self, Browser, Visitor as _, begin_session, end_session},
        words::Lang,
    },
};

#[derive(Template)]
#[template(path = "prompt.html")]
struct PromptPage<'a> {
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
struct Shown<'a> {
    method: Option<&'a str>,
    was_refused: bool,
    trust: bool,
    alert: Option<String>,
}

#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    method: Option<String>,
}

/// What is done on the prompt.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Act {
    /// Something was typed.
    Answer,
    /// The user goes back for a method of whoever asked.
    OtherMethod,
    /// The user goes back.
    #[default]
    Leave,
}

/// What the prompt posts.
#[derive(Deserialize)]
pub(crate) struct Answering {
    #[serde(default)]
    act: Act,
    #[serde(default)]
    method: String,
    #[serde(default)]
    code: Zeroizing<String>,
    #[serde(default)]
    trust: Option<String>,
}

/// The prompt of a link that is not opened yet.
pub(crate) fn show_link(
    app: &App,
    browser: &Browser,
    (token, visit, prompt): (&str, &PageVisit, &Prompt),
    asked: &Asked,
) -> Response {
    let shown = Shown {
        method: asked.method.as_deref(),
        ..Shown::default()
    };
    let frame = frame(app, browser, visit, prompt);
    let mut response = html(
        app,
        &frame,
        StatusCode::OK,
        &written(&frame, prompt, Some(token), &shown),
    );
    browser.keep_lang(&mut response);
    response
}

/// `GET /pages/prompt`
pub(crate) async fn show(State(app): State<App>, visit: PromptVisit, Queried(asked): Queried<Asked>) -> Page {
    let shown = Shown {
        method: asked.method.as_deref(),
        ..Shown::default()
    };
    page(&app, &visit, &shown).await
}

/// The first thing that is posted: the link is opened, and what was posted is done.
pub(crate) async fn open(app: &App, browser: Browser, opened: OpenedPage, form: Answering) -> Page {
    let cookie = opened.cookie;
    let visit = PromptVisit::of(browser.clone(), opened.visitor);
    let visit = visit.ok_or_else(|| refusal(app, &browser, "error.link_ended", 410))?;
    // The link is used up: its session is the browser's, whatever is in the way.
    let (mut response, goes_on) = match done(app, &visit, form).await {
        Ok(done) => done,
        Err(refusal) => (refusal.into_response(), true),
    };
    if goes_on {
        begin_session::<PromptVisit>(&mut response, &cookie);
    }
    Ok(response)
}

/// `POST /pages/prompt`
pub(crate) async fn act(State(app): State<App>, Posted { visit, form }: Posted<PromptVisit, Answering>) -> Page {
    Ok(done(&app, &visit, form).await?.0)
}

/// Does what was posted; whether the visit goes on.
async fn done(app: &App, visit: &PromptVisit, form: Answering) -> Result<(Response, bool), super::frame::Refusal> {
    match form.act {
        Act::Answer => answer(app, visit, form).await,
        Act::OtherMethod => {
            let prompt = prompt(app, visit).await?;
            let mut methods = prompt.methods.iter();
            let is_external = methods.any(|method| method.name == form.method && method.external.is_some());
            match is_external {
                true => {
                    let said = [("outcome", "other_method"), ("method", &*form.method)];
                    Ok((leave(app, visit, &said).await, false))
                }
                false => Err(refusal(app, &visit.browser, "error.form", 400)),
            }
        }
        Act::Leave => {
            let outcome = match prompt(app, visit).await?.state {
                ChallengeState::Open => "cancelled",
                ChallengeState::Answered => "failed",
                ChallengeState::Expired => "expired",
            };
            Ok((leave(app, visit, &[("outcome", outcome)]).await, false))
        }
    }
}

async fn answer(app: &App, visit: &PromptVisit, form: Answering) -> Result<(Response, bool), super::frame::Refusal> {
    let (method, trust) = (form.method.clone(), form.trust.is_some());
    let answer = ChallengeAnswer {
        method: form.method,
        code: form.code,
        trust_device: trust,
    };
    let (caller, id) = (&visit.visitor.caller, visit.visitor.id);
    let mut shown = Shown {
        method: Some(&method),
        was_refused: true,
        trust,
        alert: None,
    };
    let lang = visit.browser.lang;
    match app.service.answer_on_page(caller, id, answer).await {
        Ok(AnsweredPrompt::Right { code }) => {
            let mut response = redirect(&back(&visit.visit, &[("code", &code)]));
            end_session::<PromptVisit>(&mut response);
            return Ok((response, false));
        }
        Ok(AnsweredPrompt::Wrong { locked_until: None }) => shown.alert = Some(lang.say("error.code_refused", &[])),
        Ok(AnsweredPrompt::Wrong { locked_until: Some(_) }) => shown.alert = Some(lang.say("prompt.locked", &[])),
        Err(ServiceError::ChallengeExpired) => {
            return Ok((leave(app, visit, &[("outcome", "expired")]).await, false));
        }
        Err(ServiceError::ChallengeEnded) => return Ok((leave(app, visit, &[("outcome", "failed")]).await, false)),
        Err(error @ (ServiceError::Internal(_) | ServiceError::Untrusted(_) | ServiceError::NotFound(_))) => {
            return Err(refusal_of(app, &visit.browser, &error));
        }
        Err(error) => shown.alert = Some(said::refused(lang, &error)),
    }
    Ok((page(app, visit, &shown).await?, true))
}

/// Ends the visit, and sends the user back.
async fn leave(app: &App, visit: &PromptVisit, said: &[(&str, &str)]) -> Response {
    let ended = app
        .service
        .end_page_session(&visit.visitor.caller, visit.visitor.id)
        .await;
    if let Err(error) = ended {
        // It ends by itself; the user goes back all the same.
        tracing::warn!(%error, "a page session was not ended");
    }
    let mut response = redirect(&back(&visit.visit, said));
    end_session::<PromptVisit>(&mut response);
    response
}

async fn prompt(app: &App, visit: &PromptVisit) -> Result<Prompt, super::frame::Refusal> {
    let prompt = app.service.prompt(&visit.visitor.caller, &visit.visit).await;
    prompt.map_err(|error| refusal_of(app, &visit.browser, &error))
}

/// The prompt of an opened link.
async fn page(app: &App, visit: &PromptVisit, shown: &Shown<'_>) -> Page {
    let prompt = prompt(app, visit).await?;
    let path = match shown
        .method
        .filter(|name| prompt.methods.iter().any(|method| method.name == **name))
    {
        Some(method) => format!("/pages/prompt?method={method}&"),
        None => "/pages/prompt?".to_owned(),
    };
    let frame = Frame {
        form_token: visit.visitor.form_token.to_string(),
        path,
        alert: shown.alert.clone(),
        ..frame(app, &visit.browser, &visit.visit, &prompt)
    };
    Ok(visit::page(app, visit, &frame, &written(&frame, &prompt, None, shown)))
}

fn frame(app: &App, browser: &Browser, visit: &PageVisit, prompt: &Prompt) -> Frame {
    Frame {
        owner: Some(visit.owner.clone()),
        served_at: Some(prompt.seen_at),
        ..Frame::plain(app, browser).leading_to(&visit.return_url)
    }
}

fn written<'a>(frame: &'a Frame, prompt: &'a Prompt, token: Option<&'a str>, shown: &Shown<'_>) -> PromptPage<'a> {
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
