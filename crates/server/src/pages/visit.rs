//! The visitor of a page: the browser that asks, in its language, and the session that its cookie proves.

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::Response,
};
use service::{Caller, Id, Owner, PageHolder, PageVisit, PageVisitor, ServiceError, UserPageName, VisitPurpose};
use zeroize::Zeroizing;

use crate::{
    http::App,
    pages::{
        frame::{self, Refusal},
        words::Lang,
    },
};

/// The cookie of a user who changes their settings.
pub(crate) const USER: &str = "__Host-countersign-user";
/// The cookie of a chosen language.
const LANG: &str = "countersign-lang";

/// A browser, before it is known whose it is.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) lang: Lang,
    /// It has just chosen the language.
    pub(crate) chose_lang: bool,
    /// The path of the page, for the links to the other language.
    pub(crate) path: String,
    /// It comes from a page of ours, as the browser says and no page can make it say.
    pub(crate) is_from_here: bool,
    cookies: Vec<(String, Zeroizing<String>)>,
}

impl Browser {
    pub(crate) fn of(parts: &Parts, app: &App) -> Self {
        let query = parts.uri.query().unwrap_or_default();
        let chosen = query
            .split('&')
            .find_map(|pair| Lang::named(pair.strip_prefix("lang=")?));
        let cookies = cookies(&parts.headers);
        let kept = cookies.iter().find(|(name, _)| name == LANG);
        let kept = kept.and_then(|(_, value)| Lang::named(value));
        let lang = chosen.or(kept).or_else(|| Lang::accepted(&parts.headers));
        // The language is chosen by what else stands there, too.
        let rest: Vec<&str> = query
            .split('&')
            .filter(|pair| !pair.is_empty() && !pair.starts_with("lang="))
            .collect();
        let path = match rest.is_empty() {
            true => format!("{}?", parts.uri.path()),
            false => format!("{}?{}&", parts.uri.path(), rest.join("&")),
        };
        Self {
            lang: lang.unwrap_or(Lang::En),
            chose_lang: chosen.is_some(),
            path,
            is_from_here: is_from_here(&parts.headers, app.brand.url.as_deref()),
            cookies,
        }
    }

    /// The value of this cookie. Two of one name are none: another site of the same name may have set one.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let mut found = self.cookies.iter().filter(|(own, _)| own == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }

    /// Keeps the language that was chosen.
    pub(crate) fn keep_lang(&self, response: &mut Response) {
        if self.chose_lang {
            let value = format!(
                "{LANG}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=31536000",
                self.lang.name()
            );
            set_cookie(response, &value);
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Browser
where
    App: FromRef<S>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        Ok(Self::of(parts, &App::from_ref(state)))
    }
}

fn cookies(headers: &HeaderMap) -> Vec<(String, Zeroizing<String>)> {
    let texts = headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .map(|(name, value)| (name.to_owned(), Zeroizing::new(value.to_owned())))
        .collect()
}

/// Whether a request comes from a page of ours. Browsers say so by `Sec-Fetch-Site`; of one that does not, by `Origin`, which
/// is `null` from a page that sends no referrer.
fn is_from_here(headers: &HeaderMap, own: Option<&str>) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let origin_is = |wanted: &str| text("origin") == Some(wanted);
    match text("sec-fetch-site") {
        Some("same-origin") => own.is_none_or(origin_is) || origin_is("null") || text("origin").is_none(),
        Some(_) => false,
        None => own.is_some_and(origin_is),
    }
}

/// Sets a cookie.
pub(crate) fn set_cookie(response: &mut Response, text: &str) {
    if let Ok(mut value) = HeaderValue::from_str(text) {
        value.set_sensitive(true);
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// The text of a session's cookie: for this host alone, never for scripts, not sent by other sites' forms.
pub(crate) fn session_cookie(name: &str, value: &str, same_site: &str) -> Zeroizing<String> {
    Zeroizing::new(format!(
        "{name}={value}; Path=/; Secure; HttpOnly; SameSite={same_site}"
    ))
}

/// The text that ends a cookie.
pub(crate) fn ended_cookie(name: &str) -> String {
    format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
}

/// A user who changes their settings, by the cookie of an opened link.
pub(crate) struct UserVisit {
    pub(crate) browser: Browser,
    pub(crate) visitor: PageVisitor,
    pub(crate) visit: PageVisit,
    /// The page that their link is for.
    pub(crate) scope: UserPageName,
}

impl UserVisit {
    /// The visit of a session that has begun or was proven.
    pub(crate) fn of(browser: Browser, visitor: PageVisitor) -> Option<Self> {
        let PageHolder::User(visit) = &visitor.holder else {
            return None;
        };
        let VisitPurpose::Settings { page, .. } = &visit.purpose else {
            return None;
        };
        Some(Self {
            scope: UserPageName::named(page)?,
            visit: visit.clone(),
            browser,
            visitor,
        })
    }

    pub(crate) fn owner(&self) -> &Owner {
        &self.visit.owner
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.visitor.caller
    }

    pub(crate) fn session(&self) -> Id {
        self.visitor.id
    }

    /// Refuses a page that their link is not for.
    pub(crate) fn sees(&self, app: &App, page: UserPageName) -> Result<(), Refusal> {
        match self.scope.leads_to(page) {
            true => Ok(()),
            false => Err(frame::refusal(app, &self.browser, "error.other_page", 403)),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for UserVisit
where
    App: FromRef<S>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let app = App::from_ref(state);
        let browser = Browser::of(parts, &app);
        let visitor = visitor(&app, &browser, USER).await?;
        let ended = frame::refusal(&app, &browser, "error.visit_ended", 403);
        Self::of(browser, visitor).ok_or(ended)
    }
}

/// The session that the cookie of this name proves.
pub(crate) async fn visitor(app: &App, browser: &Browser, cookie: &str) -> Result<PageVisitor, Refusal> {
    let shown = browser.cookie(cookie).unwrap_or_default();
    match app.service.page_visitor(shown, None).await {
        Ok(visitor) => Ok(visitor),
        Err(ServiceError::NotFound(_)) => Err(frame::refusal(app, browser, "error.visit_ended", 403)),
        Err(error) => Err(frame::refusal_of(app, browser, &error)),
    }
}
