//! A cloud's console, as our pages meet it: it sends its users to a page, and they come back to an address of its own,
//! which keeps what they brought.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use serde_json::{Value, json};
use service::{Caller, NewKey, Role};
use url::Url;

use crate::{
    browser::Browser,
    world::{User, World, text},
};

/// A browser's request at the return address.
#[derive(Debug, Clone)]
pub(crate) struct Return {
    /// The whole address.
    pub(crate) url: Url,
    /// In lower case, with what was said in them.
    pub(crate) headers: Vec<(String, String)>,
}

impl Return {
    /// What the address says by this name.
    pub(crate) fn said(&self, name: &str) -> Option<String> {
        let mut pairs = self.url.query_pairs();
        pairs
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.into_owned())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// It listens until the test's process ends.
pub(crate) struct Console {
    address: SocketAddr,
    /// An API key that may enroll, and lead back here.
    pub(crate) key: String,
    returns: Arc<Mutex<Vec<Return>>>,
}

impl Console {
    /// The text that it gives to each user, and gets back.
    pub(crate) const STATE: &str = "state of the console/é&=?#";

    pub(crate) fn of(world: &World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let returns: Arc<Mutex<Vec<Return>>> = Arc::default();
        let kept = returns.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let kept = kept.clone();
                // A browser opens connections in advance and says nothing on them.
                thread::spawn(move || welcome(&stream, address, &kept));
            }
        });
        let wanted = NewKey {
            roles: vec![Role::Enroll],
            owner: "console".into(),
            return_urls: vec![return_url(address)],
            audiences: Vec::new(),
            person: None,
            accounts: None,
        };
        let made = world.wait(world.service().create_key(&Caller::shell(), &wanted, None));
        let (_, key) = made.expect("a key can be made");
        Self {
            address,
            key: key.as_str().to_owned(),
            returns,
        }
    }

    pub(crate) fn return_url(&self) -> String {
        return_url(self.address)
    }

    /// The address of a page for a user whose identity was made sure of just now.
    #[track_caller]
    pub(crate) fn link(&self, user: &User<'_>, page: &str) -> String {
        self.link_with(user, &self.wanted(user, page))
    }

    /// What it asks for.
    pub(crate) fn wanted(&self, user: &User<'_>, page: &str) -> Value {
        json!({
            "page": page,
            "return_url": self.return_url(),
            "state": Self::STATE,
            "identity_proof": user.proof(0),
            "actor": user.actor(),
        })
    }

    #[track_caller]
    pub(crate) fn link_with(&self, user: &User<'_>, body: &Value) -> String {
        let path = user.path("/page-links");
        let made = user
            .world
            .call_as(Some(&self.key), "POST", &path, Some(body))
            .expect(201);
        // The path is the link's; where the service is reached is the operator's word, who knows nothing of a test's port.
        let url = Url::parse(&text(&made["url"])).expect("an address");
        format!("http://{}{}", user.world.address(), url.path())
    }

    /// Waits until the browser is back here, and says what it brought: once, and nothing but this.
    #[track_caller]
    pub(crate) fn came_back(&self, browser: &Browser) -> Return {
        browser.wait_for_url(&self.return_url());
        let returns = self.returns.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(returns.len(), 1, "{returns:?}");
        returns[0].clone()
    }
}

fn return_url(address: SocketAddr) -> String {
    format!("http://{address}/settings/back")
}

fn welcome(mut stream: &TcpStream, address: SocketAddr, kept: &Mutex<Vec<Return>>) -> Option<()> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let request = lines.next()?;
    let target = request.split(' ').nth(1)?;
    let url = Url::parse(&format!("http://{address}{target}")).ok()?;
    let headers = lines.take_while(|line| !line.is_empty()).filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_ascii_lowercase(), value.to_owned()))
    });
    let headers = headers.collect();
    kept.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(Return { url, headers });
    let page = "<!doctype html><html lang=en><title>Console</title><link rel=icon href='data:,'><h1>Welcome back</h1>";
    let length = page.len();
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(format!("{head}{page}").as_bytes()).ok()
}
