use std::path::Path;

use authenticator::VaultFile;
use vault::{Draft, EntryId, KdfCost, NewSlot, OpenVault, Unlock};

use crate::{
    Failure,
    commands::token::port::{fill, now_unix_s},
};

/// An authenticator with one entry, in a vault on disk.
pub(super) struct Phone {
    vault: OpenVault,
    entry: EntryId,
    ahead_s: u64,
}

impl Phone {
    /// Reads the QR code's text into a new vault, and opens that anew as any later command would.
    pub(super) fn scan(otpauth_uri: &str, path: &Path) -> Result<Self, Failure> {
        let mut passphrase = zeroize::Zeroizing::new([0; 16]);
        fill(&mut *passphrase)?;
        let slot = NewSlot::Passphrase {
            passphrase: &*passphrase,
            cost: KdfCost::DEFAULT,
        };
        let mut made = OpenVault::create(slot, "", &mut fill).map_err(Failure::new)?;
        let entry = enroll::Entry::parse(otpauth_uri).map_err(Failure::new)?;
        let entry = made.entries_mut().add(Draft::from(entry)).map_err(Failure::new)?;
        let file = VaultFile::at(path);
        let lock = file.lock(authenticator::LOCK_WAIT).map_err(Failure::new)?;
        lock.create(&made.save(&mut fill).map_err(Failure::new)?)
            .map_err(Failure::new)?;
        let locked = file.read().map_err(Failure::new)?;
        let vault = locked.unlock(Unlock::Passphrase(&*passphrase)).map_err(Failure::new)?;
        Ok(Self {
            vault,
            entry,
            ahead_s: 0,
        })
    }

    pub(super) fn code(&self) -> Result<String, Failure> {
        let missing = || Failure::new("the vault lost its entry");
        let entry = self.vault.entries().get(self.entry).ok_or_else(missing)?;
        let credential = entry.credential();
        let step = credential.step_at(now_unix_s() + self.ahead_s).ok_or_else(missing)?;
        Ok(credential.code(step.step).expose().to_owned())
    }

    /// A code that this phone does not show today.
    pub(super) fn guess(&self) -> Result<String, Failure> {
        let shown = self.code()?;
        let last = shown.chars().last().and_then(|last| last.to_digit(10)).unwrap_or(0);
        Ok(format!("{}{}", &shown[..shown.len() - 1], (last + 1) % 10))
    }

    /// It is 30 s later, on this phone.
    pub(super) fn wait_for_next(&mut self) {
        self.ahead_s += 30;
    }
}
