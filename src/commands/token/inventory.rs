//! What the commands that ask a running service about its inventory share.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::{
    client::{Client, encoded},
    commands::{
        Done, print_json,
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

/// A list as it comes, a line each, or all of it as one JSON array.
pub(super) fn pages(first: &str, client: &Client, said: &Said, line: impl Fn(&Value) -> String) -> Done {
    let mut all = Vec::new();
    let mut path = first.to_owned();
    loop {
        let mut page = client.get(&path)?;
        let items = page["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
        if said.json {
            all.extend(items);
        } else {
            items.iter().try_for_each(|item| tell!("{}", line(item)))?;
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("{first}&cursor={}", encoded(cursor)),
            None => break,
        }
    }
    if said.json {
        print_json(&json!(all))?;
    }
    Ok(ExitCode::SUCCESS)
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
