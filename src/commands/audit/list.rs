//! `countersign audit list`: records of the trail, as a running service has them.

use std::process::ExitCode;

use api::{AuditEvent, AuditOrder, AuditPage, AuditQuery, AuditRecord, Name, PageSize, Timestamp};
use clap::{Args, ValueEnum};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Failure,
    commands::{Done, print_json, server::Server},
};

#[derive(Args)]
pub(in crate::commands) struct List {
    /// About this account
    #[arg(long)]
    account: Option<Name>,
    /// About this user of the account
    #[arg(long, requires = "account")]
    user: Option<Name>,
    /// About this device
    #[arg(long, value_name = "ID")]
    device: Option<Uuid>,
    /// About the token of this serial number
    #[arg(long, value_name = "NUMBER")]
    serial_number: Option<Name>,
    /// Of this action, as `verify` is one
    #[arg(long)]
    action: Option<Name>,
    /// Decided then or later: 2026-11-30T08:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Decided then or before
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// From which end
    #[arg(long, value_enum, default_value_t = Order::Desc)]
    order: Order,
    /// At most so many records
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u32,
    #[command(flatten)]
    server: Server,
}

// Without a doc each, so that `--help` lists them in one line.
#[derive(Clone, Copy, ValueEnum)]
enum Order {
    Asc,
    Desc,
}

impl List {
    pub(super) fn run(self) -> Done {
        let client = self.server.client()?;
        let is_json = self.server.output().json;
        let mut all: Vec<Value> = Vec::new();
        let (mut left, mut cursor) = (self.limit, None::<String>);
        while let Some(limit) = PageSize::new(left.min(PageSize::MAX.get())) {
            let page = client.list::<AuditPage>("/v1/audit", &self.query(limit, cursor.clone()))?;
            left = left.saturating_sub(u32::try_from(page.items.len()).unwrap_or(left));
            if is_json {
                all.extend(page.raw()["items"].as_array().into_iter().flatten().cloned());
            } else {
                if cursor.is_none() {
                    tell!("{HEAD}")?;
                }
                page.items.iter().try_for_each(|record| tell!("{}", line(record)))?;
            }
            let next = page.raw()["next_cursor"].as_str().map(str::to_owned);
            if next.is_none() {
                break;
            }
            if next == cursor {
                return Err(Failure::new("the service gives the same page again and again"));
            }
            cursor = next;
        }
        if is_json {
            print_json(&all)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn query(&self, limit: PageSize, cursor: Option<String>) -> AuditQuery {
        AuditQuery {
            account: self.account.clone(),
            user: self.user.clone(),
            device: self.device,
            serial_number: self.serial_number.clone(),
            action: self.action.clone(),
            since: self.since,
            until: self.until,
            order: match self.order {
                Order::Asc => AuditOrder::Asc,
                Order::Desc => AuditOrder::Desc,
            },
            limit,
            cursor,
        }
    }
}

/// What stands above the lines.
pub(in crate::commands) const HEAD: &str =
    "time                      action                outcome     cause                 about";

/// A record in a line.
pub(in crate::commands) fn line(record: &AuditRecord) -> String {
    let Some(event) = event(record) else {
        return format!("{}  erased", record.at);
    };
    let about = match (&event.account, &event.user) {
        (Some(account), Some(user)) => format!("{account}/{user}"),
        _ => event.person.map(|person| person.to_string()).unwrap_or_default(),
    };
    let times = event.count.map(|count| format!(" ({count} times)")).unwrap_or_default();
    let line = format!(
        "{}  {:<20}  {:<10}  {:<20}  {about}{times}",
        record.at,
        event.action,
        event.outcome,
        cause(&event),
    );
    line.trim_end().to_owned()
}

/// What a record says, if it says anything.
pub(in crate::commands) fn event(record: &AuditRecord) -> Option<AuditEvent> {
    serde_json::from_str(record.event.as_deref()?.get()).ok()
}

/// The cause, with its steps.
pub(in crate::commands) fn cause(event: &AuditEvent) -> String {
    let cause = event.cause.clone().unwrap_or_default();
    match event.steps {
        Some(steps) => format!("{cause} {steps:+}"),
        None => cause,
    }
}
