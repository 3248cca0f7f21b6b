//! What all pages look like and are sent with: the head, the language, the headers that keep them to themselves.

use askama::Template;
use axum::{
    body::Body,
    extract::{FromRequestParts as _, Request, State},
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use service::{Owner, ServiceError, UnixMs};

use crate::{
    answer::no_store,
    http::App,
    pages::{
        assets,
        fresh::FreshFields,
        hidden, said,
        staff::StaffFrame,
        visit::{Browser, UserVisit},
        words::Lang,
    },
};

/// What handlers of pages give.
pub(crate) type Page = Result<Response, Refusal>;

/// A page that says why there is no other.
pub(crate) struct Refusal(Box<Response>);

impl From<Response> for Refusal {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// What every template has: the language, the brand, whose page it is, where it leads back to.
pub(crate) struct Frame {
    pub(crate) lang: Lang,
    pub(crate) brand_name: String,
    pub(crate) has_logo: bool,
    pub(crate) contact: Option<String>,
    /// The path of this page, up to where a language is added.
    pub(crate) path: String,
    /// The user whose page it is.
    pub(crate) owner: Option<Owner>,
    /// What forms carry.
    pub(crate) form_token: String,
    /// The host that the user goes back to.
    pub(crate) back_to: Option<String>,
    /// The pages beside this one are shown.
    pub(crate) has_menu: bool,
    /// The page's name in the menu.
    pub(crate) here: &'static str,
    /// What went wrong with what was posted, at the head of the page.
    pub(crate) alert: Option<String>,
    /// What was done.
    pub(crate) notice: Option<String>,
    pub(crate) assets: &'static str,
    /// The time of the page, by which it counts down.
    pub(crate) served_at: Option<UnixMs>,
    /// By what forms may lead elsewhere besides, at the end.
    pub(crate) form_action: Option<&'static str>,
    /// One of staff whose page it is.
    pub(crate) staff: Option<StaffFrame>,
}

impl Frame {
    /// The frame of nobody's page.
    pub(crate) fn plain(app: &App, browser: &Browser) -> Self {
        let brand = &app.brand;
        Self {
            lang: browser.lang,
            brand_name: brand.name.clone(),
            has_logo: brand.logo.is_some(),
            contact: brand.contact.clone(),
            path: browser.path.clone(),
            owner: None,
            form_token: String::new(),
            back_to: None,
            has_menu: false,
            here: "",
            alert: None,
            notice: None,
            assets: assets::version(),
            served_at: None,
            form_action: None,
            staff: None,
        }
    }

    /// The frame of a page of a user's settings.
    pub(crate) fn of(app: &App, visit: &UserVisit, here: &'static str) -> Self {
        Self {
            owner: Some(visit.owner().clone()),
            form_token: visit.visitor.form_token.to_string(),
            has_menu: visit.scope == service::UserPageName::Security,
            here,
            served_at: Some(visit.visitor.seen_at),
            ..Self::plain(app, &visit.browser).leading_to(&visit.visit.return_url)
        }
    }

    /// As the page of this path, whatever was posted where: another language is asked for there.
    pub(crate) fn at(self, path: &str) -> Self {
        let joint = if path.contains('?') { '&' } else { '?' };
        Self {
            path: format!("{path}{joint}"),
            ..self
        }
    }

    /// With what went wrong.
    pub(crate) fn alerting(self, alert: Option<String>) -> Self {
        Self { alert, ..self }
    }

    /// With where forms may lead besides.
    pub(crate) fn leading_to(self, address: &str) -> Self {
        Self {
            form_action: Some(schemes_of(address)),
            back_to: host_of(address).map(str::to_owned),
            ..self
        }
    }

    /// The pages beside this one: name, path, words.
    pub(crate) fn menu(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[
            ("security", "/pages/security", "common.menu_device"),
            ("protection", "/pages/protection", "common.menu_protection"),
            (
                "suspicious_login",
                "/pages/suspicious-login",
                "common.menu_suspicious_login",
            ),
            ("sessions", "/pages/sessions", "common.menu_sessions"),
            (
                "trusted_devices",
                "/pages/trusted-devices",
                "common.menu_trusted_devices",
            ),
            ("history", "/pages/history", "common.menu_history"),
        ]
    }

    /// The fields of a fresh code, where it is not known what the user has.
    pub(crate) fn fresh(&self) -> FreshFields {
        FreshFields {
            digits: None,
            has_paper: true,
            by_recovery_code: false,
        }
    }

    /// The words of a key.
    pub(crate) fn t(&self, key: &str) -> String {
        self.lang.say(key, &[])
    }

    /// The words of a key, with one thing filled in.
    pub(crate) fn t1(&self, key: &str, name: &str, value: impl ToString) -> String {
        self.lang.say(key, &[(name, &value.to_string())])
    }

    /// The words of a key, with two things filled in.
    pub(crate) fn t2(&self, key: &str, one: &(&str, &str), other: &(&str, &str)) -> String {
        self.lang.say(key, &[*one, *other])
    }

    /// A time as people read it, in UTC; the page's module makes it local.
    pub(crate) fn time(&self, at: &UnixMs) -> String {
        said::time(*at)
    }

    /// The same for `datetime`.
    pub(crate) fn machine_time(&self, at: &UnixMs) -> String {
        crate::http::time(*at).to_string()
    }
}

/// A page.
pub(crate) fn html(app: &App, frame: &Frame, status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => guarded(
            app,
            frame,
            no_store(
                status,
                "text/html; charset=utf-8",
                Body::from(hidden::written_out(text)),
            ),
        ),
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            crate::answer::empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// The headers that keep a page to itself.
fn guarded(app: &App, frame: &Frame, mut response: Response) -> Response {
    let also = frame.form_action.unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self' {also}; \
         base-uri 'none'; frame-ancestors 'none'"
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(policy.trim()) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if app.brand.url.as_deref().is_some_and(|url| url.starts_with("https:")) {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    response
}

/// To another page, which is loaded by GET.
pub(crate) fn redirect(location: &str) -> Response {
    let mut response = no_store(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", Body::empty());
    if let Ok(value) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
        .headers_mut()
        .insert("referrer-policy", HeaderValue::from_static("no-referrer"));
    response
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    frame: &'a Frame,
    title: String,
    text: String,
}

/// A page that says one thing.
pub(crate) fn message(app: &App, frame: &Frame, status: u16, (title, text): (String, String)) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    html(app, frame, status, &Message { frame, title, text })
}

/// A page that says why there is no other, in the words of this key.
pub(crate) fn refusal(app: &App, browser: &Browser, key: &str, status: u16) -> Refusal {
    let frame = Frame::plain(app, browser);
    let said = (frame.t("error.title"), frame.t(key));
    message(app, &frame, status, said).into()
}

/// A page that says why a use case refused.
pub(crate) fn refusal_of(app: &App, browser: &Browser, error: &ServiceError) -> Refusal {
    let frame = Frame::plain(app, browser);
    let said = (frame.t("error.title"), said::refused(frame.lang, error));
    message(app, &frame, said::status(error), said).into()
}

/// `GET` of what is only posted to: somebody loads a page anew, or asks for it in another language. The page that posts there.
pub(crate) async fn posted_from(browser: Browser, asked: Uri) -> Response {
    let path = match asked.path() {
        "/pages/leave" | "/pages/kept" => "/pages/security",
        path => path.rsplit_once('/').map_or("/", |(page, _)| page),
    };
    match browser.chose_lang {
        true => redirect(&format!("{path}?lang={}", browser.lang.name())),
        false => redirect(path),
    }
}

/// What is no page.
pub(crate) async fn not_found(State(app): State<App>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    match Browser::from_request_parts(&mut parts, &app).await {
        Ok(browser) => refusal(&app, &browser, "error.no_page", 404).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

/// Where a form may lead that sends its user back. Browsers hold every redirect that follows to this, and whoever they go back to
/// sends them on: a login service to its console. With one host alone the last click of a visit would do nothing at all.
fn schemes_of(address: &str) -> &'static str {
    match address.starts_with("https:") {
        true => "https:",
        false => "https: http:",
    }
}

/// `scheme://host` of an address that was checked when it was given.
fn origin_of(address: &str) -> Option<&str> {
    let from = address.find("://")? + 3;
    let end = address
        .get(from..)?
        .find(['/', '?', '#'])
        .map_or(address.len(), |at| from + at);
    address.get(..end)
}

fn host_of(address: &str) -> Option<&str> {
    origin_of(address)?.split_once("://").map(|(_, host)| host)
}

/// The address of a path of the pages, for those who are elsewhere.
pub(crate) fn page_url(app: &App, path: &str) -> String {
    format!("{}{path}", app.brand.url.as_deref().unwrap_or_default())
}
