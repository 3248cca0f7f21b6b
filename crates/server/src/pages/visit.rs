//! The visitor of a page: the browser that asks, in its language, and the session that its cookie proves.

use std::{net::IpAddr, sync::Arc};

use askama::Template;
use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use service::{Caller, Id, Owner, PageHolder, PageVisit, PageVisitor, ServiceError, UserPageName, VisitPurpose};
use zeroize::Zeroizing;

use crate::{
    http::App,
    pages::{
        frame::{self, Frame, Refusal},
        words::Lang,
    },
    transport::received::Received,
};

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
    /// Its address, where no proxy stands before it.
    client: Option<IpAddr>,
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
            client: parts
                .extensions
                .get::<Received>()
                .and_then(|received| received.connection.client()),
            cookies,
        }
    }

    /// Where it comes from, as the trail has it.
    pub(crate) fn address(&self) -> Option<String> {
        self.client.map(|client| client.to_string())
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
fn set_cookie(response: &mut Response, text: &str) {
    if let Ok(mut value) = HeaderValue::from_str(text) {
        value.set_sensitive(true);
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Somebody whose session a cookie of their kind proves.
pub(crate) trait Visitor: Sized + Send {
    /// The cookie's name: no page of one kind takes another's.
    const COOKIE: &'static str;
    /// Whether links of other sites bring it along (`Lax`).
    const SAME_SITE: &'static str = "Lax";

    /// The visitor of a session that has begun or was proven; `None` of one of another kind.
    fn of(browser: Browser, visitor: PageVisitor) -> Option<Self>;
    fn browser(&self) -> &Browser;
    fn visitor(&self) -> &PageVisitor;

    /// What a browser without such a session is answered.
    fn none(app: &App, browser: &Browser) -> Refusal {
        frame::refusal(app, browser, "error.visit_ended", 403)
    }
}

/// The visitor whose session this request's cookie proves, or what is answered without one.
pub(crate) async fn proven<V: Visitor>(parts: &Parts, app: &App) -> Result<V, Refusal> {
    let browser = Browser::of(parts, app);
    let request = parts.extensions.get::<Received>().map(|received| received.id.clone());
    let found = found(app, &browser, request).await?;
    found.ok_or_else(|| V::none(app, &browser))
}

/// The visitor whose session this browser's cookie proves; `None` where it has ended, or is of another kind.
pub(crate) async fn found<V: Visitor>(
    app: &App,
    browser: &Browser,
    request: Option<Arc<str>>,
) -> Result<Option<V>, Refusal> {
    let Some(cookie) = browser.cookie(V::COOKIE) else {
        return Ok(None);
    };
    match app.service.page_visitor(cookie, browser.address()).await {
        Ok(mut visitor) => {
            visitor.caller = visitor.caller.with_request(request);
            Ok(V::of(browser.clone(), visitor))
        }
        Err(ServiceError::NotFound(_)) => Ok(None),
        Err(error) => Err(frame::refusal_of(app, browser, &error)),
    }
}

/// A page of a visitor, with the language that was chosen, and the cookie that takes the place of the one that was shown.
pub(crate) fn page<V: Visitor>(app: &App, visit: &V, frame: &Frame, template: &impl Template) -> Response {
    let mut response = frame::html(app, frame, StatusCode::OK, template);
    visit.browser().keep_lang(&mut response);
    if let Some(cookie) = &visit.visitor().next_cookie {
        begin_session::<V>(&mut response, cookie);
    }
    response
}

/// Gives the browser the cookie of its session: for this host alone, never for scripts.
pub(crate) fn begin_session<V: Visitor>(response: &mut Response, cookie: &str) {
    let text = Zeroizing::new(format!(
        "{}={cookie}; Path=/; Secure; HttpOnly; SameSite={}",
        V::COOKIE,
        V::SAME_SITE
    ));
    set_cookie(response, &text);
}

/// Takes it away.
pub(crate) fn end_session<V: Visitor>(response: &mut Response) {
    let text = format!(
        "{}=; Path=/; Secure; HttpOnly; SameSite={}; Max-Age=0",
        V::COOKIE,
        V::SAME_SITE
    );
    set_cookie(response, &text);
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
    pub(crate) fn owner(&self) -> &Owner {
        &self.visit.owner
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.visitor.caller
    }

    pub(crate) fn session(&self) -> Id {
        self.visitor.id
    }

    /// Whether they came from this session, as whoever sent them said.
    pub(crate) fn is_from(&self, id: Id) -> bool {
        matches!(self.visit.purpose, VisitPurpose::Settings { session, .. } if session == Some(id))
    }

    /// Refuses a page that their link is not for.
    pub(crate) fn sees(&self, app: &App, page: UserPageName) -> Result<(), Refusal> {
        match self.scope.leads_to(page) {
            true => Ok(()),
            false => Err(frame::refusal(app, &self.browser, "error.other_page", 403)),
        }
    }
}

impl Visitor for UserVisit {
    const COOKIE: &'static str = "__Host-countersign-user";

    fn of(browser: Browser, visitor: PageVisitor) -> Option<Self> {
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

    fn browser(&self) -> &Browser {
        &self.browser
    }

    fn visitor(&self) -> &PageVisitor {
        &self.visitor
    }
}

impl<S: Send + Sync> FromRequestParts<S> for UserVisit
where
    App: FromRef<S>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        proven(parts, &App::from_ref(state)).await
    }
}
