//! Witnesses of the keyring: values by which a database knows its own keys again.

use serde::{Deserialize, Serialize};

use crate::{Key, List, Noun, Pending, Sealed, Store, shape};

/// A witness of a sealing key of the keyring: what proves that a keyring is this database's. One is put down for each key,
/// before anything else is sealed under it, and ends after everything else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// The key.
    pub key_id: u32,
    /// Something known, sealed under it.
    pub sealed: Sealed,
}

impl Noun for Witness {
    const NAME: &'static str = "keyring_witness";

    fn key(&self) -> Key {
        Key::global(Self::NAME, self.key_id.to_string())
    }

    fn version(&self) -> u64 {
        1
    }

    fn secrets(&self) -> Vec<&Sealed> {
        vec![&self.sealed]
    }

    fn secrets_mut(&mut self) -> Vec<&mut Sealed> {
        vec![&mut self.sealed]
    }
}

/// A witness of a MAC key of the keyring: without that very key, no hash that was made under it would be known again. It
/// stays for ever, as the key does.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MacWitness {
    /// The key.
    pub key_id: u32,
    /// HMAC-SHA-256 of something known, under it.
    #[serde(with = "shape::hex")]
    pub mac: [u8; 32],
}

impl Noun for MacWitness {
    const NAME: &'static str = "keyring_mac_witness";

    fn key(&self) -> Key {
        Key::global(Self::NAME, self.key_id.to_string())
    }

    fn version(&self) -> u64 {
        1
    }
}

/// Reading witnesses.
impl dyn Store + '_ {
    /// The witness of each MAC key.
    pub fn mac_witnesses(&self) -> Pending<'_, Vec<MacWitness>> {
        let after = String::new();
        self.list(List::Global { after }, u32::MAX)
    }

    /// The witness of each sealing key.
    pub fn witnesses(&self) -> Pending<'_, Vec<Witness>> {
        let after = String::new();
        self.list(List::Global { after }, u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{golden, sealed};

    #[test]
    fn keyring_witness() {
        golden(
            "any",
            &Witness {
                key_id: 1,
                sealed: sealed(1),
            },
        );
    }

    #[test]
    fn keyring_mac_witness() {
        golden(
            "any",
            &MacWitness {
                key_id: 1,
                mac: [9; 32],
            },
        );
    }
}
