//! The session of one command with a vault: where its file is, what opens it, and how it is changed.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use vault::{DataKey, KdfCost, LockedVault, NewSlot, OpenVault, SlotKind, Unlock, UnlockError, VAULT_ID_LEN_BYTES};

use crate::{
    LOCK_WAIT, Machine, Refusal, VaultFile,
    agent::Agent,
    desktop_keyring::KeyringItem,
    prompt::{Prompt, TRIES, read_passphrase, read_secret},
    refusal::named,
};

const OR_BY_FILE: &str = "name a file that has it with --passphrase-file, or with COUNTERSIGN_VAULT_PASSPHRASE_FILE";

/// Which vault, and what opens it
#[derive(Args)]
pub(crate) struct VaultArgs {
    /// The vault's file [default: authenticator.vault in the user's data directory]
    #[arg(long, global = true, value_name = "FILE", env = "COUNTERSIGN_VAULT")]
    vault: Option<PathBuf>,
    /// A file with the vault's passphrase, for where nobody can be asked; - for stdin
    #[arg(long, global = true, value_name = "FILE", env = "COUNTERSIGN_VAULT_PASSPHRASE_FILE")]
    passphrase_file: Option<PathBuf>,
    /// A key file that opens the vault in place of a passphrase
    #[arg(long, global = true, value_name = "FILE", env = "COUNTERSIGN_VAULT_KEY_FILE")]
    key_file: Option<PathBuf>,
    /// Prints data as JSON
    #[arg(long, global = true)]
    json: bool,
    /// Never asks: what is missing is an error
    #[arg(long, global = true)]
    no_input: bool,
}

/// A command at work on one vault: its file, what opens it, and the machine.
pub(crate) struct VaultSession<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) file: VaultFile,
    pub(crate) prompt: Prompt,
    pub(crate) json: bool,
    passphrase_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
}

/// Who may open the vault.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// The agent, the desktop's keyring, or else a person.
    Anyone,
    /// A person, although agent and keyring may be there: what shows secrets or changes the locks asks again.
    Person,
}

impl VaultArgs {
    pub(crate) fn session(self, machine: &Machine) -> Result<VaultSession<'_>, Refusal> {
        let default = || machine.data_dir.as_ref().map(|dir| dir.join("authenticator.vault"));
        let path = self.vault.or_else(default).ok_or_else(|| {
            Refusal::usage("where the vault is is not known: neither HOME nor XDG_DATA_HOME is set")
                .help("say --vault FILE")
        })?;
        Ok(VaultSession {
            machine,
            file: VaultFile::at(path),
            prompt: Prompt {
                no_input: self.no_input,
            },
            json: self.json,
            passphrase_file: self.passphrase_file,
            key_file: self.key_file,
        })
    }
}

