//! The client of Countersign: an API key, a handful of calls.

use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::Told;

/// All users of this cloud are of one account.
pub(super) const ACCOUNT: &str = "toy-cloud";

pub(super) struct Countersign {
    server: String,
    api_key: String,
    agent: ureq::Agent,
}

impl Countersign {
    pub(super) fn new(server: &str, api_key: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(10)))
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None);
        Self {
            server: server.trim_end_matches('/').to_owned(),
            api_key: api_key.to_owned(),
            agent: config.build().into(),
        }
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Told<Value> {
        let request = self.agent.post(format!("{}/v1/{path}", self.server));
        told(
            request
                .header("Authorization", format!("Bearer {}", self.api_key))
                .send_json(body)?,
        )
    }

    fn get(&self, path: &str) -> Told<Value> {
        let request = self.agent.get(format!("{}/v1/{path}", self.server));
        told(
            request
                .header("Authorization", format!("Bearer {}", self.api_key))
                .call()?,
        )
    }

    /// What is true of a user now. Ask it after each return from the pages: their address proves nothing.
    pub(super) fn user(&self, user: &str) -> Told<Value> {
        self.get(&of(user, ""))
    }

    /// Where to send the browser of a user whose password was checked at that time.
    pub(super) fn page_link(&self, user: &str, return_url: &str, state: &str, password_at: &str) -> Told<String> {
        let body = json!({
            "page": "security", "return_url": return_url, "state": state,
            "identity_proof": {"method": "password", "at": password_at, "by": "toy cloud"}, "actor": actor(user),
        });
        text(&self.post(&of(user, "/page-links"), &body)?["url"])
    }

    /// Where to send the browser that has to answer this challenge.
    pub(super) fn prompt_link(&self, challenge: &str, return_url: &str, state: &str, hash: &str) -> Told<String> {
        let path = format!("challenges/{}/page-link", encoded(challenge));
        let body = json!({"return_url": return_url, "state": state, "code_challenge": hash});
        text(&self.post(&path, &body)?["url"])
    }

    /// What came of it, once.
    pub(super) fn exchange(&self, code: &str, verifier: &str) -> Told<Value> {
        self.post("prompt/exchange", &json!({"code": code, "code_verifier": verifier}))
    }

    /// A session, which uses the login's grant up: its id, and the token to ask about it with.
    pub(super) fn begin_session(&self, user: &str, grant: &str, agent: &str) -> Told<(String, String)> {
        let body = json!({"grant": grant, "client": client(agent), "actor": actor(user)});
        let begun = self.post(&of(user, "/sessions"), &body)?;
        Ok((text(&begun["id"])?, text(&begun["token"])?))
    }

    /// False, too, where the user signed out everywhere.
    pub(super) fn is_in_session(&self, token: &str, user: &str) -> Told<bool> {
        let told = self.post("sessions/check", &json!({"token": token}))?;
        Ok(told["active"] == true && told["account"] == ACCOUNT && told["user"] == user)
    }
}

/// What the user came with. This cloud is reached from its own machine alone; another one says the browser's address.
pub(super) fn client(agent: &str) -> Value {
    json!({"ip": "127.0.0.1", "user_agent": agent})
}

fn actor(user: &str) -> Value {
    json!({"id": user, "kind": "user"})
}

fn of(user: &str, call: &str) -> String {
    format!("accounts/{ACCOUNT}/users/{}{call}", encoded(user))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

pub(super) fn text(value: &Value) -> Told<String> {
    Ok(value.as_str().ok_or("an answer without words")?.to_owned())
}

fn told(mut response: ureq::http::Response<ureq::Body>) -> Told<Value> {
    let is_done = response.status().is_success();
    let body: Value = response.body_mut().read_json()?;
    if is_done {
        Ok(body)
    } else {
        Err(format!("Countersign refused: {}", body["title"]).into())
    }
}
