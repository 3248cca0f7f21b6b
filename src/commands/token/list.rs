use clap::Args;

use super::inventory::{line, pages};
use crate::{
    client::{Client, encoded},
    commands::{Done, user::Said},
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
        pages(&query, client, said, line)
    }
}
