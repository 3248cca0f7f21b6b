//! Binding an authenticator app: scan, type the first code, choose what it protects, keep the recovery codes.

use askama::Template;
use axum::{extract::State, response::Response};
use serde::Deserialize;
use service::{
    Confirmation, DeviceView, Id, NewDevice, ProtectionMethod, Replacement, ServiceError, StartedEnrollment,
    UserPageName, UserView,
};
use zeroize::Zeroizing;

use crate::{
    http::App,
    pages::{
        address::Queried,
        device::{Asking, start, unproven},
        form::Posted,
        frame::{Frame, Page, Refusal, redirect, refusal_of},
        fresh::factor,
        said,
        visit::{UserVisit, page},
        words::Lang,
    },
};

const PATH: &str = "/pages/bind";

#[derive(Template)]
#[template(path = "bind.html")]
struct Bind<'a> {
    frame: &'a Frame,
    started: &'a StartedEnrollment,
    boxes: Boxes,
}

#[derive(Template)]
#[template(path = "begin.html")]
struct Begin<'a> {
    frame: &'a Frame,
    begin: Beginning<'a>,
}

/// What a page that begins a binding depends on.
pub(crate) struct Beginning<'a> {
    pub(crate) user: &'a UserView,
    pub(crate) ask: Asking<'a>,
    /// Their link says who they are.
    pub(crate) is_proven: bool,
    /// Their link lets them replace the device that they have.
    pub(crate) may_replace: bool,
}

impl<'a> Beginning<'a> {
    pub(crate) fn of(visit: &UserVisit, user: &'a UserView) -> Self {
        Self {
            user,
            ask: Asking::of(user),
            is_proven: unproven(visit).is_none(),
            may_replace: visit.scope.leads_to(UserPageName::Replace),
        }
    }

