//! What pages load: one stylesheet, one module, the operator's colour and logo. Nothing from elsewhere.

use std::sync::LazyLock;

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::{
    answer::{empty, no_store},
    http::App,
};

const STYLE: &str = include_str!("../../assets/style.css");
const MODULE: &str = include_str!("../../assets/pages.js");

/// Part of the addresses of what is loaded, so that a browser keeps it for as long as it is the same.
pub(crate) fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let digest = Sha256::new().chain_update(STYLE).chain_update(MODULE).finalize();
        HEXLOWER.encode(&digest[..6])
    });
    &VERSION
}

/// One of them.
pub(crate) async fn get(State(app): State<App>, Path((asked, name)): Path<(String, String)>) -> Response {
    let (content_type, bytes): (&str, Vec<u8>) = match &*name {
        "style.css" => ("text/css; charset=utf-8", STYLE.into()),
        "pages.js" => ("text/javascript; charset=utf-8", MODULE.into()),
        "brand.css" => ("text/css; charset=utf-8", brand(&app).into()),
        "logo" => match &app.brand.logo {
            Some((content_type, bytes)) => (content_type, bytes.clone()),
            None => return empty(StatusCode::NOT_FOUND),
        },
        _ => return empty(StatusCode::NOT_FOUND),
    };
    let content_type = HeaderValue::from_str(content_type);
    let mut response = no_store(StatusCode::OK, "application/octet-stream", Body::from(bytes));
    let headers = response.headers_mut();
    if let Ok(content_type) = content_type {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    let is_ours = asked == version() && matches!(&*name, "style.css" | "pages.js");
    let kept = match is_ours {
        true => "public, max-age=31536000, immutable",
        // The operator's may change with a restart.
        false => "public, max-age=300",
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    // A logo is a picture, whatever it holds.
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    response
}

fn brand(app: &App) -> String {
    let brand = &app.brand;
    format!(":root{{--brand:{};--on-brand:{}}}\n", brand.colour, brand.text_colour)
}
