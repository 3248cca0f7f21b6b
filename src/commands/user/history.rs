//! `countersign user history`: what happened to a user, the newest first, as support sees it.

use std::process::ExitCode;

use api::{AuditPage, AuditRecord, HistoryQuery, HistoryView, PageSize};
use clap::Args;
use serde_json::Value;

use super::Who;
use crate::{
    Failure,
    client::Client,
    commands::{
        Done,
        audit::{HEAD, line},
        output::Output,
    },
};

/// Pages that are read at most.
const PAGES: usize = 10;

#[derive(Args)]
pub(super) struct History {
    #[command(flatten)]
    who: Who,
    /// How many of the last events
    #[arg(long, value_name = "N", default_value_t = 20)]
    last: usize,
}

impl History {
    pub(super) fn run(self, client: &Client, output: &Output) -> Done {
        let (mut lines, mut all) = (vec![HEAD.to_owned()], Vec::new());
        read(client, &self.who, |record, raw| {
            if all.len() < self.last {
                lines.push(line(record));
                all.push(raw.clone());
            }
            all.len() < self.last
        })?;
        output.print(&all, || lines.join("\n"))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Reads a user's history, the newest first: each record, and as it came, page by page as long as there is wish for more.
pub(super) fn read(
    client: &Client,
    who: &Who,
    mut wants_more: impl FnMut(&AuditRecord, &Value) -> bool,
) -> Result<(), Failure> {
    let mut cursor = None;
    for _ in 0..PAGES {
        let query = HistoryQuery {
            view: HistoryView::Support,
            limit: PageSize::default(),
            cursor,
        };
        let page = client.list::<AuditPage>(&who.name().path("/history"), &query)?;
        let raw = page.raw()["items"].as_array();
        let items = page.items.iter().zip(raw.into_iter().flatten());
        let mut goes_on = true;
        for (record, raw) in items {
            goes_on = wants_more(record, raw);
        }
        cursor = page.raw()["next_cursor"].as_str().map(str::to_owned);
        if !goes_on || cursor.is_none() {
            break;
        }
    }
    Ok(())
}
