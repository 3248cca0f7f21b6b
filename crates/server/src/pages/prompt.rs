//! The hosted prompt: a user answers a challenge, and their browser takes a one-time code back to whoever asked.
//!
//! The address of its link shows the form at once, and looking changes nothing: the first thing that is posted opens the link.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use service::{AnsweredPrompt, ChallengeAnswer, ChallengeState, OpenedPage, PageVisit, Prompt, ServiceError};
use zeroize::Zeroizing;

use crate::{
    http::App,
    pages::{
        address::Queried,
        form::Posted,
        frame::{Frame, Page, html, redirect, refusal, refusal_of},
        leave::back,
        prompt_page::{Shown, frame, written},
        prompt_visit::PromptVisit,
        said,
        visit::{self, Browser, Visitor as _, begin_session, end_session},
    },
};

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
    goes_on(&app, &visit)?;
    let shown = Shown {
        method: asked.method.as_deref(),
        ..Shown::default()
    };
    page(&app, &visit, &shown).await
}

/// Refuses a visit that is answered: what waits to be fetched is not ended by whoever looks again.
fn goes_on(app: &App, visit: &PromptVisit) -> Result<(), super::frame::Refusal> {
    match visit.is_answered {
        true => Err(PromptVisit::none(app, &visit.browser)),
        false => Ok(()),
    }
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
    if !matches!(form.act, Act::Answer) {
        goes_on(app, visit)?;
    }
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
    let (caller, id, code) = (&visit.visitor.caller, visit.visitor.id, &visit.visitor.answer_code);
    let mut shown = Shown {
        method: Some(&method),
        was_refused: true,
        trust,
        alert: None,
    };
    let lang = visit.browser.lang;
    match app.service.answer_on_page(caller, id, code, answer).await {
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
