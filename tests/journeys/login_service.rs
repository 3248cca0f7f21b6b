//! A login service, as the hosted prompt meets it: it sends a browser there, and fetches the answer with its verifier.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use service::{Id, NewKey, Role};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::world::{Reply, User, World, text};

/// A login service with an API key of its own.
pub(crate) struct LoginService<'w> {
    pub(crate) world: &'w World,
    pub(crate) id: Id,
    pub(crate) key: String,
    pub(crate) return_url: String,
}

/// A prompt that a browser was sent to.
pub(crate) struct Sent {
    /// The challenge.
    pub(crate) challenge: String,
    /// The link's address on this machine, from the path on.
    pub(crate) path: String,
    /// What the service keeps in the session of that browser.
    pub(crate) verifier: String,
}

impl Sent {
    /// The token of the link.
    pub(crate) fn token(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

impl<'w> LoginService<'w> {
    /// What it has the browser bring back.
    pub(crate) const STATE: &'static str = "state of the login/é&outcome=done#x";

    pub(crate) fn of(world: &'w World, return_url: &str) -> Self {
        let wanted = NewKey {
            roles: vec![Role::Verify, Role::Enroll],
            owner: "login service".into(),
            return_urls: vec![return_url.to_owned()],
            audiences: Vec::new(),
            person: None,
            accounts: None,
        };
        let (id, key) = world.key_as(&wanted);
        Self {
            world,
            id,
            key,
            return_url: return_url.to_owned(),
        }
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        self.world.call_as(Some(&self.key), "POST", path, Some(body))
    }

    /// A challenge of this user's login, the first factor being right.
    pub(crate) fn login(&self, user: &User<'_>) -> String {
        self.ask(
            user,
            &json!({"purpose": "login", "first_factor": {"method": "password"}}),
        )
    }

    /// A challenge that has to be answered.
    pub(crate) fn ask(&self, user: &User<'_>, fields: &Value) -> String {
        let mut body = fields.clone();
        body["account"] = json!(user.account);
        body["user"] = json!(user.user);
        let asked = self.post("/v1/challenges", &body).expect(201);
        assert_eq!(asked["decision"], "challenge", "{asked}");
        text(&asked["id"])
    }

    /// Makes the prompt's link of a challenge, with a verifier that is derived from this word.
    pub(crate) fn send(&self, challenge: &str, word: &str) -> Sent {
        let verifier = BASE64URL_NOPAD.encode(&Sha256::digest(word));
        let body = json!({
            "return_url": self.return_url, "state": Self::STATE,
            "code_challenge": BASE64URL_NOPAD.encode(&Sha256::digest(&verifier)),
        });
        let made = self
            .post(&format!("/v1/challenges/{challenge}/page-link"), &body)
            .expect(201);
        let url = Url::parse(&text(&made["url"])).expect("an address");
        Sent {
            challenge: challenge.to_owned(),
            path: url.path().to_owned(),
            verifier,
        }
    }

    /// Fetches an answer.
    pub(crate) fn exchange(&self, code: &str, verifier: &str) -> Reply {
        self.post("/v1/prompt/exchange", &json!({"code": code, "code_verifier": verifier}))
    }

    /// Where a challenge stands.
    pub(crate) fn state(&self, challenge: &str) -> Value {
        let path = format!("/v1/challenges/{challenge}");
        self.world.call_as(Some(&self.key), "GET", &path, None).expect(200)
    }
}
