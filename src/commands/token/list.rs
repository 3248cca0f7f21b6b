use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::line;
use crate::{
    Failure,
    client::{Client, encoded},
    commands::{Done, print_json, user::Said},
};

#[derive(Args)]
pub(in crate::commands) struct List {
    /// Those in this state
    #[arg(long, value_parser = ["imported", "assigned", "bound", "lost", "returned", "retired"])]
    state: Option<String>,
    /// Those of this batch
    #[arg(long)]
    batch: Option<String>,
    /// Those that are bound and whose clock is about to leave the window
    #[arg(long, conflicts_with_all = ["state", "batch"])]
    drifting: bool,
}

impl List {
    pub(super) fn run(self, client: &Client, said: &Said) -> Done {
        let mut query = String::from("/v1/tokens?limit=1000");
        for (name, value) in [("state", &self.state), ("batch", &self.batch)] {
            if let Some(value) = value {
                query += &format!("&{name}={}", encoded(value));
            }
        }
        if self.drifting {
            query += "&drifting=true";
        }
        let mut all = Vec::new();
        let mut path = query.clone();
        loop {
            let mut page = client.get(&path)?;
            let items = page["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
            if said.json {
                all.extend(items);
            } else {
                items.iter().for_each(|token: &Value| println!("{}", line(token)));
            }
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("{query}&cursor={}", encoded(cursor)),
                None => break,
            }
        }
        if said.json {
            print_json(&json!(all)).map_err(|failure: Failure| failure)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