    /// Whether a binding can begin here: the first device, or one beside others.
    pub(crate) fn is_possible(&self) -> bool {
        self.is_proven && (self.user.devices.is_empty() || self.user.may_have_another)
    }
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

/// What the device is to protect, as it is ticked.
#[derive(Clone, Copy)]
pub(crate) struct Boxes {
    pub(crate) login: bool,
    pub(crate) operation: bool,
}

impl Boxes {
    /// What is ticked from the start: both for a first device, else what is so already (B5).
    pub(crate) fn of(user: &UserView) -> Self {
        let is_first = user.devices.is_empty();
        let protection = &user.protection;
        Self {
            login: is_first || protection.login_protection.method == ProtectionMethod::Mfa,
            operation: is_first || protection.operation_protection.method == ProtectionMethod::Mfa,
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    pub(crate) enrollment: Option<Id>,
}

/// `GET /pages/bind`
pub(crate) async fn show(State(app): State<App>, visit: UserVisit, Queried(asked): Queried<Asked>) -> Page {
    visit.sees(&app, UserPageName::Bind)?;
    match asked.enrollment {
        Some(id) => shown(&app, &visit, id, None, None).await,
        None => to_begin(&app, &visit, unproven(&visit)).await,
    }
}

/// The user's factors.
pub(crate) async fn user(app: &App, visit: &UserVisit) -> Result<UserView, Refusal> {
    let user = app.service.user(visit.caller(), visit.owner()).await;
    user.map_err(|error| refusal_of(app, &visit.browser, &error))
}

/// The page of an enrollment that lives; of one that ended, the button that starts anew.
async fn shown(app: &App, visit: &UserVisit, id: Id, alert: Option<String>, ticked: Option<Boxes>) -> Page {
    let shown = app.service.enrollment_on_page(visit.caller(), visit.owner(), id).await;
    match shown {
        Ok(shown) if shown.started.shown.is_some() => {
            let boxes = match ticked {
                Some(boxes) => boxes,
                None => Boxes::of(&user(app, visit).await?),
            };
            let frame = Frame::of(app, visit, "security").at(&format!("{PATH}?enrollment={id}"));
            let frame = frame.alerting(alert);
            let bind = Bind {
                frame: &frame,
                started: &shown.started,
                boxes,
            };
            Ok(page(app, visit, &frame, &bind))
        }
        Ok(_) => Ok(redirect(&format!("/pages/bind-token?enrollment={id}"))),
        Err(error) => {
            let alert = alert.unwrap_or_else(|| said::refused(visit.browser.lang, &error));
            to_begin(app, visit, Some(alert)).await
        }
    }
}

/// The page with the button that starts.
async fn to_begin(app: &App, visit: &UserVisit, alert: Option<String>) -> Page {
    let user = user(app, visit).await?;
    let frame = Frame::of(app, visit, "security").at(PATH).alerting(alert);
    let begin = Begin {
        frame: &frame,
        begin: Beginning::of(visit, &user),
    };
    Ok(page(app, visit, &frame, &begin))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Starting {
    code: Zeroizing<String>,
    recovery_code: Zeroizing<String>,
}

/// `POST /pages/bind/start`
pub(crate) async fn start_app(State(app): State<App>, Posted { visit, form }: Posted<UserVisit, Starting>) -> Page {
    visit.sees(&app, UserPageName::Bind)?;
    begin_by(&app, &visit, further(&form.code, &form.recovery_code)).await
}

/// The factor that a device beside others costs.
pub(crate) fn further(code: &Zeroizing<String>, recovery_code: &Zeroizing<String>) -> Option<Replacement> {
    factor(code, recovery_code).map(|factor| Replacement { replaces: None, factor })
}

/// Starts an enrollment, and leads to its page.
pub(crate) async fn begin(app: &App, visit: &UserVisit) -> Page {
    begin_by(app, visit, None).await
}

async fn begin_by(app: &App, visit: &UserVisit, factor: Option<Replacement>) -> Page {
    match start(app, visit, NewDevice::App { issuer: None }, factor).await {
        Ok(id) => Ok(redirect(&format!("{PATH}?enrollment={id}"))),
        Err(alert) => to_begin(app, visit, Some(alert)).await,
    }
}

#[derive(Deserialize)]
pub(crate) struct Confirming {
    enrollment: Id,
    #[serde(default)]
    code: Zeroizing<String>,
    /// Where the operator asks for two.
    second: Option<Zeroizing<String>>,
    login: Option<String>,
    operation: Option<String>,
}

/// `POST /pages/bind`
pub(crate) async fn act(State(app): State<App>, Posted { visit, form }: Posted<UserVisit, Confirming>) -> Page {
    visit.sees(&app, UserPageName::Bind)?;
    let boxes = Boxes {
        login: form.login.is_some(),
        operation: form.operation.is_some(),
    };
    let codes = [Some(form.code), form.second].into_iter().flatten().collect();
    match confirm(&app, &visit, form.enrollment, codes, (boxes, said::refused)).await? {
        Ok(bound) => Ok(bound),
        Err(alert) => shown(&app, &visit, form.enrollment, Some(alert), Some(boxes)).await,
    }
}

/// Completes a binding: the page of the recovery codes, or what is told, in these words, of codes that were refused.
pub(crate) async fn confirm(
    app: &App,
    visit: &UserVisit,
    id: Id,
    codes: Vec<Zeroizing<String>>,
    (boxes, told): (Boxes, fn(Lang, &ServiceError) -> String),
) -> Result<Result<Response, String>, Refusal> {
    let confirmation = Confirmation {
        codes,
        login_protection: boxes.login,
        operation_protection: boxes.operation,
        recovery_codes: true,
    };
    let confirmed = app
        .service
        .confirm_enrollment(visit.caller(), visit.owner(), id, &confirmation)
        .await;
    match confirmed {
        Ok((device, codes)) => Ok(Ok(bound(app, visit, &device, &codes))),
        Err(error @ (ServiceError::Internal(_) | ServiceError::Untrusted(_))) => {
            Err(refusal_of(app, &visit.browser, &error))
        }
        Err(error) => Ok(Err(told(visit.browser.lang, &error))),
    }
}

/// The page after a binding, with the recovery codes that are shown once.
fn bound(app: &App, visit: &UserVisit, device: &DeviceView, codes: &[Zeroizing<String>]) -> Response {
    let frame = Frame::of(app, visit, "security").at("/pages/security");
    let bound = Bound {
        frame: &frame,
        device,
        codes,
        file: as_file(codes),
    };
    page(app, visit, &frame, &bound)
}

/// Recovery codes as a file, one a line.
pub(crate) fn as_file(codes: &[Zeroizing<String>]) -> Zeroizing<String> {
    let mut file = Zeroizing::new(String::new());
    for code in codes {
        file.push_str(code);
        file.push_str("%0A");
    }
    file
}
