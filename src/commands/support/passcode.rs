//! `countersign support passcode …`: one login for a user who lost their device.

use std::process::ExitCode;

use api::{ApprovalRequest, Name, Passcode as Asking, PasscodeRequest, RevealedPasscode, SupportActRequest, Text};
use clap::{Args, Subcommand};
use uuid::Uuid;

use super::{Approving, Person};
use crate::{
    client::{Answer, Client},
    commands::{Done, output::Output, word},
};

const PATH: &str = "/v1/support/passcodes";

/// `countersign support passcode …`
#[derive(Subcommand)]
pub(super) enum Passcode {
    /// Asks for a passcode; another person approves
    Request(Request),
    /// Shows what was asked for, never the passcode
    Show(Show),
    /// Approves of what another asked for, with a key that is bound to you
    Approve(Approve),
    /// Shows the approved passcode, once, to whoever asked for it
    Reveal(Reveal),
}

#[derive(Args)]
pub(super) struct Request {
    /// The account
    account: Name,
    /// The user who is to be let in
    user: Name,
    /// Why, for whoever approves
    #[arg(long)]
    reason: Text<512>,
    #[command(flatten)]
    person: Person,
}

#[derive(Args)]
pub(super) struct Show {
    /// The passcode's id
    id: Uuid,
}

#[derive(Args)]
pub(super) struct Approve {
    /// The passcode's id
    id: Uuid,
    #[command(flatten)]
    approving: Approving,
}

#[derive(Args)]
pub(super) struct Reveal {
    /// The passcode's id
    id: Uuid,
    #[command(flatten)]
    person: Person,
}

impl Passcode {
    pub(super) fn run(self, client: &Client, output: &Output) -> Done {
        match self {
            Self::Request(request) => request.run(client, output),
            Self::Show(Show { id }) => shown(&client.get(&format!("{PATH}/{id}"))?, output, ""),
            Self::Approve(approve) => approve.run(client, output),
            Self::Reveal(reveal) => reveal.run(client, output),
        }
    }
}

impl Request {
    fn run(self, client: &Client, output: &Output) -> Done {
        let body = PasscodeRequest {
            account: self.account,
            user: self.user,
            reason: self.reason,
            actor: self.person.actor(),
        };
        let asked = client.post::<Asking>(PATH, &body)?;
        let next = format!(
            "\nanother person approves with a key of their own: countersign support passcode approve {} --as ACCOUNT/USER --actor NAME",
            asked.id
        );
        shown(&asked, output, &next)
    }
}

impl Approve {
    fn run(self, client: &Client, output: &Output) -> Done {
        let body = ApprovalRequest {
            approver: self.approving.approver(output)?,
            actor: self.approving.person.actor(),
        };
        shown(
            &client.post::<Asking>(&format!("{PATH}/{}/approve", self.id), &body)?,
            output,
            "",
        )
    }
}

impl Reveal {
    fn run(self, client: &Client, output: &Output) -> Done {
        let actor = self.person.actor();
        let path = format!("{PATH}/{}/reveal", self.id);
        let revealed = client.post::<RevealedPasscode>(&path, &SupportActRequest { actor })?;
        output.print(&revealed, || {
            format!(
                "{}\nthe user types it where a code is asked for at login, once, until {}",
                revealed.passcode, revealed.expires_at
            )
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

fn shown(passcode: &Answer<Asking>, output: &Output, next: &str) -> Done {
    output.print(passcode, || {
        let mut words = format!(
            "passcode {} for {}/{}, {}: {}; asked for by {}",
            passcode.id,
            passcode.account,
            passcode.user,
            word(&passcode.state),
            passcode.reason,
            passcode.requested_by,
        );
        if let Some(person) = &passcode.approved_by {
            words += &format!(", approved by {person}");
        }
        words + next
    })?;
    Ok(ExitCode::SUCCESS)
}
