//! `countersign webhook …`: who is told what happens to users, through a running service.

use std::process::ExitCode;

use api::{
    Actor, ActorKind, DeleteWebhookQuery, Delivery, DeliveryPage, DeliveryQuery, DeliveryState, Name, NewWebhook,
    NoticeType, PageSize, ReplayRequest, RotateWebhookRequest, Text, Webhook as Made, WebhookPage, WebhookRequest,
    WebhookSecret,
};
use clap::{Args, Subcommand};
use serde::de::DeserializeOwned;
use serde_json::json;
use uuid::Uuid;
use vault::shown;

use super::{Done, output::Output, server::Server, word};
use crate::client::Client;

/// `countersign webhook …`, over HTTP.
#[derive(Args)]
pub(super) struct Webhook {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: Server,
}

#[derive(Subcommand)]
enum Command {
    /// Makes a webhook and prints its secret, alone, on stdout; it is not shown again
    Create(Create),
    /// Lists the webhooks, without their secrets
    List,
    /// Ends a webhook: nothing more is sent to it
    Delete(One),
    /// Gives a webhook a new secret and prints it, alone, on stdout
    Rotate(Rotate),
    /// Lists what became of a webhook's notices
    Deliveries(Deliveries),
    /// Has a notice sent again
    Replay(Replay),
}

#[derive(Args)]
struct Create {
    /// Where notices are posted: https://HOST/PATH
    url: Text<2048>,
    /// Which types of notices, such as device.bound; several between commas
    #[arg(long = "event", value_name = "TYPE", value_delimiter = ',', required = true, value_parser = of_word::<NoticeType>)]
    events: Vec<NoticeType>,
    /// Of this account's users; several between commas, or one by one [default: of all that the key reaches]
    #[arg(long = "account", value_name = "ACCOUNT", value_delimiter = ',')]
    accounts: Vec<Name>,
}

#[derive(Args)]
struct One {
    /// The webhook's id, as `webhook list` shows it
    id: Uuid,
}

#[derive(Args)]
struct Rotate {
    #[command(flatten)]
    one: One,
    /// So many hours deliveries are signed with the secret before, too: 0 to 168
    #[arg(long, default_value_t = 24)]
    overlap_hours: u16,
}

#[derive(Args)]
struct Deliveries {
    #[command(flatten)]
    one: One,
    /// In this state alone: pending, delivered or dead
    #[arg(long, value_parser = of_word::<DeliveryState>)]
    state: Option<DeliveryState>,
}

#[derive(Args)]
struct Replay {
    #[command(flatten)]
    one: One,
    /// The delivery's id, as `webhook deliveries` shows it
    delivery: Uuid,
}

/// A word of the contract, as it stands in JSON.
fn of_word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(json!(text.trim())).map_err(|error| match error.to_string().split_once(", expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None => "there is no such word".to_owned(),
    })
}

fn actor() -> Actor {
    Actor::named("countersign webhook", ActorKind::Admin)
}

impl Webhook {
    pub(super) fn run(self) -> Done {
        let client = self.server.client()?;
        let output = self.server.output();
        match self.command {
            Command::Create(create) => create.run(&client, &output),
            Command::List => list(&client, &output),
            Command::Delete(one) => one.delete(&client),
            Command::Rotate(rotate) => rotate.run(&client, &output),
            Command::Deliveries(deliveries) => deliveries.run(&client, &output),
            Command::Replay(replay) => replay.run(&client, &output),
        }
    }
}

impl Create {
    fn run(self, client: &Client, output: &Output) -> Done {
        let body = WebhookRequest {
            url: self.url,
            events: self.events,
            accounts: (!self.accounts.is_empty()).then_some(self.accounts),
            actor: actor(),
        };
        let made = client.post::<NewWebhook>("/v1/webhooks", &body)?;
        eprintln!("webhook {} was made", made.id);
        output.print(&made, || made.secret.to_string())?;
        Ok(ExitCode::SUCCESS)
    }
}

fn list(client: &Client, output: &Output) -> Done {
    let page = client.get::<WebhookPage>("/v1/webhooks")?;
    output.print(&page, || page.items.iter().map(line).collect::<Vec<_>>().join("\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn line(webhook: &Made) -> String {
    let types: Vec<String> = webhook.events.iter().map(word).collect();
    let accounts = webhook
        .accounts
        .as_ref()
        .map_or("all accounts".into(), |names| names.join(","));
    format!(
        "{}  {}  {}  {}",
        webhook.id,
        types.join(","),
        shown(&accounts),
        shown(&webhook.url)
    )
}

impl One {
    fn path(&self, call: &str) -> String {
        format!("/v1/webhooks/{}{call}", self.id)
    }

    fn delete(self, client: &Client) -> Done {
        let Actor { id, kind, ip } = actor();
        let query = DeleteWebhookQuery {
            actor_id: id,
            actor_kind: kind,
            actor_ip: ip,
        };
        client.delete(&self.path(""), &query)?;
        eprintln!("webhook {} has ended", self.id);
        Ok(ExitCode::SUCCESS)
    }
}

impl Rotate {
    fn run(self, client: &Client, output: &Output) -> Done {
        let body = RotateWebhookRequest {
            overlap_hours: self.overlap_hours,
            actor: actor(),
        };
        let rotated = client.post::<WebhookSecret>(&self.one.path("/rotate"), &body)?;
        output.print(&rotated, || rotated.secret.to_string())?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Deliveries {
    fn run(self, client: &Client, output: &Output) -> Done {
        let mut query = DeliveryQuery {
            state: self.state,
            limit: PageSize::MAX,
            cursor: None,
        };
        let mut items = Vec::new();
        loop {
            let page = client.list::<DeliveryPage>(&self.one.path("/deliveries"), &query)?;
            items.extend(page.items.iter().cloned());
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                break;
            }
        }
        output.print(&items, || items.iter().map(words).collect::<Vec<_>>().join("\n"))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Replay {
    fn run(self, client: &Client, output: &Output) -> Done {
        let path = self.one.path(&format!("/deliveries/{}/replay", self.delivery));
        let replayed = client.post::<Delivery>(&path, &ReplayRequest { actor: actor() })?;
        output.print(&replayed, || words(&replayed))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn words(delivery: &Delivery) -> String {
    let mut words = format!(
        "{}  {}  {}  {} of {}",
        delivery.id,
        word(&delivery.state),
        word(&delivery.kind),
        if delivery.attempts == 1 {
            "1 try".to_owned()
        } else {
            format!("{} tries", delivery.attempts)
        },
        delivery.timestamp,
    );
    if let Some(status) = delivery.last_status {
        words += &format!("  {status}");
    }
    if let Some(next) = delivery.next_attempt_at {
        words += &format!("  again at {next}");
    }
    words
}
