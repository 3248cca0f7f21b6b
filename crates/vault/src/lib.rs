//! The authenticator's vault: a sealed container, the entries in it, what other apps export, and what they import.
//!
//! A file is bytes in ([`LockedVault::parse`]) and bytes out ([`OpenVault::save`]); where they are kept, and how a save
//! survives a crash, is the caller's business, as are time (a number) and randomness (a closure). The layout is in the
//! manual, chapter `vault_format`, and as files under `tests/golden`.
//!
//! ```
//! # let mut byte = 0_u8;
//! # let mut entropy = |into: &mut [u8]| { into.iter_mut().for_each(|b| { byte = byte.wrapping_add(1); *b = byte }); Ok::<(), String>(()) };
//! use vault::{Draft, KdfCost, LockedVault, NewSlot, OpenVault, Unlock};
//!
//! let cost = KdfCost::new(8, 1, 1)?; // a person's vault takes KdfCost::DEFAULT
//! let slot = NewSlot::Passphrase { passphrase: b"correct horse", cost };
//! let mut vault = OpenVault::create(slot, "", &mut entropy)?;
//! let uri = "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&digits=8";
//! let id = vault.entries_mut().add(Draft::from(enroll::Entry::parse(uri)?))?;
//! let file = vault.save(&mut entropy)?;
//!
//! let vault = LockedVault::parse(&file)?.unlock(Unlock::Passphrase(b"correct horse"))?;
//! let credential = vault.entries().get(id).unwrap().credential();
//! let now = credential.step_at(59).unwrap();
//! assert_eq!(credential.code(now.step).expose(), "94287082");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What stays secret
//! Keys, secrets, codes and whatever holds one have neither `Debug` nor `Clone` and are wiped when dropped; no error repeats a
//! value of a file. Names, notes and groups are sealed too, but are plain text in memory.

mod code_text;
mod codec;
mod cost;
mod credential;
mod cursor;
mod data_key;
mod entries;
mod entry;
pub mod export;
mod field;
mod groups;
mod header;
pub mod import;
mod locked;
mod migration;
mod open;
mod sealed;
mod slot;
mod text;

pub use code_text::CodeText;
pub use codec::ContentsError;
pub use cost::{CostError, KdfCost};
pub use credential::{Credential, Kind, StepAt};
pub use data_key::DataKey;
pub use entries::{AddError, CounterError, Entries, MAX_ENTRIES, Order, Removed};
pub use entry::{Draft, Entry, EntryId};
pub use groups::Groups;
pub use header::{MAX_SLOTS, VAULT_ID_LEN_BYTES};
pub use locked::{FileError, LockedVault, MAX_VAULT_LEN_BYTES, UnlockError};
pub use open::{OpenVault, SaveError};
pub use slot::{
    MAX_KEY_FILE_LEN_BYTES, MAX_SLOT_LABEL_LEN_BYTES, MIN_KEY_FILE_LEN_BYTES, NewSlot, SlotError, SlotInfo, SlotKind,
    Unlock,
};
pub use text::{MAX_NAME_LEN_BYTES, MAX_NOTE_LEN_BYTES, Name, Note, TextError, is_shown, shown, write_shown};
