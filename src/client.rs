//! HTTP for people: the client of the `user` commands.

use std::{fmt, time::Duration};

use serde_json::Value;
use ureq::{Agent, Body, http::Response};
use vault::shown;
use zeroize::Zeroizing;

use crate::Failure;

/// A service and the key it is asked with.
pub(crate) struct Client {
    agent: Agent,
    server: String,
    authorization: Zeroizing<String>,
}

/// Why a call did not do what it was asked.
pub(crate) struct CallFailure {
    problem: Option<Value>,
    words: String,
}

impl CallFailure {
    /// Whether a wrong code may be followed by another.
    pub(crate) fn leaves_a_try(&self) -> bool {
        self.is("code_refused")
            && self
                .problem
                .as_ref()
                .is_some_and(|problem| problem["attempts_left"] != 0)
    }

    /// Whether the service said no, and means it: a fault of its own says nothing of what was done.
    pub(crate) fn is_no(&self) -> bool {
        self.problem
            .as_ref()
            .and_then(|problem| problem["status"].as_u64())
            .is_some_and(|status| (400..500).contains(&status) && status != 408)
    }

    /// The same in the words of whoever asked: what the service calls by its name on the wire, called as it was typed.
    #[must_use]
    pub(crate) fn in_words(mut self, names: &[(&str, &str)]) -> Self {
        for (wire, typed) in names {
            self.words = self.words.replace(wire, typed);
        }
        self
    }

    /// The role that the key lacks; the first, where one of several would do.
    fn lacking(&self) -> Option<&str> {
        let (_, roles) = self.words.split_once("lacks the role ")?;
        let role = roles.split(' ').next()?;
        (self.is("forbidden") && role.bytes().all(|byte| byte.is_ascii_lowercase())).then_some(role)
    }

    /// Whether the service said this code.
    pub(crate) fn is(&self, code: &str) -> bool {
        self.problem.as_ref().is_some_and(|problem| problem["code"] == code)
    }
}

impl fmt::Display for CallFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl From<CallFailure> for Failure {
    fn from(failure: CallFailure) -> Self {
        let told = Self::new(&failure.words);
        if failure.is("unauthorized") {
            told.help(format!(
                "{} and name its file with --api-key-file FILE",
                make_key("verify,enroll")
            ))
        } else if let Some(role) = failure.lacking() {
            told.help(format!("{} and name its file with --api-key-file FILE", make_key(role)))
        } else {
            told
        }
    }
}

/// How a key is made of which nobody else reads anything.
pub(crate) fn make_key(roles: &str) -> String {
    format!("make a key with `(umask 077; countersign key create --role {roles} > FILE)`")
}

/// The user of an account, as they stand in paths.
pub(crate) struct User<'a> {
    /// The account.
    pub(crate) account: &'a str,
    /// The user under it.
    pub(crate) user: &'a str,
}

impl User<'_> {
    /// The path of a call below this user.
    pub(crate) fn path(&self, call: &str) -> String {
        format!(
            "/v1/accounts/{}/users/{}{call}",
            encoded(self.account),
            encoded(self.user)
        )
    }
}

/// A name as one segment of a path.
pub(crate) fn encoded(name: &str) -> impl fmt::Display {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC)
}

/// Whether others on the way could read what is sent there.
fn in_the_clear(server: &str) -> bool {
    let Ok(uri) = server.parse::<ureq::http::Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let here = host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    uri.scheme_str() == Some("http") && !here
}

