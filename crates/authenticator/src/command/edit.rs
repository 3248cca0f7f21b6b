use clap::Args;
use vault::{Kind, Name, Note};

use super::{DONE, Done, owners_words::nameless};
use crate::{
    Refusal,
    found::{meant, numbered},
    vault_session::{By, VaultSession},
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
    /// Corrects the counter of its next code, of type hotp
    #[arg(long, value_name = "NUMBER")]
    counter: Option<u64>,
    /// Without asking whether a counter should go back
    #[arg(long, requires = "counter")]
    yes: bool,
}

impl Edit {
    pub(super) fn run(self, session: &VaultSession<'_>) -> Done {
        let Self {
            name: words,
            issuer,
            account,
            note,
            group,
            ungroup,
            favourite,
            not_favourite,
            counter,
            yes,
        } = self;
        let is_named = issuer.is_some() || account.is_some() || note.is_some();
        let is_counted = counter.is_some();
        if !(is_named || is_counted || favourite || not_favourite || !group.is_empty() || !ungroup.is_empty()) {
            return Err(Refusal::usage("nothing is to be changed").help("say --issuer, --account, --note, --group, …"));
        }
        let vault = session.open(By::Anyone)?;
        let meant = meant(vault.entries(), &words)?;
        let entry = match is_counted {
            true => meant.certain_or_asked(session.prompt, "Set the counter of")?,
            false => meant.entry,
        };
        let id = entry.id();
        let goes_back = |from: Kind| matches!((from, counter), (Kind::Hotp { counter: from }, Some(to)) if to < from);
        if goes_back(entry.credential().kind()) && !yes {
            eprintln!("its service refuses codes that it has seen: only a code that did not get there may come again");
            let question = format!("Set the counter of {} back?", numbered(entry));
            if !session.prompt.confirm(&question, "say --yes")? {
                return Err(Refusal::new("nothing was changed"));
            }
        }
        let looked_at = entry.credential().kind();
        let name = |text: Option<String>| text.map(|text| Name::new(&text)).transpose();
        let (issuer, account) = (name(issuer)?, name(account)?);
        let note = note.map(|text| Note::new(&text)).transpose()?;
        let added: Vec<Name> = group.iter().map(|name| Name::new(name)).collect::<Result<_, _>>()?;
        let left: Vec<String> = ungroup.iter().map(|name| name.trim().to_lowercase()).collect();
        let is_left = |group: &Name| left.contains(&group.as_str().to_lowercase());
        let is_renamed = issuer.is_some() || account.is_some();
        let said = session.change(vault.data_key(), |vault| {
            let mut known = vault.entries().groups();
            let removed = || Refusal::new("the entry was removed meanwhile");
            let entry = vault.entries_mut().get_mut(id).ok_or_else(removed)?;
            let now = entry.credential().kind();
            if goes_back(now) && now != looked_at {
                return Err(Refusal::new("its counter moved on meanwhile: nothing was changed").help("try again"));
            }
            entry.issuer = issuer.unwrap_or_else(|| entry.issuer.clone());
            entry.account = account.unwrap_or_else(|| entry.account.clone());
            if is_renamed && entry.title().is_empty() {
                return Err(nameless());
            }
            entry.note = note.unwrap_or_else(|| entry.note.clone());
            let kept = entry.groups.drain(..).filter(|group| !is_left(group));
            let groups: Vec<Name> = kept.chain(added).collect();
            entry.groups = known.spelt_once(groups);
            entry.favourite = (entry.favourite || favourite) && !not_favourite;
            let said = numbered(entry);
            if let Some(counter) = counter {
                vault.entries_mut().set_counter(id, counter)?;
            }
            Ok(said)
        })?;
        eprintln!("changed: {said}");
        DONE
    }
}
