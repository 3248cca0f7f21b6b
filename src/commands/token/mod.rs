//! `countersign token …`: hardware tokens, at the desk.

mod find;
mod import;
mod list;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Done, user::Server};

/// `countersign token …`
#[derive(Args)]
pub(super) struct Token {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: Server,
}

#[derive(Subcommand)]
enum Command {
    /// Takes the tokens of a seed file into the inventory: all of them, or none
    Import(import::Import),
    /// Lists the inventory, by serial number
    List(list::List),
    /// Says whose token it is, by the code it shows
    Find(find::Find),
}

impl Token {
    pub(super) fn run(self) -> Done {
        let (client, said) = (self.server.client()?, self.server.said());
        match self.command {
            Command::Import(import) => import.run(&client, &said),
            Command::List(list) => list.run(&client, &said),
            Command::Find(find) => find.run(&client, &said),
        }
    }
}

fn actor() -> Value {
    json!({"id": "countersign token", "kind": "admin"})
}

/// A token in a line.
fn line(token: &Value) -> String {
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