impl VaultSession<'_> {
    pub(crate) fn agent(&self, vault_id: &[u8; VAULT_ID_LEN_BYTES]) -> Agent {
        Agent::of(self.machine, vault_id)
    }

    /// An agent that is of no help says why, and something else opens the vault.
    fn unlock_by_agent(&self, locked: &LockedVault) -> Option<OpenVault> {
        let key = self.agent(locked.id()).key().unwrap_or_else(|refusal| {
            eprintln!("{refusal}");
            None
        })?;
        locked.unlock(Unlock::DataKey(&key)).ok()
    }

    /// The machine's randomness, as the vault takes it.
    pub(crate) fn entropy(&self) -> impl FnMut(&mut [u8]) -> Result<(), String> + use<> {
        self.machine.entropy
    }

    /// The vault as it is now, to be looked at.
    pub(crate) fn open(&self, by: By) -> Result<OpenVault, Refusal> {
        self.unlock(&self.file.read()?, by)
    }

    /// Opens the vault, or makes a new one on disk where there is none.
    pub(crate) fn open_or_create(&self) -> Result<OpenVault, Refusal> {
        if self.file.exists() {
            return self.open(By::Anyone);
        }
        eprintln!("there is no vault yet; a new one goes to {}", named(self.file.path()));
        let mut entropy = self.entropy();
        let mut vault = if let Some(path) = &self.key_file {
            OpenVault::create(NewSlot::KeyFile(&read_secret(path)?), "", &mut entropy)?
        } else {
            let passphrase =
                self.prompt
                    .new_passphrase(self.passphrase_file.as_deref(), "A passphrase for it", OR_BY_FILE)?;
            OpenVault::create(new_passphrase(&passphrase), "", &mut entropy)?
        };
        let lock = self.file.lock(LOCK_WAIT)?;
        lock.create(&vault.save(&mut entropy)?)?;
        Ok(vault)
    }

    /// Changes the vault as it is now, which may be another than the one that was looked at, and saves it; with an error
    /// nothing is saved. No question belongs in `change`, because others wait meanwhile.
    pub(crate) fn change<T>(
        &self,
        key: &DataKey,
        change: impl FnOnce(&mut OpenVault) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.change_within(LOCK_WAIT, key, change)
    }

    /// [`change`](Self::change), unless somebody else is writing at this moment.
    pub(crate) fn change_if_free<T>(
        &self,
        key: &DataKey,
        change: impl FnOnce(&mut OpenVault) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.change_within(Duration::ZERO, key, change)
    }

    fn change_within<T>(
        &self,
        wait: Duration,
        key: &DataKey,
        change: impl FnOnce(&mut OpenVault) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let lock = self.file.lock(wait)?;
        let mut vault = lock.read()?.unlock(Unlock::DataKey(key)).map_err(|error| match error {
            UnlockError::Wrong => {
                Refusal::new("the vault has got another key meanwhile: nothing was changed").help("try again")
            }
            other => Refusal::new(other),
        })?;
        let done = change(&mut vault)?;
        lock.save(&vault.save(&mut self.entropy())?)?;
        Ok(done)
    }

    /// The desktop keyring's item for this vault.
    pub(crate) fn keyring_item(&self, vault_id: &[u8; VAULT_ID_LEN_BYTES]) -> Result<KeyringItem, Refusal> {
        KeyringItem::of(vault_id, self.file.path())
    }

    /// Opens it without a question: by the agent, by the files that were named, or by the desktop's keyring. Says whether a
    /// person named files.
    pub(crate) fn unlock_unasked(&self, locked: &LockedVault) -> Result<Option<(OpenVault, bool)>, Refusal> {
        if let Some(vault) = self.unlock_by_agent(locked) {
            return Ok(Some((vault, false)));
        }
        if self.names_files() {
            return Ok(Some((self.unlock(locked, By::Person)?, true)));
        }
        Ok(self.unlock_by_keyring(locked).map(|vault| (vault, false)))
    }

    fn names_files(&self) -> bool {
        self.key_file.is_some() || self.passphrase_file.is_some()
    }

    /// A keyring that is of no help says why, and something else opens the vault.
    fn unlock_by_keyring(&self, locked: &LockedVault) -> Option<OpenVault> {
        if !locked.slots().any(|slot| slot.kind == SlotKind::Keyring) {
            return None;
        }
        let opened = || -> Result<Option<OpenVault>, Refusal> {
            let Some(key) = self.keyring_item(locked.id())?.key()? else {
                return Ok(None); // of another machine
            };
            match locked.unlock(Unlock::Keyring(&key)) {
                Err(UnlockError::Wrong) => Ok(None),
                opened => opened.map(Some).map_err(Refusal::new),
            }
        };
        opened().unwrap_or_else(|refusal| {
            eprintln!("{refusal}");
            None
        })
    }

    /// Opens it by a passphrase that was typed, or by the key file where one was named and nothing is typed.
    pub(crate) fn unlock_typed(
        &self,
        locked: &LockedVault,
        typed: &str,
    ) -> Result<Result<OpenVault, UnlockError>, Refusal> {
        if self.key_file.is_some() && typed.is_empty() {
            return self.unlock(locked, By::Person).map(Ok);
        }
        Ok(locked.unlock(Unlock::Passphrase(typed.as_bytes())))
    }

    /// Takes a key that opens no slot any more out of the desktop's keyring. (The slot may have been another machine's.)
    pub(crate) fn forget_keyring_key(&self, vault_id: &[u8; VAULT_ID_LEN_BYTES]) {
        let forget = || -> Result<(), Refusal> {
            let item = self.keyring_item(vault_id)?;
            match item.key()? {
                Some(key) if self.file.read()?.unlock(Unlock::Keyring(&key)).is_err() => item.remove(),
                _ => Ok(()),
            }
        };
        if let Err(refusal) = forget() {
            eprintln!("its key may still be in a keyring: {refusal}");
        }
    }

    fn unlock(&self, locked: &LockedVault, by: By) -> Result<OpenVault, Refusal> {
        if by == By::Anyone
            && let Some(vault) = self.unlock_by_agent(locked)
        {
            return Ok(vault);
        }
        if by == By::Anyone
            && !self.names_files()
            && let Some(vault) = self.unlock_by_keyring(locked)
        {
            return Ok(vault);
        }
        if let Some(path) = &self.key_file {
            return locked
                .unlock(Unlock::KeyFile(&read_secret(path)?))
                .map_err(|error| Refusal::new(error).help("name the vault's key file with --key-file"));
        }
        let takes_passphrase = |kind| matches!(kind, SlotKind::Passphrase(_));
        if !locked.slots().any(|slot| takes_passphrase(slot.kind)) {
            return Err(Refusal::usage("no passphrase opens this vault").help("name its key file with --key-file"));
        }
        let tries = if self.passphrase_file.is_none() { TRIES } else { 1 };
        for left in (0..tries).rev() {
            let passphrase = match &self.passphrase_file {
                Some(path) => read_passphrase(path)?,
                None => self.prompt.secret("Passphrase", OR_BY_FILE)?,
            };
            match locked.unlock(Unlock::Passphrase(passphrase.as_bytes())) {
                Err(UnlockError::Wrong) if left > 0 => eprintln!("that is not it; {left} more"),
                opened => return opened.map_err(Refusal::new),
            }
        }
        Err(Refusal::new(UnlockError::Wrong))
    }
}

/// A passphrase's slot at the cost that people take.
pub(crate) fn new_passphrase(passphrase: &str) -> NewSlot<'_> {
    NewSlot::Passphrase {
        passphrase: passphrase.as_bytes(),
        cost: KdfCost::DEFAULT,
    }
}
