use clap::Args;
use vault::{Draft, Name, Note};

use crate::{Refusal, vault_session::VaultSession};

/// What its owner calls an entry, whoever says the rest of it.
#[derive(Args, Default)]
pub(super) struct OwnersWords {
    /// The service's name
    #[arg(long)]
    issuer: Option<String>,
    /// The user's name there
    #[arg(long)]
    account: Option<String>,
    /// What is to be remembered of it
    #[arg(long)]
    note: Option<String>,
    /// Puts it into a group
    #[arg(long, value_name = "NAME")]
    group: Vec<String>,
    /// Shows it first
    #[arg(long)]
    favourite: bool,
}

impl OwnersWords {
    /// True if they name one entry, so that they cannot be meant for several.
    pub(super) fn name_one(&self) -> bool {
        self.issuer.is_some() || self.account.is_some()
    }

    /// Says them of an entry, in place of what its issuer or another app said.
    pub(super) fn say_of(&self, draft: &mut Draft) -> Result<(), Refusal> {
        if let Some(issuer) = &self.issuer {
            draft.issuer = Name::new(issuer)?;
        }
        if let Some(account) = &self.account {
            draft.account = Name::new(account)?;
        }
        if self.name_one() && draft.title().is_empty() {
            return Err(nameless());
        }
        if let Some(note) = &self.note {
            draft.note = Note::new(note)?;
        }
        for group in &self.group {
            draft.groups.push(Name::new(group)?);
        }
        draft.favourite |= self.favourite;
        Ok(())
    }

    pub(super) fn ask_names(&mut self, session: &VaultSession<'_>) -> Result<(), Refusal> {
        loop {
            self.issuer = Some(session.prompt.line("The service's name")?.ok_or_else(nameless)?);
            self.account = session.prompt.line("Your name there")?;
            let is_blank = |name: &Option<String>| name.as_ref().is_none_or(|name| name.trim().is_empty());
            if !(is_blank(&self.issuer) && is_blank(&self.account)) {
                return Ok(());
            }
            eprintln!("one of the two is needed");
        }
    }
}

/// The refusal of an entry without any name.
pub(super) fn nameless() -> Refusal {
    Refusal::usage("an entry needs a name").help("say --issuer, --account or both")
}
