//! The cloud's mouth: forms in, pages and redirects out.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{Form, FromRequest as _, Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode},
    response::{IntoResponse as _, Response},
};
use tokio::task::block_in_place;

use super::{Cloud, Reply, Sent, Told, pages};

const COOKIE: &str = "__Host-toy-cloud";
/// A browser in which the user wants no check at login for seven days.
const TRUSTED: &str = "__Host-toy-trusted";

pub(super) async fn serve(State(cloud): State<Arc<Cloud>>, request: Request) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let headers = request.headers();
    let (cookie, trusted) = (cookie(headers, COOKIE), cookie(headers, TRUSTED));
    let agent = header(headers, "user-agent").to_owned();
    // A form on somebody else's page is not this user's word.
    let site = header(headers, "sec-fetch-site");
    let is_own = method == Method::GET || ["", "same-origin", "none"].contains(&site);
    let form = Form::<BTreeMap<String, String>>::from_request(request, &()).await;
    let Ok(Form(form)) = form else {
        return reply(Err("this is no form".into()));
    };
    let sent = Sent {
        cookie,
        trusted,
        agent,
        form,
    };
    match is_own {
        true => reply(block_in_place(|| cloud.route(&method, &path, &sent))),
        false => reply(Err("this did not come from here".into())),
    }
}

fn reply(told: Told<Reply>) -> Response {
    let policy = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'";
    let html = |body: String| {
        let headers = [
            ("content-type", "text/html; charset=utf-8"),
            ("content-security-policy", policy),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
        ];
        (headers, body).into_response()
    };
    let go = |to: String| (StatusCode::SEE_OTHER, [("location", to)]).into_response();
    match told {
        Ok(Reply::Page(body)) => html(body),
        Ok(Reply::Go(to)) => go(to),
        Ok(Reply::Enter(cookie, next)) => {
            let cookie = format!("{COOKIE}={cookie}; Path=/; HttpOnly; Secure; SameSite=Lax");
            ([("set-cookie", cookie)], reply(Ok(*next))).into_response()
        }
        Ok(Reply::Trust(token, next)) => {
            let cookie = format!("{TRUSTED}={token}; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=604800");
            ([("set-cookie", cookie)], reply(Ok(*next))).into_response()
        }
        Ok(Reply::Style) => ([("content-type", "text/css")], pages::STYLE).into_response(),
        Err(why) => {
            let page = pages::page("No", &why.to_string(), "<p><a href=\"/\">To the first page</a></p>");
            (StatusCode::FORBIDDEN, html(page)).into_response()
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &'static str) -> &'a str {
    let found = headers.get(HeaderName::from_static(name));
    found.and_then(|value| value.to_str().ok()).unwrap_or("")
}

fn cookie(headers: &HeaderMap, wanted: &str) -> String {
    let mut pairs = header(headers, "cookie")
        .split("; ")
        .filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(name, _)| *name == wanted)
        .map_or_else(String::new, |(_, value)| value.to_owned())
}
