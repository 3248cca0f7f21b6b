use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use vault::{MIN_KEY_FILE_LEN_BYTES, Name, NewSlot, OpenVault, SlotInfo, SlotKind, Unlock};
use zeroize::Zeroizing;

use super::{DONE, Done, print, print_json};
use crate::{
    Refusal,
    prompt::read_secret,
    vault_session::{By, VaultSession, new_passphrase},
};

#[derive(Subcommand)]
pub(super) enum Slot {
    /// Lists the ways to open the vault
    List,
    /// Adds one: a passphrase, a key file, or the desktop's keyring
    Add(AddSlot),
    /// Removes one
    Remove(RemoveSlot),
}

#[derive(Args)]
pub(super) struct AddSlot {
    /// A file of 32 random bytes or more that shall open the vault
    #[arg(long, value_name = "FILE", conflicts_with = "new_passphrase_file")]
    new_key_file: Option<PathBuf>,
    /// A file with the new passphrase, for where nobody can be asked
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
    /// A random key that the desktop's keyring keeps: while that is open, codes need no passphrase on this machine
    #[arg(long, conflicts_with_all = ["new_key_file", "new_passphrase_file"])]
    keyring: bool,
    /// What it is called; not secret
    #[arg(long, default_value = "")]
    label: String,
}

#[derive(Args)]
pub(super) struct RemoveSlot {
    /// Its number in `slot list`
    number: usize,
    /// Without asking whether it should be
    #[arg(long)]
    yes: bool,
}

impl Slot {
    pub(super) fn run(self, session: &VaultSession<'_>) -> Done {
        match self {
            Self::List => list(session),
            Self::Add(add) => add.run(session),
            Self::Remove(remove) => remove.run(session),
        }
    }
}

/// Lists the slots. None of it is secret, so no key is asked for.
fn list(session: &VaultSession<'_>) -> Done {
    let locked = session.file.read()?;
    if session.json {
        let slots = locked.slots().enumerate();
        let all: Vec<Value> = slots
            .map(|(number, slot)| json!({"number": number, "kind": kind(slot), "label": label(slot).as_str()}))
            .collect();
        print_json(&all.into())?;
        return DONE;
    }
    for (number, slot) in locked.slots().enumerate() {
        let line = format!("{number}  {}  {}", kind(slot), label(slot).as_str());
        print(&format!("{}\n", line.trim_end()))?;
    }
    DONE
}

fn kind(slot: SlotInfo<'_>) -> &'static str {
    match slot.kind {
        SlotKind::Passphrase(_) => "passphrase",
        SlotKind::KeyFile => "key file",
        SlotKind::Keyring => "keyring",
        _ => "of a newer version",
    }
}

/// A slot's label for a terminal: whoever wrote the file wrote it.
fn label(slot: SlotInfo<'_>) -> Name {
    Name::tidied(slot.label).0
}

impl AddSlot {
    fn run(self, session: &VaultSession<'_>) -> Done {
        let vault = session.open(By::Person)?;
        if self.keyring {
            return self.add_keyring(session, &vault);
        }
        let mut entropy = session.entropy();
        let (passphrase, key);
        let slot = if let Some(path) = &self.new_key_file {
            key = read_secret(path)?;
            if session.file.read()?.unlock(Unlock::KeyFile(&key)).is_ok() {
                return Err(Refusal::new("this key file opens the vault already"));
            }
            NewSlot::KeyFile(&key)
        } else {
            passphrase = session.prompt.new_passphrase(
                self.new_passphrase_file.as_deref(),
                "Another passphrase",
                "name a file with --new-passphrase-file",
            )?;
            new_passphrase(&passphrase)
        };
        session.change(vault.data_key(), |vault| {
            Ok(vault.add_slot(slot, &self.label, &mut entropy)?)
        })?;
        eprintln!("added: the vault opens with it, too");
        DONE
    }

    /// The key is in the keyring before the vault asks for it; one that a failure left there opens nothing, and the next
    /// attempt writes over it.
    fn add_keyring(&self, session: &VaultSession<'_>, vault: &OpenVault) -> Done {
        let item = session.keyring_item(vault.id())?;
        if let Some(key) = item.key()?
            && session.file.read()?.unlock(Unlock::Keyring(&key)).is_ok()
        {
            return Err(Refusal::new("this machine's keyring opens the vault already"));
        }
        let mut entropy = session.entropy();
        let mut key = Zeroizing::new([0; MIN_KEY_FILE_LEN_BYTES]);
        entropy(&mut *key).map_err(|error| Refusal::new(format!("no random bytes: {error}")))?;
        item.put(&*key)?;
        session.change(vault.data_key(), |vault| {
            Ok(vault.add_slot(NewSlot::Keyring(&*key), &self.label, &mut entropy)?)
        })?;
        eprintln!("added: while this machine's keyring is open, codes need no passphrase");
        DONE
    }
}

impl RemoveSlot {
    fn run(self, session: &VaultSession<'_>) -> Done {
        let vault = session.open(By::Person)?;
        let slot = vault.slots().nth(self.number);
        let slot = slot.ok_or_else(|| Refusal::usage(format!("the vault has no slot {}", self.number)))?;
        keeps_more_than_keyrings(&vault, slot)?;
        let called = format!("{} {}", kind(slot), label(slot).as_str());
        let question = format!("Remove slot {}, {}?", self.number, called.trim_end());
        if !self.yes && !session.prompt.confirm(&question, "say --yes")? {
            return Err(Refusal::new("nothing was removed"));
        }
        session.change(vault.data_key(), |vault| {
            let number = number_now(vault, slot)?;
            keeps_more_than_keyrings(vault, slot)?;
            Ok(vault.remove_slot(number)?)
        })?;
        if slot.kind == SlotKind::Keyring {
            session.forget_keyring_key(vault.id());
        }
        eprintln!("removed; who has an older copy of the vault is shut out by `passphrase --new-key` only");
        DONE
    }
}

/// The slot's number in the vault as it is now: others may have been added or removed since it was looked at.
pub(super) fn number_now(vault: &OpenVault, slot: SlotInfo<'_>) -> Result<usize, Refusal> {
    let number = vault.slots().position(|now| now == slot);
    number.ok_or_else(|| {
        Refusal::new("this way to open the vault was changed or removed meanwhile: nothing was changed")
            .help("look at `slot list` again")
    })
}

fn keeps_more_than_keyrings(vault: &OpenVault, without: SlotInfo<'_>) -> Result<(), Refusal> {
    let is_left = |slot: SlotInfo<'_>| slot != without && slot.kind != SlotKind::Keyring;
    match without.kind == SlotKind::Keyring || vault.slots().any(is_left) {
        true => Ok(()),
        false => Err(
            Refusal::new("a keyring alone would be left, which is lost with its machine")
                .help("add a passphrase or a key file first"),
        ),
    }
}
