//! `countersign token assign` and `mark`: a token moves on in its life.

use std::process::ExitCode;

use api::{Name, Token, TokenChangeRequest, TokenGoal};
use clap::{Args, ValueEnum};

use super::inventory::{actor, line};
use crate::{
    client::{Client, encoded},
    commands::{Done, output::Output},
};

#[derive(Args)]
pub(in crate::commands) struct Assign {
    /// What stands on its back
    serial_number: String,
    /// The account of whom it is meant for
    account: Name,
    /// The user under it
    user: Name,
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
    pub(super) fn run(self, client: &Client, output: &Output) -> Done {
        let goal = TokenChangeRequest {
            state: TokenGoal::Assigned,
            account: Some(self.account),
            user: Some(self.user),
            actor: actor(),
        };
        change(&self.serial_number, &goal, client, output)
    }
}

impl Mark {
    pub(super) fn run(self, client: &Client, output: &Output) -> Done {
        let goal = TokenChangeRequest {
            state: match self.fate {
                Fate::Unassigned => TokenGoal::Imported,
                Fate::Lost => TokenGoal::Lost,
                Fate::Returned => TokenGoal::Returned,
                Fate::Retired => TokenGoal::Retired,
            },
            account: None,
            user: None,
            actor: actor(),
        };
        change(&self.serial_number, &goal, client, output)
    }
}

fn change(serial_number: &str, goal: &TokenChangeRequest, client: &Client, output: &Output) -> Done {
    let token = client.patch::<Token>(&format!("/v1/tokens/{}", encoded(serial_number)), goal)?;
    output.print(&token, || line(&token))?;
    Ok(ExitCode::SUCCESS)
}
