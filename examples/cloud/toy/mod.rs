//! The toy cloud itself. It keeps everything in memory, and passwords as no other cloud should: as plain digests.

mod countersign;
mod pages;

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{Form, FromRequest as _, Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode},
    response::{IntoResponse as _, Response},
};
use data_encoding::BASE64URL_NOPAD;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use tokio::task::block_in_place;

use self::countersign::{ACCOUNT, Countersign, client, text};

/// Every error, and so every doubt, is a no.
pub(crate) type Told<T> = Result<T, Box<dyn Error>>;

/// What a program has of its machine.
pub(crate) struct Means {
    pub(crate) random: Box<dyn Fn() -> Told<[u8; 32]> + Send + Sync>,
    /// As RFC 3339 writes it.
    pub(crate) now: Box<dyn Fn() -> String + Send + Sync>,
}

/// In the catalogue of sensitive operations.
const OPERATION: &str = "cloud-object-storage/deleting-a-bucket";
const COOKIE: &str = "__Host-toy-cloud";
const USERS_MAX: usize = 100;
const VISITS_MAX: usize = 1_000;
const NAME_MAX: usize = 40;

pub(crate) struct Cloud {
    countersign: Countersign,
    /// Scheme, host and port.
    own: String,
    means: Means,
    users: Mutex<BTreeMap<String, User>>,
    /// By the browser's cookie.
    visits: Mutex<BTreeMap<String, Visit>>,
}

struct User {
    password: Vec<u8>,
    buckets: BTreeSet<String>,
}

/// A browser whose user gave the right password.
#[derive(Clone)]
struct Visit {
    user: String,
    password_at: String,
    /// Countersign's, once the login is through: its id and its token.
    session: Option<(String, String)>,
    /// Given to the pages, and compared when the browser comes back.
    state: Option<String>,
    asked: Option<Asked>,
    said: &'static str,
}

/// A check that waits for its code.
#[derive(Clone)]
struct Asked {
    challenge: String,
    methods: Value,
    purpose: Purpose,
}

#[derive(Clone)]
enum Purpose {
    Login,
    Delete(String),
}

/// What a browser sent.
struct Sent {
    cookie: String,
    agent: String,
    form: BTreeMap<String, String>,
}

impl Sent {
    fn field(&self, name: &str) -> &str {
        self.form.get(name).map_or("", String::as_str)
    }
}

enum Reply {
    Page(String),
    Go(String),
    /// The same, with this cookie.
    Enter(String, Box<Reply>),
    Style,
}

pub(crate) fn router(cloud: Cloud) -> Router {
    Router::new().fallback(serve).with_state(Arc::new(cloud))
}

impl Cloud {
    pub(crate) fn new(server: &str, api_key: &str, own: &str, means: Means) -> Self {
        Self {
            countersign: Countersign::new(server, api_key),
            own: own.to_owned(),
            means,
            users: Mutex::default(),
            visits: Mutex::default(),
        }
    }

    fn route(&self, method: &Method, path: &str, sent: &Sent) -> Told<Reply> {
        match (method.as_str(), path) {
            ("GET", "/") => self.home(sent),
            ("GET", "/style.css") => Ok(Reply::Style),
            ("POST", "/register") => self.register(sent),
            ("POST", "/login") => self.log_in(sent),
            ("POST", "/logout") => self.log_out(sent),
            ("POST", "/settings") => self.open_settings(sent),
            ("GET", "/back") => self.came_back(sent),
            ("POST", "/delete") => self.delete(sent),
            ("GET", "/code") => self.ask_again(sent, ""),
            ("POST", "/code") => self.answer(sent),
            _ => Err("no such page".into()),
        }
    }

    fn home(&self, sent: &Sent) -> Told<Reply> {
        let Ok((visit, _)) = self.logged_in(sent) else {
            return Ok(Reply::Page(pages::welcome("")));
        };
        self.change(sent, |visit| visit.said = "");
        let told = self.countersign.user(&visit.user)?;
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let buckets = &users.get(&visit.user).ok_or("nobody")?.buckets;
        Ok(Reply::Page(pages::home(&visit.user, visit.said, &told, buckets.iter())))
    }

