//! Hosted pages: visits as browsers have them, with cookies, and the pages that are asked for in turn.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::{Any, client::Connection, filling::LOT, heads::Heads, population, shots::Shots};

/// The key's only one.
pub(crate) const RETURN_URL: &str = "http://127.0.0.1:1/back";
/// The link of a prompt, whose page is shown before anybody opens it.
pub(crate) const PROMPT: &str = "/pages/open/";
/// Where staff sign in.
const STAFF: &str = "/staff";
/// Shown to whoever has no device.
pub(crate) const BIND: &str = "/pages/bind";
/// Staff's page about a user.
pub(crate) const STAFF_USER: &str = "/staff/users";
/// Staff's page about a lot.
pub(crate) const STAFF_LOT: &str = "/staff/lots/one";
/// What happened to a user.
pub(crate) const HISTORY: &str = "/pages/history";
/// Of all kinds: with a list, with a form, with neither, and the prompt.
pub(crate) const MIXED: &[&str] = &["/pages/security", "/pages/protection", "/pages/sessions", BIND, PROMPT];

/// Whether a page shows what happened to somebody: it is found by an index that is filled behind the writer.
pub(crate) fn has_history(paths: &[&str]) -> bool {
    paths.iter().any(|path| [HISTORY, STAFF_USER].contains(path))
}

/// What one browser asks for, in turn: requests up to their length.
pub(crate) struct Visit(Vec<Vec<u8>>);

impl Visit {
    pub(crate) fn next(&self, turn: usize) -> &[u8] {
        &self.0[turn % self.0.len()]
    }
}

/// A browser of the user of this number, who is let in, and that of somebody without a device.
pub(crate) async fn begin(
    connection: &mut Connection,
    heads: &Heads,
    shots: &Shots,
    number: u32,
    paths: &[&str],
) -> Any<Visit> {
    let bound = number % shots.devices;
    let cookie = let_in(connection, heads, bound).await?;
    let is_staff = paths.iter().any(|path| path.starts_with(STAFF));
    let staff = if is_staff {
        sign_in(connection, heads).await?
    } else {
        String::new()
    };
    let newcomer = let_in(connection, heads, population::nobody(shots.devices) + number).await?;
    let mut asked = Vec::new();
    for path in paths {
        let (path, cookie) = match *path {
            PROMPT => (prompt(connection, heads, bound).await?, &cookie),
            BIND => (BIND.to_owned(), &newcomer),
            STAFF_USER => {
                let (account, user) = (population::account(bound), population::user(bound));
                (format!("{STAFF_USER}?account={account}&user={user}"), &staff)
            }
            STAFF_LOT => (format!("{STAFF_LOT}?lot={LOT}"), &staff),
            path if path.starts_with(STAFF) => (path.to_owned(), &staff),
            path => (path.to_owned(), &cookie),
        };
        asked.push(get(heads.address, &path, cookie));
    }
    Ok(Visit(asked))
}

/// The cookie of a session of the security settings.
async fn let_in(connection: &mut Connection, heads: &Heads, number: u32) -> Any<String> {
    let (account, user) = (population::account(number), population::user(number));
    let path = format!("/v1/accounts/{account}/users/{user}/page-links");
    let wanted = json!({
        "page": "security", "return_url": RETURN_URL, "state": "load", "actor": {"id": "load", "kind": "service"},
    });
    let path = link(connection, heads, &path, &wanted).await?;
    let token = path.strip_prefix(PROMPT).ok_or("no link")?;
    let (status, _) = connection
        .post(
            &posted(heads.address, "/pages/open"),
            format!("token={token}").as_bytes(),
        )
        .await?;
    cookie(connection).ok_or_else(|| format!("{status} without a cookie").into())
}

/// The cookie that came with the last answer.
fn cookie(connection: &Connection) -> Option<String> {
    let set = connection.header("set-cookie")?;
    Some(set.split(';').next()?.to_owned())
}

/// The cookie of a session of staff.
async fn sign_in(connection: &mut Connection, heads: &Heads) -> Any<String> {
    let form = format!("actor=load&api_key={}", heads.key);
    let (status, _) = connection.post(&posted(heads.address, STAFF), form.as_bytes()).await?;
    cookie(connection).ok_or_else(|| format!("{status} without a cookie").into())
}

/// The path of a prompt's link.
async fn prompt(connection: &mut Connection, heads: &Heads, number: u32) -> Any<String> {
    let mut body = Vec::new();
    crate::challenge::identity(&mut body, number);
    let (status, asked) = connection.post(&heads.challenge, &body).await?;
    let asked: Value = serde_json::from_slice(asked)?;
    let id = asked["id"].as_str().ok_or_else(|| format!("{status} {asked}"))?;
    let wanted = json!({
        "return_url": RETURN_URL, "state": "load", "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    });
    link(connection, heads, &format!("/v1/challenges/{id}/page-link"), &wanted).await
}

/// The path of the link that is made there.
async fn link(connection: &mut Connection, heads: &Heads, path: &str, wanted: &Value) -> Any<String> {
    let (status, made) = connection.post(&heads.at(path), wanted.to_string().as_bytes()).await?;
    let made: Value = serde_json::from_slice(made)?;
    let url = made["url"].as_str().ok_or_else(|| format!("{status} {made}"))?;
    let at = url.find("/pages/").ok_or("no page")?;
    Ok(url[at..].to_owned())
}

fn get(address: SocketAddr, path: &str, cookie: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept-Language: en\r\nCookie: {cookie}\r\nSec-Fetch-Site: none\r\n\
         Content-Length: "
    )
    .into_bytes()
}

fn posted(address: SocketAddr, path: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nSec-Fetch-Site: same-origin\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
    )
    .into_bytes()
}
