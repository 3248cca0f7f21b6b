//! `countersign support unbind …`: the end of devices that their user cannot end.

use std::process::ExitCode;

use api::{
    Actor, ActorKind, ApprovalRequest, EvidenceKind, Name, NewEvidence, Text, UnbindOutcome, UnbindOutcomeKind,
    UnbindRequestCompletion, UnbindRequestEnd, UnbindRequestOpening, UnbindRequestPage, UnbindRequestView,
    UnbindRequestVouching,
};
use clap::{Args, Subcommand};
use uuid::Uuid;

use super::{
    Approving, Person,
    unbind_words::{evidence, statement, switch, words},
};
use crate::{
    Failure,
    client::{Answer, Client},
    commands::{
        Done,
        output::Output,
        user::{CodeSource, Codes},
    },
};

const PATH: &str = "/v1/support/unbind-requests";

/// `countersign support unbind …`
#[derive(Subcommand)]
pub(super) enum Unbind {
    /// Opens a request with evidence; another person approves
    Open(Box<Open>),
    /// Vouches for what a user applied for, on evidence of your own; another person approves
    Vouch(Box<Vouch>),
    /// Lists the requests in one state
    List(List),
    /// Shows a request and its evidence
    Show(Show),
    /// Approves of what another opened, with a key that is bound to you; prints the applicant's token, once
    Approve(Approve),
    /// Says that another's request is not to be done
    Reject(End),
    /// Takes a request back, before it is completed
    Withdraw(End),
    /// Finishes a request that is in force, as the applicant's console does; the token comes from stdin
    Complete(Complete),
}

/// What support looked at, and what it says of it.
#[derive(Args)]
struct Seen {
    /// What was shown for it, several times: real_name, id_number, face, photos, phone, login_account, company_name,
    /// company_number, licence, legal_representative, authorization_letter, applicant
    #[arg(long, value_name = "KIND=REFERENCE", value_parser = evidence, required_unless_present = "token_returned")]
    evidence: Vec<(EvidenceKind, Text<128>)>,
    /// The serial number of a token that was handed back: the code that it shows is asked for
    #[arg(long, value_name = "SERIAL")]
    token_returned: Option<Text<128>>,
    /// Why, for whoever approves
    #[arg(long)]
    reason: Text<512>,
    #[command(flatten)]
    codes: Codes,
    #[command(flatten)]
    person: Person,
}

#[derive(Args)]
pub(super) struct Open {
    /// The account
    account: Name,
    /// The user
    user: Name,
    /// The device that is to end [default: all of them]
    #[arg(long)]
    device: Option<Uuid>,
    /// Switches what the devices protected to this external method, which was newly proven, as METHOD=IDENTITY
    #[arg(long, value_name = "METHOD=IDENTITY", value_parser = switch)]
    switch_to: Option<UnbindOutcome>,
    #[command(flatten)]
    seen: Seen,
}

#[derive(Args)]
pub(super) struct Vouch {
    /// The request's id
    id: Uuid,
    #[command(flatten)]
    seen: Seen,
}

#[derive(Args)]
pub(super) struct List {
    /// applied, requested, approved, in_force, completed, rejected, withdrawn or expired
    #[arg(default_value = "requested")]
    state: String,
}

#[derive(Args)]
pub(super) struct Show {
    /// The request's id
    id: Uuid,
}

#[derive(Args)]
pub(super) struct Approve {
    /// The request's id
    id: Uuid,
    #[command(flatten)]
    approving: Approving,
}

#[derive(Args)]
pub(super) struct End {
    /// The request's id
    id: Uuid,
    /// Why
    #[arg(long)]
    reason: Text<512>,
    #[command(flatten)]
    person: Person,
}

#[derive(Args)]
pub(super) struct Complete {
    #[command(flatten)]
    codes: Codes,
}

impl Unbind {
    pub(super) fn run(self, client: &Client, output: &Output) -> Done {
        match self {
            Self::Open(open) => open.run(client, output),
            Self::Vouch(vouch) => vouch.run(client, output),
            Self::List(list) => list.run(client, output),
            Self::Show(Show { id }) => shown(&client.get(&format!("{PATH}/{id}"))?, output, ""),
            Self::Approve(approve) => approve.run(client, output),
            Self::Reject(end) => end.run("reject", client, output),
            Self::Withdraw(end) => end.run("withdraw", client, output),
            Self::Complete(complete) => complete.run(client, output),
        }
    }
}

