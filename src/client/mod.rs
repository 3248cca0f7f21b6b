//! HTTP for people: the client of the `user` and `token` commands. It sends requests and reads answers of the contract in
//! `api`, whose types it shares with the service.

mod answer;
mod failure;

use std::{fmt, io, time::Duration};

use api::Problem;
use serde::{Serialize, de::DeserializeOwned};
use ureq::{Agent, Body, http::Response};
use zeroize::Zeroizing;

use self::answer::Raw;
pub(crate) use self::{
    answer::Answer,
    failure::{CallFailure, make_key},
};
use crate::Failure;

/// The answer of a call that only does something.
pub(crate) type Acknowledged = serde::de::IgnoredAny;

/// A service and the key it is asked with.
pub(crate) struct Client {
    agent: Agent,
    server: String,
    authorization: Zeroizing<String>,
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
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Answer<T>, CallFailure> {
        let request = self.agent.get(format!("{}{path}", self.server));
        self.read(request.header("Authorization", &*self.authorization).call())
    }

    /// The list of this path that `query` asks for.
    pub(crate) fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
    ) -> Result<Answer<T>, CallFailure> {
        self.get(&with_query(path, query))
    }

    /// What posting `body` came to.
    pub(crate) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answer<T>, CallFailure> {
        self.read(self.send_post(path, body))
    }

    /// What changing the object of this path by `body` came to.
    pub(crate) fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answer<T>, CallFailure> {
        let request = self.agent.patch(format!("{}{path}", self.server));
        let request = request.header("Authorization", &*self.authorization);
        self.read(request.content_type(JSON).send(&written(body)[..]))
    }

    /// Deletes the object of this path, as `query` says.
    pub(crate) fn delete(&self, path: &str, query: &impl Serialize) -> Result<Answer<Acknowledged>, CallFailure> {
        let request = self.agent.delete(format!("{}{}", self.server, with_query(path, query)));
        self.read(request.header("Authorization", &*self.authorization).call())
    }

    /// The file that posting `body` brings.
    pub(crate) fn post_for_bytes(&self, path: &str, body: &impl Serialize) -> Result<Vec<u8>, CallFailure> {
        Ok(std::mem::take(&mut *self.read_bytes(self.send_post(path, body))?))
    }

    fn send_post(&self, path: &str, body: &impl Serialize) -> Result<Response<Body>, ureq::Error> {
        let request = self.agent.post(format!("{}{path}", self.server));
        let request = request.header("Authorization", &*self.authorization);
        request.content_type(JSON).send(&written(body)[..])
    }

    fn read<T: DeserializeOwned>(&self, sent: Result<Response<Body>, ureq::Error>) -> Result<Answer<T>, CallFailure> {
        let raw = Raw::read(&self.read_bytes(sent)?);
        Answer::read(raw).ok_or_else(|| {
            CallFailure::unheard(format!(
                "{} answered what this version does not understand",
                self.server
            ))
            .help("is it a Countersign service, and not a newer one than this command?")
        })
    }

    fn read_bytes(&self, sent: Result<Response<Body>, ureq::Error>) -> Result<Zeroizing<Vec<u8>>, CallFailure> {
        let mut response = sent.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let read = response.body_mut().read_to_vec().map(Zeroizing::new);
        let bytes = read.map_err(|error| self.unreachable(&error))?;
        if status.is_success() {
            return Ok(bytes);
        }
        let problem = Answer::<Problem>::read(Raw::read(&bytes));
        Err(CallFailure::answered(status.as_u16(), problem))
    }

    fn unreachable(&self, error: &ureq::Error) -> CallFailure {
        let server = &self.server;
        if speaks_no_tls(error) {
            let plain = server.replacen("https://", "http://", 1);
            return CallFailure::unheard(format!("{server} does not speak TLS")).help(format!(
                "a service without a certificate is asked as {plain}, from its own machine; from elsewhere, serve it with \
                 --tls-cert and --tls-key"
            ));
        }
        if matches!(error, ureq::Error::Protocol(_)) && server.starts_with("http://") {
            return CallFailure::unheard(format!("{server} answers, but not in plain HTTP: {error}"))
                .help("a service with a certificate is asked as https://NAME, by the name that its certificate has");
        }
        CallFailure::unheard(format!(
            "{server} does not answer: {error}; is `countersign serve` running there?"
        ))
    }
}

/// Whether whoever answered did so without TLS, where that was asked for.
fn speaks_no_tls(error: &ureq::Error) -> bool {
    let error = match error {
        ureq::Error::Rustls(error) => Some(error),
        ureq::Error::Io(error) => error.get_ref().and_then(|error| error.downcast_ref()),
        _ => None,
    };
    matches!(error, Some(rustls::Error::InvalidMessage(_)))
}

const JSON: &str = "application/json";

/// A body, in one buffer of its size that is wiped when it was sent.
fn written(body: &impl Serialize) -> Zeroizing<Vec<u8>> {
    let mut size = Size(0);
    let mut bytes = Zeroizing::new(Vec::new());
    let written = serde_json::to_writer(&mut size, body).and_then(|()| {
        bytes.reserve_exact(size.0);
        serde_json::to_writer(&mut *bytes, body)
    });
    written.expect("requests are objects of texts and numbers, which JSON has");
    bytes
}

/// Counts what is written.
struct Size(usize);

impl io::Write for Size {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A path with a query of the contract, whose fields are texts, numbers and yes or no.
pub(crate) fn with_query(path: &str, query: &impl Serialize) -> String {
    let fields = serde_json::to_value(query).unwrap_or_default();
    let fields = fields.as_object().into_iter().flatten().map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{name}={}", encoded(&value))
    });
    format!("{path}?{}", fields.collect::<Vec<_>>().join("&"))
}
