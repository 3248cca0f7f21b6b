use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::inventory::{actor, line};
use crate::{
    client::{Client, encoded},
    commands::{Done, user::Said},
};

#[derive(Args)]
pub(in crate::commands) struct Assign {
    /// What stands on its back
    serial_number: String,
    /// The account of whom it is meant for
    account: String,
    /// The user under it
    user: String,
}

#[derive(Args)]
pub(in crate::commands) struct Mark {
    /// What stands on its back
    serial_number: String,
    /// What has become of it
    fate: Fate,
}

#[derive(Clone, Copy, ValueEnum)]
enum Fate {
    /// Nobody's again, after it was assigned
    Unassigned,
    /// Nobody knows where it is: its codes are refused from now on
    Lost,
    /// It is here, to be provisioned anew
    Returned,
    /// It will not be used again
    Retired,
}

impl Assign {
    pub(super) fn run(self, client: &Client, said: &Said) -> Done {
        let goal = json!({"state": "assigned", "account": self.account, "user": self.user, "actor": actor()});
        change(&self.serial_number, &goal, client, said)
    }
}

impl Mark {
    pub(super) fn run(self, client: &Client, said: &Said) -> Done {
        let state = match self.fate {
            Fate::Unassigned => "imported",
            Fate::Lost => "lost",
            Fate::Returned => "returned",
            Fate::Retired => "retired",
        };
        change(
            &self.serial_number,
            &json!({"state": state, "actor": actor()}),
            client,
            said,
        )
    }
}

fn change(serial_number: &str, goal: &Value, client: &Client, said: &Said) -> Done {
    let token = client.patch(&format!("/v1/tokens/{}", encoded(serial_number)), goal)?;
    said.say(&token, || line(&token))?;
    Ok(ExitCode::SUCCESS)
}
