use std::path::PathBuf;

use clap::Args;
use vault::{OpenVault, SlotError, SlotInfo, SlotKind};

use super::{DONE, Done, slot::number_now};
use crate::{
    Refusal,
    vault_session::{By, VaultSession, new_passphrase},
};

#[derive(Args)]
pub(super) struct Passphrase {
    /// A file with the new passphrase, for where nobody can be asked
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
    /// Which of several passphrases, by its number in `slot list`
    #[arg(long, value_name = "NUMBER")]
    slot: Option<usize>,
    /// Shuts out old copies of the vault, too: all other ways to open it end
    #[arg(long, conflicts_with = "slot")]
    new_key: bool,
}

impl Passphrase {
    pub(super) fn run(self, session: &VaultSession<'_>) -> Done {
        let vault = session.open(By::Person)?;
        let slot = match (self.slot, self.new_key) {
            (_, true) => None,
            (Some(index), _) => Some(passphrase_at(&vault, index)?),
            (None, _) => Some(only_passphrase(&vault)?),
        };
        let passphrase = session.prompt.new_passphrase(
            self.new_passphrase_file.as_deref(),
            "New passphrase",
            "name a file that has it with --new-passphrase-file",
        )?;
        let mut entropy = session.entropy();
        session.change(vault.data_key(), |vault| {
            match slot {
                Some(slot) => {
                    let number = number_now(vault, slot)?;
                    vault.replace_slot(number, new_passphrase(&passphrase), &mut entropy)?;
                }
                None => vault.rekey(new_passphrase(&passphrase), "", &mut entropy)?,
            }
            Ok(())
        })?;
        if self.new_key {
            let locked = session.agent(vault.id()).lock();
            if vault.slots().any(|slot| slot.kind == SlotKind::Keyring) {
                session.forget_keyring_key(vault.id());
            }
            eprintln!("changed: what was saved before opens as it did, and nothing of what is saved from now on does");
            locked?;
        } else {
            eprintln!("changed; who has an older copy of the vault and its passphrase is shut out by --new-key only");
        }
        DONE
    }
}

fn passphrase_at(vault: &OpenVault, index: usize) -> Result<SlotInfo<'_>, Refusal> {
    let slot = vault.slots().nth(index);
    let slot = slot.ok_or(SlotError::<String>::NoSuchSlot { index })?;
    match slot.kind {
        SlotKind::Passphrase(_) => Ok(slot),
        _ => Err(Refusal::usage(format!("slot {index} is no passphrase"))
            .help("add one with `slot add`, and then `slot remove` this one")),
    }
}

fn only_passphrase(vault: &OpenVault) -> Result<SlotInfo<'_>, Refusal> {
    let mut passphrases = vault
        .slots()
        .filter(|slot| matches!(slot.kind, SlotKind::Passphrase(_)));
    match (passphrases.next(), passphrases.next()) {
        (Some(slot), None) => Ok(slot),
        (None, _) => Err(Refusal::usage("no passphrase opens this vault").help("add one with `slot add`")),
        (Some(_), Some(_)) => Err(Refusal::usage("several passphrases open this vault")
            .help("`slot list` numbers them: say which with --slot NUMBER")),
    }
}