impl Client {
    /// Nothing is sent yet.
    pub(crate) fn new(server: &str, key: &str) -> Result<Self, Failure> {
        if !server.starts_with("http://") && !server.starts_with("https://") {
            return Err(Failure::usage(format!("{server} is no URL of a service"))
                .help("give it as http://ADDRESS:PORT or https://NAME"));
        }
        if server
            .split('/')
            .nth(2)
            .is_some_and(|authority| authority.contains('@'))
        {
            return Err(
                Failure::usage("the service's URL has a user or a password in it, which nobody asks for")
                    .help("give it as http://ADDRESS:PORT or https://NAME; the API key stands in a file"),
            );
        }
        if in_the_clear(server) {
            return Err(Failure::usage(format!(
                "the API key and the codes would travel to {server} in the clear"
            ))
            .help("use https, or a tunnel to a port of this machine"));
        }
        // A proxy of the environment is for elsewhere, and would see the key.
        let proxy = if server.starts_with("http://") {
            None
        } else {
            ureq::Proxy::try_from_env()
        };
        let config = Agent::config_builder()
            .proxy(proxy)
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(30)))
            .build();
        let mut authorization = Zeroizing::new(String::with_capacity(7 + key.len()));
        authorization.push_str("Bearer ");
        authorization.push_str(key);
        Ok(Self {
            agent: config.into(),
            server: server.trim_end_matches('/').to_owned(),
            authorization,
        })
    }

    /// The object of this path.
    pub(crate) fn get(&self, path: &str) -> Result<Value, CallFailure> {
        let request = self.agent.get(format!("{}{path}", self.server));
        self.read(request.header("Authorization", &*self.authorization).call())
    }

    /// What posting `body` came to; null where nothing is said.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value, CallFailure> {
        let request = self.agent.post(format!("{}{path}", self.server));
        self.read(request.header("Authorization", &*self.authorization).send_json(body))
    }

    /// What changing the object of this path by `body` came to.
    pub(crate) fn patch(&self, path: &str, body: &Value) -> Result<Value, CallFailure> {
        let request = self.agent.patch(format!("{}{path}", self.server));
        self.read(request.header("Authorization", &*self.authorization).send_json(body))
    }

    /// What deleting this path came to.
    pub(crate) fn delete(&self, path: &str) -> Result<Value, CallFailure> {
        let request = self.agent.delete(format!("{}{path}", self.server));
        self.read(request.header("Authorization", &*self.authorization).call())
    }

    /// The file that posting `body` brings.
    pub(crate) fn post_for_bytes(&self, path: &str, body: &Value) -> Result<Vec<u8>, CallFailure> {
        let request = self.agent.post(format!("{}{path}", self.server));
        let sent = request.header("Authorization", &*self.authorization).send_json(body);
        Ok(std::mem::take(&mut *self.read_bytes(sent)?))
    }

    fn read(&self, sent: Result<Response<Body>, ureq::Error>) -> Result<Value, CallFailure> {
        let bytes = self.read_bytes(sent)?;
        Ok(tidied(&bytes))
    }

    fn read_bytes(&self, sent: Result<Response<Body>, ureq::Error>) -> Result<Zeroizing<Vec<u8>>, CallFailure> {
        let unreachable = |error: ureq::Error| CallFailure {
            problem: None,
            words: format!(
                "{} does not answer: {error}; is `countersign serve` running there?",
                self.server
            ),
        };
        let mut response = sent.map_err(unreachable)?;
        let status = response.status();
        let bytes = response
            .body_mut()
            .read_to_vec()
            .map(Zeroizing::new)
            .map_err(unreachable)?;
        if status.is_success() {
            return Ok(bytes);
        }
        let problem = tidied(&bytes);
        Err(CallFailure {
            words: words(&problem, status.as_u16()),
            problem: Some(problem),
        })
    }
}

/// What a service answered, made fit to be shown here, at its only way in. Null where it is no JSON.
fn tidied(bytes: &[u8]) -> Value {
    let mut value: Value = serde_json::from_slice(bytes).unwrap_or_default();
    tidy(&mut value);
    value
}

fn tidy(value: &mut Value) {
    match value {
        Value::String(text) => *text = shown(text).into_owned(),
        Value::Array(values) => values.iter_mut().for_each(tidy),
        Value::Object(fields) => {
            fields.retain(|name, _| shown(name) == *name);
            fields.values_mut().for_each(tidy);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A problem in a sentence.
fn words(problem: &Value, status: u16) -> String {
    let mut words = problem["detail"]
        .as_str()
        .map_or_else(|| format!("the service answered {status}"), str::to_owned);
    let hint = &problem["hint"];
    match hint["kind"].as_str() {
        Some("clock_off") => {
            let seconds = hint["seconds"].as_i64().unwrap_or(0);
            let way = if seconds > 0 { "ahead" } else { "behind" };
            words += &format!(" (the app's clock is {} s {way}: set it by the network)", seconds.abs());
        }
        Some("other_algorithm") => words += &format!(" (the app computes with {})", hint["algorithm"]),
        Some("other_period") => words += &format!(" (the app renews its code every {} s)", hint["period_s"]),
        Some("other_entry") => words += " (it is the code of an older entry in the app: delete that one)",
        _ => {}
    }
    if let Some(left) = problem["attempts_left"].as_u64() {
        words += &match left {
            0 => "; that was the last try: start a new one".into(),
            1 => "; 1 try left".into(),
            _ => format!("; {left} tries left"),
        };
    }
    if let Some(wait) = problem["retry_after_s"].as_u64() {
        words += &format!("; try again in {wait} s");
    }
    words
}