impl Seen {
    /// The pieces, with the code of a token that was handed back.
    fn evidence(&self, output: &Output) -> Result<Vec<NewEvidence>, Failure> {
        let seen = self.evidence.iter().cloned().map(|(kind, reference)| NewEvidence {
            kind,
            reference,
            statement: None,
        });
        let mut evidence: Vec<NewEvidence> = seen.collect();
        if let Some(reference) = self.token_returned.clone() {
            let mut codes = CodeSource::open(&self.codes, output)?;
            let code = codes.next("Code that the token shows")?;
            evidence.push(NewEvidence {
                kind: EvidenceKind::TokenReturned,
                reference,
                statement: Some(statement(code)?),
            });
        }
        Ok(evidence)
    }
}

/// What comes next.
fn for_another(request: &UnbindRequestView) -> String {
    format!(
        "\nanother person approves with a key of their own: countersign support unbind approve {} --as ACCOUNT/USER --actor NAME",
        request.id
    )
}

impl Vouch {
    fn run(self, client: &Client, output: &Output) -> Done {
        let body = UnbindRequestVouching {
            evidence: self.seen.evidence(output)?,
            reason: self.seen.reason,
            actor: self.seen.person.actor(),
        };
        let opened = client.post::<UnbindRequestView>(&format!("{PATH}/{}/open", self.id), &body)?;
        shown(&opened, output, &for_another(&opened))
    }
}

impl Open {
    fn run(self, client: &Client, output: &Output) -> Done {
        let evidence = self.seen.evidence(output)?;
        let body = UnbindRequestOpening {
            account: self.account,
            user: self.user,
            device_id: self.device,
            outcome: self.switch_to.unwrap_or(UnbindOutcome {
                kind: UnbindOutcomeKind::Unbind,
                method: None,
                identity: None,
            }),
            evidence,
            reason: self.seen.reason,
            actor: self.seen.person.actor(),
        };
        let opened = client.post::<UnbindRequestView>(PATH, &body)?;
        shown(&opened, output, &for_another(&opened))
    }
}

impl List {
    fn run(self, client: &Client, output: &Output) -> Done {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!(
                "{PATH}?state={}&limit=1000{cursor}",
                crate::client::encoded(&self.state)
            );
            let page = client.get::<UnbindRequestPage>(&path)?;
            items.extend(page.items.iter().cloned());
            match page.next_cursor {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        output.print(&items, || match items.is_empty() {
            true => format!("none is {}", self.state),
            false => items.iter().map(words).collect::<Vec<_>>().join("\n"),
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Approve {
    fn run(self, client: &Client, output: &Output) -> Done {
        let body = ApprovalRequest {
            approver: self.approving.approver(output)?,
            actor: self.approving.person.actor(),
        };
        let approved = client.post::<UnbindRequestView>(&format!("{PATH}/{}/approve", self.id), &body)?;
        output.print(&approved, || {
            let token = approved.applicant_token.as_deref().unwrap_or_default();
            format!("{}\nfor the applicant, shown once: {token}", words(&approved))
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

impl End {
    fn run(self, act: &str, client: &Client, output: &Output) -> Done {
        let actor = self.person.actor();
        let path = format!("{PATH}/{}/{act}", self.id);
        let ended = client.post::<UnbindRequestView>(
            &path,
            &UnbindRequestEnd {
                reason: self.reason,
                actor,
            },
        )?;
        shown(&ended, output, "")
    }
}

impl Complete {
    fn run(self, client: &Client, output: &Output) -> Done {
        let mut codes = CodeSource::open(&self.codes, output)?;
        let token = codes.next("The applicant's token")?;
        let body = UnbindRequestCompletion {
            applicant_token: statement(token)?,
            actor: Actor::named("countersign support", ActorKind::User),
        };
        shown(
            &client.post::<UnbindRequestView>(&format!("{PATH}/complete"), &body)?,
            output,
            "",
        )
    }
}

fn shown(request: &Answer<UnbindRequestView>, output: &Output, next: &str) -> Done {
    output.print(request, || words(request) + next)?;
    Ok(ExitCode::SUCCESS)
}
