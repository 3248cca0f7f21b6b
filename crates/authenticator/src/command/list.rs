use clap::{Args, ValueEnum};
use unicode_width::UnicodeWidthStr as _;
use vault::{Entry, Order};

use super::{DONE, Done, print, print_json};
use crate::{
    found::{described, unusual},
    vault_session::{By, VaultSession},
};

#[derive(Args)]
pub(super) struct List {
    /// Pieces of names, groups or notes, all of which have to occur
    search: Vec<String>,
    /// In which order; favourites always come first
    #[arg(long, value_enum, default_value = "name")]
    order: Sorting,
    /// Those of this group
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Favourites alone
    #[arg(long)]
    favourites: bool,
}

/// The orders by their names.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Sorting {
    /// By issuer and account
    Name,
    /// The one used most often first
    Use,
    /// As they came
    Added,
}

impl From<Sorting> for Order {
    fn from(order: Sorting) -> Self {
        match order {
            Sorting::Name => Self::Name,
            Sorting::Use => Self::Use,
            Sorting::Added => Self::Added,
        }
    }
}

impl List {
    pub(super) fn run(self, session: &VaultSession<'_>) -> Done {
        let vault = session.open(By::Anyone)?;
        let mut entries = vault.entries().search(&self.search.join(" "), self.order.into());
        entries.retain(|entry| {
            let is_in = |group: &String| {
                let mut groups = entry.groups.iter().map(|name| name.as_str().to_lowercase());
                groups.any(|name| name == group.trim().to_lowercase())
            };
            self.group.as_ref().is_none_or(is_in) && (entry.favourite || !self.favourites)
        });
        if session.json {
            let all: Vec<_> = entries.into_iter().map(described).collect();
            print_json(&all.into())?;
            return DONE;
        }
        print(&table(&entries))?;
        if entries.is_empty() {
            eprintln!("no entry of {} is like that", vault.entries().len());
        }
        let unread = vault.entries().kept_unread();
        if unread > 0 {
            eprintln!("{unread} more record(s) of a newer version are kept, and can be seen with that version");
        }
        DONE
    }
}

/// A line each: number, favourite, issuer, account, what is unusual, groups.
fn table(entries: &[&Entry]) -> String {
    let widest = |of: fn(&Entry) -> String| entries.iter().map(|entry| of(entry).width()).max().unwrap_or(0);
    let number = |entry: &Entry| format!("#{}", entry.id().get());
    let issuer = |entry: &Entry| entry.issuer.as_str().to_owned();
    let account = |entry: &Entry| entry.account.as_str().to_owned();
    let widths = [widest(number), widest(issuer), widest(account), widest(unusual)];
    let mut lines = String::new();
    for entry in entries {
        let groups: Vec<_> = entry
            .groups
            .iter()
            .map(|group| format!("[{}]", group.as_str()))
            .collect();
        let star = if entry.favourite { "*" } else { " " };
        let cells = [issuer(entry), account(entry), unusual(entry)];
        let mut line = format!("{:>width$} {star}", number(entry), width = widths[0]);
        for (cell, width) in cells.iter().zip(&widths[1..]).filter(|(_, width)| **width > 0) {
            // Not by `format!`, which counts characters where a terminal counts columns.
            line += &format!(" {cell}{} ", " ".repeat(width - cell.width()));
        }
        line += &format!(" {}", groups.join(" "));
        lines += line.trim_end();
        lines += "\n";
    }
    lines
}
