//! The toy cloud itself. It keeps everything in memory, and passwords as no other cloud should: as plain digests.

mod checks;
mod countersign;
mod http;
mod pages;

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, http::Method};
use data_encoding::BASE64URL_NOPAD;
use ring::digest::{SHA256, digest};
use serde_json::json;

use self::{
    checks::{Asked, Purpose},
    countersign::{ACCOUNT, Countersign, client},
};

/// Every error, and so every doubt, is a no.
pub(crate) type Told<T> = Result<T, Box<dyn Error>>;

/// What a program has of its machine.
pub(crate) struct Means {
    pub(crate) random: Box<dyn Fn() -> Told<[u8; 32]> + Send + Sync>,
    /// As RFC 3339 writes it.
    pub(crate) now: Box<dyn Fn() -> String + Send + Sync>,
}

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

/// What a browser sent.
struct Sent {
    cookie: String,
    trusted: String,
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
    /// The same, with the token of a trusted browser.
    Trust(String, Box<Reply>),
    Style,
}

/// What its API key has to lead back to.
#[allow(dead_code, reason = "who starts the example made its key by hand")]
pub(crate) fn return_urls(own: &str) -> Vec<String> {
    ["back", "answered"].map(|path| format!("{own}/{path}")).into()
}

pub(crate) fn router(cloud: Cloud) -> Router {
    Router::new().fallback(http::serve).with_state(Arc::new(cloud))
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
            ("GET", "/answered") => self.answered(sent),
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
            trusted: sent.trusted.clone(),
            agent: sent.agent.clone(),
            form: BTreeMap::new(),
        };
        let mut wanted = json!({
            "account": ACCOUNT, "user": user, "purpose": "login", "first_factor": {"method": "password"},
            "client": client(&sent.agent),
        });
        if !sent.trusted.is_empty() {
            wanted["trusted_device"] = json!(sent.trusted);
        }
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
        let is_own = visit.state.is_some_and(|state| is_same(&state, sent.field("state")));
        is_own
            .then_some(())
            .ok_or("you did not leave for the settings from here")?;
        self.change(sent, |visit| {
            visit.state = None;
            visit.said = "Back from the security settings. Below is what the API says now.";
        });
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

/// By their digests: how long that takes says nothing about either.
fn is_same(one: &str, other: &str) -> bool {
    digest(&SHA256, one.as_bytes()).as_ref() == digest(&SHA256, other.as_bytes()).as_ref()
}
