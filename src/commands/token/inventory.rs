//! What the commands that ask a running service about its inventory share.

use clap::Args;
use serde_json::{Value, json};

use crate::{
    client::Client,
    commands::{
        Done,
        user::{Said, Server},
    },
};

/// A command, and the service that it asks.
#[derive(Args)]
pub(in crate::commands) struct Asked<T: Args> {
    #[command(flatten)]
    what: T,
    #[command(flatten)]
    server: Server,
}

impl<T: Args> Asked<T> {
    pub(super) fn run(self, run: impl FnOnce(T, &Client, &Said) -> Done) -> Done {
        run(self.what, &self.server.client()?, &self.server.said())
    }
}

pub(super) fn actor() -> Value {
    json!({"id": "countersign token", "kind": "admin"})
}

/// A token in a line.
pub(super) fn line(token: &Value) -> String {
    let text = |field: &str| token[field].as_str().unwrap_or_default();
    let mut line = format!("{}  {}  {}", text("serial_number"), text("state"), text("batch"));
    if let (Some(account), Some(user)) = (token["account"].as_str(), token["user"].as_str()) {
        line += &format!("  {account}/{user}");
    }
    match token["drift_steps"].as_i64() {
        Some(0) | None => {}
        Some(steps) => line += &format!("  clock {steps:+} steps"),
    }
    line
}
