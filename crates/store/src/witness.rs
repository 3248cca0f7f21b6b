use serde::{Deserialize, Serialize};

use crate::{Key, List, Noun, Pending, Sealed, Store};

/// A witness of a key of the keyring: what proves that a keyring is this database's. One is put down for each key, before
/// anything else is sealed under it.
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

/// Reading witnesses.
impl dyn Store + '_ {
    /// The witness of each key.
    pub fn witnesses(&self) -> Pending<'_, Vec<Witness>> {
        let after = String::new();
        self.list(List::Global { after }, u32::MAX)
    }
}
