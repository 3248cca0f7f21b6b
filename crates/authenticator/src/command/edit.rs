use clap::Args;
use vault::{Name, Note};

use super::{DONE, Done};
use crate::{
    Refusal,
    desk::{By, Desk},
    found::{numbered, one},
};

#[derive(Args)]
pub(super) struct Edit {
    /// The entry: its name, pieces of it, or its number such as '#7'
    #[arg(required = true)]
    name: Vec<String>,
    /// The service's name
    #[arg(long)]
    issuer: Option<String>,
    /// The user's name there
    #[arg(long)]
    account: Option<String>,
    /// What is to be remembered of it; empty for nothing
    #[arg(long)]
    note: Option<String>,
    /// Puts it into a group
    #[arg(long, value_name = "NAME")]
    group: Vec<String>,
    /// Takes it out of a group
    #[arg(long, value_name = "NAME")]
    ungroup: Vec<String>,
    /// Shows it first
    #[arg(long)]
    favourite: bool,
    /// Does so no longer
    #[arg(long, conflicts_with = "favourite")]
    not_favourite: bool,
}

impl Edit {
    pub(super) fn run(self, desk: &Desk<'_>) -> Done {
        let Self {
            name: words,
            issuer,
            account,
            note,
            group,
            ungroup,
            favourite,
            not_favourite,
        } = self;
        let is_named = issuer.is_some() || account.is_some() || note.is_some();
        if !(is_named || favourite || not_favourite || !group.is_empty() || !ungroup.is_empty()) {
            return Err(Refusal::usage("nothing is to be changed").help("say --issuer, --account, --note, --group, …"));
        }
        let vault = desk.open(By::Anyone)?;
        let id = one(vault.entries(), &words)?.id();
        let name = |text: Option<String>| text.map(|text| Name::new(&text)).transpose();
        let (issuer, account) = (name(issuer)?, name(account)?);
        let note = note.map(|text| Note::new(&text)).transpose()?;
        let added: Vec<Name> = group.iter().map(|name| Name::new(name)).collect::<Result<_, _>>()?;
        let said = desk.change(vault.data_key(), |vault| {
            let entry = vault
                .entries_mut()
                .get_mut(id)
                .ok_or_else(|| Refusal::new("the entry was removed meanwhile"))?;
            entry.issuer = issuer.unwrap_or_else(|| entry.issuer.clone());
            entry.account = account.unwrap_or_else(|| entry.account.clone());
            entry.note = note.unwrap_or_else(|| entry.note.clone());
            entry
                .groups
                .retain(|group| !ungroup.iter().any(|name| name == group.as_str()));
            for group in added {
                if !group.is_empty() && !entry.groups.contains(&group) {
                    entry.groups.push(group);
                }
            }
            entry.favourite = (entry.favourite || favourite) && !not_favourite;
            Ok(numbered(entry))
        })?;
        eprintln!("changed: {said}");
        DONE
    }
}
