//! What the commands that ask a running service about its inventory share.

use std::process::ExitCode;

use api::{Actor, ActorKind, Batch, BatchPage, Token, TokenPage};
use clap::Args;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    Failure,
    client::{Answer, CallFailure, Client},
    commands::{Done, output::Output, print_json, server::Server, word},
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
    pub(super) fn run(self, run: impl FnOnce(T, &Client, &Output) -> Done) -> Done {
        run(self.what, &self.server.client()?, &self.server.output())
    }
}

pub(super) fn actor() -> Actor {
    Actor::named("countersign token", ActorKind::Admin)
}

/// A part of a list.
pub(super) trait Page: DeserializeOwned {
    type Item;

    fn items(&self) -> &[Self::Item];
}

impl Page for TokenPage {
    type Item = Token;

    fn items(&self) -> &[Token] {
        &self.items
    }
}

impl Page for BatchPage {
    type Item = Batch;

    fn items(&self) -> &[Batch] {
        &self.items
    }
}

/// A list as it comes, a line each, or all of it as one JSON array. `page` asks for the part that begins at a cursor.
pub(super) fn pages<P: Page>(
    page: impl Fn(Option<String>) -> Result<Answer<P>, CallFailure>,
    output: &Output,
    line: impl Fn(&P::Item) -> String,
) -> Done {
    let mut all: Vec<Value> = Vec::new();
    let mut cursor = None;
    loop {
        let page = page(cursor.clone())?;
        if output.json {
            all.extend(page.raw()["items"].as_array().into_iter().flatten().cloned());
        } else {
            page.items().iter().try_for_each(|item| tell!("{}", line(item)))?;
        }
        // As it came: one that was made fit to be shown is another place in the list.
        let next = page.raw()["next_cursor"].as_str().map(str::to_owned);
        if next.is_none() {
            break;
        }
        if next == cursor {
            return Err(Failure::new("the service gives the same page again and again"));
        }
        cursor = next;
    }
    if output.json {
        print_json(&all)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A token in a line.
pub(super) fn line(token: &Token) -> String {
    let mut line = format!("{}  {}  {}", token.serial_number, word(&token.state), token.batch);
    if let (Some(account), Some(user)) = (&token.account, &token.user) {
        line += &format!("  {account}/{user}");
    }
    if let Some(counter) = token.counter {
        line += &format!("  counts (HOTP), next {counter}");
    }
    if token.drift_steps != 0 {
        line += &format!("  clock {:+} steps", token.drift_steps);
    }
    line
}