    fn register(&self, sent: &Sent) -> Told<Reply> {
        let (user, password) = (sent.field("user").trim(), sent.field("password"));
        let is_name = !user.is_empty() && user.len() <= NAME_MAX && user.chars().all(char::is_alphanumeric);
        (is_name && !password.is_empty())
            .then_some(())
            .ok_or("a name is letters and digits, and has a password")?;
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        (users.len() < USERS_MAX && !users.contains_key(user))
            .then_some(())
            .ok_or("this name is taken")?;
        let buckets = ["logs", "photos"].map(String::from).into();
        users.insert(
            user.to_owned(),
            User {
                password: digest_of(user, password),
                buckets,
            },
        );
        Ok(Reply::Page(pages::welcome("Registered. Now log in.")))
    }

    /// The first factor, and then whatever Countersign asks for.
    fn log_in(&self, sent: &Sent) -> Told<Reply> {
        let (user, password) = (sent.field("user").trim(), sent.field("password"));
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let is_right = users
            .get(user)
            .is_some_and(|known| known.password == digest_of(user, password));
        drop(users);
        if !is_right {
            return Ok(Reply::Page(pages::welcome(
                "That name and password do not belong together.",
            )));
        }
        let cookie = self.secret()?;
        let visit = Visit {
            user: user.to_owned(),
            password_at: (self.means.now)(),
            session: None,
            state: None,
            asked: None,
            said: "",
        };
        let mut visits = self.visits.lock().unwrap_or_else(PoisonError::into_inner);
        if visits.len() >= VISITS_MAX {
            visits.pop_first();
        }
        // A cookie of before the login is worth nothing after it.
        visits.remove(&sent.cookie);
        visits.insert(cookie.clone(), visit.clone());
        drop(visits);
        let sent = Sent {
            cookie: cookie.clone(),
            agent: sent.agent.clone(),
            form: BTreeMap::new(),
        };
        let wanted = json!({
            "account": ACCOUNT, "user": user, "purpose": "login", "first_factor": {"method": "password"},
            "client": client(&sent.agent),
        });
        let next = self.begin(&sent, &visit, Purpose::Login, &wanted)?;
        Ok(Reply::Enter(cookie, Box::new(next)))
    }

