//! Endpoints of the documentation: OpenAPI.

use std::sync::LazyLock;

use axum::{
    Router,
    body::Body,
    http::StatusCode,
    response::{Redirect, Response},
    routing::get,
};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::{App, problem::no_store};

static OPENAPI: LazyLock<String> = LazyLock::new(|| api::openapi().to_json().unwrap_or_default());

/// `GET /openapi.json`
pub(crate) async fn openapi() -> Response {
    no_store(StatusCode::OK, "application/json", Body::from(OPENAPI.as_str()))
}

/// `GET /docs`: the document as a page, with nothing from elsewhere.
pub(crate) fn page() -> Router<App> {
    let ui: Router<App> = SwaggerUi::new("/docs").config(Config::from("/openapi.json")).into();
    ui.route("/", get(async || Redirect::temporary("/docs/")))
}
