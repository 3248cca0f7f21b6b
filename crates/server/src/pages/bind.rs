//! Binding an authenticator app: scan, type the first code, choose what it protects, keep the recovery codes.

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use serde::Deserialize;
use service::{
    Confirmation, DeviceView, Id, IdentityProof, NewDevice, NewEnrollment, ProofOfIdentity, ServiceError,
    StartedEnrollment, UserPageName, VisitPurpose,
};
use zeroize::Zeroizing;

use crate::{
    http::App,
    pages::{
        form::Posted,
        frame::{Frame, Page, Refusal, page, redirect, refusal, refusal_of},
        said,
        visit::UserVisit,
    },
};

#[derive(Template)]
#[template(path = "bind.html")]
struct Bind<'a> {
    frame: &'a Frame,
    started: Option<&'a StartedEnrollment>,
    /// What was ticked.
    login: bool,
    operation: bool,
}

#[derive(Template)]
#[template(path = "bound.html")]
struct Bound<'a> {
    frame: &'a Frame,
    device: &'a DeviceView,
    codes: &'a [Zeroizing<String>],
    /// The codes as a file.
    file: Zeroizing<String>,
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    enrollment: Option<Id>,
}

/// `GET /pages/bind`
pub(crate) async fn show(State(app): State<App>, visit: UserVisit, Query(asked): Query<Asked>) -> Page {
    visit.sees(&app, UserPageName::Bind)?;
    match asked.enrollment {
        Some(id) => shown(&app, &visit, id, None, (true, true)).await,
        None => Ok(to_begin(&app, &visit, None)),
    }
}

/// The page of an enrollment that lives; of one that ended, the button that starts anew.
async fn shown(app: &App, visit: &UserVisit, id: Id, alert: Option<String>, (login, operation): (bool, bool)) -> Page {
    let shown = app.service.enrollment_on_page(visit.caller(), visit.owner(), id).await;
    match shown {
        Ok((started, _)) if started.shown.is_some() => {
            let frame = Frame::of(app, visit, "security").alerting(alert);
            let bind = Bind {
                frame: &frame,
                started: Some(&started),
                login,
                operation,
            };
            Ok(page(app, visit, &frame, &bind))
        }
        Ok(_) => Err(refusal(app, &visit.browser, "error.no_page", 404)),
        Err(error) => Ok(to_begin(
            app,
            visit,
            Some(alert.unwrap_or_else(|| said::refused(visit.browser.lang, &error))),
        )),
    }
}

/// The page with the button that starts.
fn to_begin(app: &App, visit: &UserVisit, alert: Option<String>) -> Response {
    let frame = Frame::of(app, visit, "security").alerting(alert);
    let bind = Bind {
        frame: &frame,
        started: None,
        login: true,
        operation: true,
    };
    page(app, visit, &frame, &bind)
}

#[derive(Deserialize)]
pub(crate) struct Nothing {}

/// `POST /pages/bind/start`
pub(crate) async fn start(
    State(app): State<App>,
    Posted {
        visit,
        form: Nothing {},
    }: Posted<UserVisit, Nothing>,
) -> Page {
    visit.sees(&app, UserPageName::Bind)?;
    begin(&app, &visit).await
}

/// Starts an enrollment, and leads to its page.
pub(crate) async fn begin(app: &App, visit: &UserVisit) -> Page {
    let wanted = NewEnrollment {
        owner: visit.owner().clone(),
        device: NewDevice::App { issuer: None },
        label: Some(label(visit)),
        identity_proof: proof(app, visit)?,
        factor: None,
    };
    match app.service.start_enrollment(visit.caller(), &wanted).await {
        Ok(started) => Ok(redirect(&format!("/pages/bind?enrollment={}", started.id))),
        Err(error) => Ok(to_begin(app, visit, Some(said::refused(visit.browser.lang, &error)))),
    }
}

/// The entry's name in the app: account and user, so that several on one phone can be told apart (B5).
fn label(visit: &UserVisit) -> String {
    let owner = visit.owner();
    format!("{}@{}", owner.user, owner.account).replace(':', ".")
}

/// How the console made sure of the user's identity, as the page link has it.
pub(crate) fn proof(app: &App, visit: &UserVisit) -> Result<ProofOfIdentity, Refusal> {
    let VisitPurpose::Settings { identity_proof, .. } = &visit.visit.purpose else {
        return Err(refusal(app, &visit.browser, "error.other_page", 403));
    };
    let word: Option<IdentityProof> = identity_proof.clone();
    word.map(ProofOfIdentity::Word)
        .ok_or_else(|| refusal(app, &visit.browser, "error.no_identity_proof", 403))
}

#[derive(Deserialize)]
pub(crate) struct Confirming {
    enrollment: Id,
    #[serde(default)]
    code: String,
    #[serde(default)]
    login: Option<String>,
    #[serde(default)]
    operation: Option<String>,
}

/// `POST /pages/bind`
pub(crate) async fn act(State(app): State<App>, Posted { visit, form }: Posted<UserVisit, Confirming>) -> Page {
    visit.sees(&app, UserPageName::Bind)?;
    let ticked = (form.login.is_some(), form.operation.is_some());
    let confirmation = Confirmation {
        codes: vec![Zeroizing::new(form.code)],
        login_protection: ticked.0,
        operation_protection: ticked.1,
        recovery_codes: true,
    };
    let id = form.enrollment;
    let confirmed = app
        .service
        .confirm_enrollment(visit.caller(), visit.owner(), id, &confirmation)
        .await;
    match confirmed {
        Ok((device, codes)) => Ok(bound(&app, &visit, &device, &codes)),
        Err(error @ (ServiceError::Internal(_) | ServiceError::Untrusted(_))) => {
            Err(refusal_of(&app, &visit.browser, &error))
        }
        Err(error) => {
            let alert = said::refused(visit.browser.lang, &error);
            shown(&app, &visit, id, Some(alert), ticked).await
        }
    }
}

/// The page after a binding, with the recovery codes that are shown once.
pub(crate) fn bound(app: &App, visit: &UserVisit, device: &DeviceView, codes: &[Zeroizing<String>]) -> Response {
    let frame = Frame::of(app, visit, "security");
    let mut file = Zeroizing::new(String::new());
    for code in codes {
        file.push_str(code);
        file.push_str("%0A");
    }
    let bound = Bound {
        frame: &frame,
        device,
        codes,
        file,
    };
    page(app, visit, &frame, &bound)
}
