//! `GET /openapi.json`, and `GET /docs`: the document as a page, with nothing from elsewhere.

use axum::{
    Router,
    body::{Body, Bytes},
    http::StatusCode,
    response::Redirect,
    routing::get,
};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::{answer::no_store, http::app::App};

pub(super) fn routes(document: &OpenApi) -> Router<App> {
    let text = document.to_json().expect("a document has no key but text");
    let text = Bytes::from(text);
    let page: Router<App> = SwaggerUi::new("/docs").config(Config::from("/openapi.json")).into();
    page.route("/", get(async || Redirect::temporary("/docs/"))).route(
        "/openapi.json",
        get(async move || no_store(StatusCode::OK, "application/json", Body::from(text))),
    )
}
