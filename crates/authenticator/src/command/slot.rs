use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use vault::{NewSlot, SlotInfo, SlotKind};

use super::{DONE, Done, print, print_json};
use crate::{
    Refusal,
    desk::{By, Desk, new_passphrase},
    prompt::{read_line, read_whole},
};

#[derive(Subcommand)]
pub(super) enum Slot {
    /// Lists the ways to open the vault
    List,
    /// Adds one: a passphrase, or a key file
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
    pub(super) fn run(self, desk: &Desk<'_>) -> Done {
        match self {
            Self::List => list(desk),
            Self::Add(add) => add.run(desk),
            Self::Remove(remove) => remove.run(desk),
        }
    }
}

/// Nothing of it is secret, so that no key is asked for.
fn list(desk: &Desk<'_>) -> Done {
    let locked = desk.file.read()?;
    if desk.json {
        let slots = locked.slots().enumerate();
        let all: Vec<Value> = slots
            .map(|(number, slot)| json!({"number": number, "kind": kind(slot), "label": slot.label}))
            .collect();
        print_json(&all.into())?;
        return DONE;
    }
    for (number, slot) in locked.slots().enumerate() {
        let line = format!("{number}  {}  {}", kind(slot), slot.label);
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

impl AddSlot {
    fn run(self, desk: &Desk<'_>) -> Done {
        let vault = desk.open(By::Person)?;
        let mut entropy = desk.entropy();
        let (passphrase, key);
        let slot = if let Some(path) = &self.new_key_file {
            key = read_whole(path)?;
            NewSlot::KeyFile(&key)
        } else {
            passphrase = match &self.new_passphrase_file {
                Some(path) => read_line(path)?,
                None => desk
                    .prompt
                    .new_secret("Another passphrase", "name a file with --new-passphrase-file")?,
            };
            new_passphrase(&passphrase)
        };
        desk.change(vault.data_key(), |vault| {
            Ok(vault.add_slot(slot, &self.label, &mut entropy)?)
        })?;
        eprintln!("added: the vault opens with it, too");
        DONE
    }
}

impl RemoveSlot {
    fn run(self, desk: &Desk<'_>) -> Done {
        let vault = desk.open(By::Person)?;
        let slot = vault.slots().nth(self.number);
        let slot = slot.ok_or_else(|| Refusal::usage(format!("the vault has no slot {}", self.number)))?;
        let question = format!("Remove slot {}, {} {}?", self.number, kind(slot), slot.label);
        if !self.yes && !desk.prompt.confirm(&question, "say --yes")? {
            return Err(Refusal::new("nothing was removed"));
        }
        let expected = slot.label.to_owned();
        desk.change(vault.data_key(), |vault| {
            let label = vault.slots().nth(self.number).map(|slot| slot.label.to_owned());
            if label.as_ref() != Some(&expected) {
                return Err(Refusal::new(
                    "the slots were changed meanwhile: look at `slot list` again",
                ));
            }
            Ok(vault.remove_slot(self.number)?)
        })?;
        eprintln!("removed; who has an older copy of the vault is shut out by `passphrase --new-key` only");
        DONE
    }
}
