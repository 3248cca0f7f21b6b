use clap::Args;

use super::{DONE, Done};
use crate::{
    Refusal,
    found::{meant, numbered},
    vault_session::{By, VaultSession},
};

#[derive(Args)]
pub(super) struct Remove {
    /// The entry: its name, pieces of it, or its number such as '#7'
    #[arg(required = true)]
    name: Vec<String>,
    /// Without asking whether it should be; for a whole name or a number only
    #[arg(long)]
    yes: bool,
}

impl Remove {
    pub(super) fn run(self, session: &VaultSession<'_>) -> Done {
        let vault = session.open(By::Anyone)?;
        let meant = meant(vault.entries(), &self.name)?;
        let entry = if self.yes {
            meant.certain()?
        } else {
            let entry = meant.entry;
            eprintln!("its service will still ask for its codes: turn the second factor off there first");
            let question = format!("Remove {} for ever?", numbered(entry));
            if !session.prompt.confirm(&question, "say --yes")? {
                return Err(Refusal::new("nothing was removed"));
            }
            entry
        };
        session.change(vault.data_key(), |vault| {
            let removed = vault.entries_mut().remove(entry.id());
            removed.ok_or_else(|| Refusal::new("somebody else has removed it meanwhile"))
        })?;
        eprintln!("removed: {}", numbered(entry));
        DONE
    }
}
