//! The keyring of the desktop (freedesktop.org's Secret Service: GNOME Keyring, KWallet, KeePassXC), which opens when its owner
//! logs in. It keeps one key for a vault; who asks it says no passphrase.

#[cfg(feature = "keyring")]
use std::{collections::HashMap, path::Path};

#[cfg(feature = "keyring")]
use keyring_core::{Entry, Error, api::CredentialStoreApi as _};
use vault::VAULT_ID_LEN_BYTES;
use zeroize::Zeroizing;

use crate::Refusal;

/// The service name of the item, apart from those of other programs.
#[cfg(feature = "keyring")]
const SERVICE: &str = "countersign-authenticator";

/// The keyring's item for one vault, whether or not it is there.
#[cfg(feature = "keyring")]
pub(crate) struct KeyringItem(Entry);

/// An item that does not exist, in a program without the feature `keyring`.
#[cfg(not(feature = "keyring"))]
pub(crate) enum KeyringItem {}

#[cfg(feature = "keyring")]
impl KeyringItem {
    /// Reaches the keyring, and looks for nothing yet. `path` is for who looks at the keyring.
    pub(crate) fn of(vault_id: &[u8; VAULT_ID_LEN_BYTES], path: &Path) -> Result<Self, Refusal> {
        let user = data_encoding::HEXLOWER.encode(vault_id);
        let label = format!("Countersign: key of {}", path.display());
        zbus_secret_service_keyring_store::Store::new()
            .and_then(|store| store.build(SERVICE, &user, Some(&HashMap::from([("label", &*label)]))))
            .map(Self)
            .map_err(refused)
    }

    pub(crate) fn key(&self) -> Result<Option<Zeroizing<Vec<u8>>>, Refusal> {
        match self.0.get_secret() {
            Ok(key) => Ok(Some(Zeroizing::new(key))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(refused(error)),
        }
    }

    pub(crate) fn put(&self, key: &[u8]) -> Result<(), Refusal> {
        self.0.set_secret(key).map_err(refused)
    }

    pub(crate) fn remove(&self) -> Result<(), Refusal> {
        self.0.delete_credential().map_err(refused)
    }
}

#[cfg(feature = "keyring")]
fn refused(error: Error) -> Refusal {
    match error {
        Error::NoStorageAccess(_) => {
            Refusal::new("the desktop's keyring stays locked").help("unlock it, then try again")
        }
        // The item's attributes are the vault's id: somebody copied it.
        Error::Ambiguous(_) => Refusal::new("the desktop's keyring has several keys of this vault").help(format!(
            "remove those of {SERVICE} that are too many, by the keyring's own program"
        )),
        other => Refusal::new(format!("the desktop's keyring cannot be reached: {other}"))
            .help("it is there in a session of a desktop with GNOME Keyring, KWallet or KeePassXC"),
    }
}

#[cfg(not(feature = "keyring"))]
impl KeyringItem {
    pub(crate) fn of(_: &[u8; VAULT_ID_LEN_BYTES], _: &std::path::Path) -> Result<Self, Refusal> {
        Err(Refusal::new("this program was built without the desktop's keyring")
            .help("build it with `--features countersign-authenticator/keyring`"))
    }

    pub(crate) fn key(&self) -> Result<Option<Zeroizing<Vec<u8>>>, Refusal> {
        match *self {}
    }

    pub(crate) fn put(&self, _: &[u8]) -> Result<(), Refusal> {
        match *self {}
    }

    pub(crate) fn remove(&self) -> Result<(), Refusal> {
        match *self {}
    }
}
