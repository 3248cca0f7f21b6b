//! Forms: what a page of ours posts, with its session's form token.

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRef, FromRequest},
    http::Request,
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    answer::same,
    http::App,
    pages::{
        frame::{self, Refusal},
        visit::{Browser, Visitor, proven},
    },
};

/// The longest form of ours.
pub(super) const FORM_BYTES: usize = 16 * 1024;

/// The form token, which each form carries beside its own fields.
#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    form_token: String,
}

/// A form that a page of this visitor posted.
pub(crate) struct Posted<V, T> {
    pub(crate) visit: V,
    pub(crate) form: T,
}

impl<S, V, T> FromRequest<S> for Posted<V, T>
where
    S: Send + Sync,
    App: FromRef<S>,
    V: Visitor,
    T: DeserializeOwned,
{
    type Rejection = Refusal;

    async fn from_request(request: Request<Body>, state: &S) -> Result<Self, Refusal> {
        let app = App::from_ref(state);
        let (parts, body) = request.into_parts();
        let visit: V = proven(&parts, &app).await?;
        let browser = visit.browser().clone();
        let bytes = read(&app, &browser, body).await?;
        let token: Token = decoded(&app, &browser, &bytes)?;
        if !browser.is_from_here || !same(token.form_token.as_bytes(), visit.visitor().form_token.as_bytes()) {
            return Err(frame::refusal(&app, &browser, "error.other_form", 403));
        }
        let visitor = visit.visitor();
        let counted = app.service.act_on_page(&visitor.caller, visitor.id).await;
        counted.map_err(|error| frame::refusal_of(&app, &browser, &error))?;
        let form = decoded(&app, &browser, &bytes)?;
        Ok(Self { visit, form })
    }
}

/// A form of a page that needs no session: it carries the secret by which it is let in.
pub(crate) struct OpenForm<T> {
    pub(crate) browser: Browser,
    pub(crate) form: T,
}

impl<S, T> FromRequest<S> for OpenForm<T>
where
    S: Send + Sync,
    App: FromRef<S>,
    T: DeserializeOwned,
{
    type Rejection = Refusal;

    async fn from_request(request: Request<Body>, state: &S) -> Result<Self, Refusal> {
        let app = App::from_ref(state);
        let (parts, body) = request.into_parts();
        let browser = Browser::of(&parts, &app);
        let bytes = read(&app, &browser, body).await?;
        if !browser.is_from_here {
            return Err(frame::refusal(&app, &browser, "error.other_form", 403));
        }
        let form = decoded(&app, &browser, &bytes)?;
        Ok(Self { browser, form })
    }
}

async fn read(app: &App, browser: &Browser, body: Body) -> Result<Bytes, Refusal> {
    let read = to_bytes(body, FORM_BYTES).await;
    read.map_err(|_too_long| frame::refusal(app, browser, "error.form", 413))
}

pub(super) fn decoded<T: DeserializeOwned>(app: &App, browser: &Browser, bytes: &[u8]) -> Result<T, Refusal> {
    serde_urlencoded::from_bytes(bytes).map_err(|_| frame::refusal(app, browser, "error.form", 400))
}
