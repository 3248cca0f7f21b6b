//! Commands of chromedriver beyond WebDriver's own: the DevTools protocol, and the console.

use axum::http::Method;
use fantoccini::wd::WebDriverCompatibleCommand;
use serde_json::{Value, json};
use url::{ParseError, Url};

use super::{Browser, Message};

/// A command at a path below the session.
#[derive(Debug)]
struct Vendor {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Vendor {
    fn endpoint(&self, base_url: &Url, session_id: Option<&str>) -> Result<Url, ParseError> {
        let session = session_id.unwrap_or_default();
        base_url.join(&format!("session/{session}/{}", self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

impl Browser {
    /// A command of the DevTools protocol.
    #[track_caller]
    pub(crate) fn cdp(&self, command: &str, params: Value) -> Value {
        let sent = self.try_cdp(command, params);
        sent.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    pub(super) fn try_cdp(&self, command: &str, params: Value) -> Result<Value, fantoccini::error::CmdError> {
        let body = json!({"cmd": command, "params": params});
        let path = "goog/cdp/execute";
        self.wait(self.client.issue_cmd(Vendor { path, body }))
    }

    /// Adds what the console said meanwhile to what was heard: chromedriver says each line once.
    pub(super) fn listen(&self) {
        let (path, body) = ("se/log", json!({"type": "browser"}));
        let Ok(said) = self.wait(self.client.issue_cmd(Vendor { path, body })) else {
            return;
        };
        let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let said = said.as_array().into_iter().flatten().map(|line| Message {
            source: text(line, "source"),
            level: text(line, "level"),
            text: text(line, "message"),
        });
        self.heard.borrow_mut().extend(said);
    }
}