    fn log_out(&self, sent: &Sent) -> Told<Reply> {
        self.visits
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&sent.cookie);
        Ok(Reply::Go("/".into()))
    }

    /// A redirect to the hosted pages.
    fn open_settings(&self, sent: &Sent) -> Told<Reply> {
        let (visit, _) = self.logged_in(sent)?;
        let (state, back) = (self.secret()?, format!("{}/back", self.own));
        let url = self
            .countersign
            .page_link(&visit.user, &back, &state, &visit.password_at)?;
        self.change(sent, |visit| visit.state = Some(state));
        Ok(Reply::Go(url))
    }

    /// Back from there. Whoever brings another state did not leave from this browser.
    fn came_back(&self, sent: &Sent) -> Told<Reply> {
        let (visit, _) = self.logged_in(sent)?;
        let is_own = visit.state.is_some_and(|state| state == sent.field("state"));
        is_own
            .then_some(())
            .ok_or("you did not leave for the settings from here")?;
        self.change(sent, |visit| {
            visit.state = None;
            visit.said = "Back from the security settings. Below is what the API says now.";
        });
        Ok(Reply::Go("/".into()))
    }

    fn delete(&self, sent: &Sent) -> Told<Reply> {
        let (visit, session) = self.logged_in(sent)?;
        let bucket = sent.field("bucket").to_owned();
        let wanted = json!({
            "account": ACCOUNT, "user": visit.user, "purpose": "operation", "session_id": session,
            "operation": OPERATION, "resource": bucket, "client": client(&sent.agent),
        });
        self.begin(sent, &visit, Purpose::Delete(bucket), &wanted)
    }

    /// Asks whether this must be checked, and goes on or asks for a code.
    fn begin(&self, sent: &Sent, visit: &Visit, purpose: Purpose, wanted: &Value) -> Told<Reply> {
        let told = self.countersign.post("challenges", wanted)?;
        match told["decision"].as_str() {
            Some("allow") => self.go_on(sent, visit, &purpose, &text(&told["grant"])?),
            Some("challenge") => {
                let (challenge, methods) = (text(&told["id"])?, told["methods"].clone());
                self.change(sent, |visit| {
                    visit.asked = Some(Asked {
                        challenge,
                        methods,
                        purpose,
                    })
                });
                Ok(Reply::Go("/code".into()))
            }
            _ => Err(told["contact"].as_str().unwrap_or("denied").into()),
        }
    }

    fn ask_again(&self, sent: &Sent, said: &str) -> Told<Reply> {
        let asked = self.visit(sent)?.asked.ok_or("nothing is asked")?;
        let what_for = match &asked.purpose {
            Purpose::Login => "Log in".to_owned(),
            Purpose::Delete(bucket) => format!("Delete {bucket}"),
        };
        Ok(Reply::Page(pages::code(&what_for, &asked.methods, said)))
    }

    fn answer(&self, sent: &Sent) -> Told<Reply> {
        let visit = self.visit(sent)?;
        let asked = visit.asked.clone().ok_or("nothing is asked")?;
        let told = self
            .countersign
            .answer(&asked.challenge, sent.field("method"), sent.field("code"))?;
        if told["decision"] != "allow" {
            return self.ask_again(
                sent,
                "This code is not right, or was used already. Wait for the next one.",
            );
        }
        self.change(sent, |visit| visit.asked = None);
        self.go_on(sent, &visit, &asked.purpose, &text(&told["grant"])?)
    }

    /// A grant opens what it was given for, and nothing else.
    fn go_on(&self, sent: &Sent, visit: &Visit, purpose: &Purpose, grant: &str) -> Told<Reply> {
        match purpose {
            Purpose::Login => {
                let session = self.countersign.begin_session(&visit.user, grant, &sent.agent)?;
                self.change(sent, |visit| visit.session = Some(session));
            }
            Purpose::Delete(bucket) => {
                let (_, session) = self.logged_in(sent)?;
                let asked = json!({"grant": grant, "session_id": session, "operation": OPERATION, "resource": bucket});
                let told = self.countersign.post("grants/introspect", &asked)?;
                let is_for_this = told["active"] == true && told["purpose"] == "operation";
                let is_theirs = told["account"] == ACCOUNT && told["user"] == *visit.user;
                (is_for_this && is_theirs)
                    .then_some(())
                    .ok_or("this grant is for something else")?;
                let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
                users.get_mut(&visit.user).ok_or("nobody")?.buckets.remove(bucket);
                self.change(sent, |visit| visit.said = "Deleted.");
            }
        }
        Ok(Reply::Go("/".into()))
    }

    fn visit(&self, sent: &Sent) -> Told<Visit> {
        let visits = self.visits.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(visits.get(&sent.cookie).ok_or("log in first")?.clone())
    }

    /// A visit with the id of its session, which Countersign says goes on.
    fn logged_in(&self, sent: &Sent) -> Told<(Visit, String)> {
        let visit = self.visit(sent)?;
        let (id, token) = visit.session.clone().ok_or("log in first")?;
        let goes_on = self.countersign.is_in_session(&token, &visit.user)?;
        goes_on
            .then_some((visit, id))
            .ok_or("the session has ended: log in again".into())
    }

    fn change(&self, sent: &Sent, how: impl FnOnce(&mut Visit)) {
        let mut visits = self.visits.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(visit) = visits.get_mut(&sent.cookie) {
            how(visit);
        }
    }

    fn secret(&self) -> Told<String> {
        Ok(BASE64URL_NOPAD.encode(&(self.means.random)()?))
    }
}

/// A toy's: passwords of people belong under Argon2id.
fn digest_of(user: &str, password: &str) -> Vec<u8> {
    digest(&SHA256, format!("{user}\0{password}").as_bytes())
        .as_ref()
        .to_vec()
}

async fn serve(State(cloud): State<Arc<Cloud>>, request: Request) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let (cookie, agent) = (
        cookie(request.headers()),
        header(request.headers(), "user-agent").to_owned(),
    );
    // A form on somebody else's page is not this user's word.
    let site = header(request.headers(), "sec-fetch-site");
    let is_own = method == Method::GET || ["", "same-origin", "none"].contains(&site);
    let form = Form::<BTreeMap<String, String>>::from_request(request, &()).await;
    let told = match (is_own, form) {
        (true, Ok(Form(form))) => block_in_place(|| cloud.route(&method, &path, &Sent { cookie, agent, form })),
        _ => Err("this did not come from here".into()),
    };
    reply(told)
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

fn cookie(headers: &HeaderMap) -> String {
    let mut pairs = header(headers, "cookie")
        .split("; ")
        .filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(name, _)| *name == COOKIE)
        .map_or_else(String::new, |(_, value)| value.to_owned())
}
