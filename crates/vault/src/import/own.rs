//! A vault of this program: another one's, or a copy that `export` wrote. What opens it is its passphrase, or its key file.

use super::claim::{Oddity, Reason};
use super::error::ImportError;
use super::importer::Importer;
use super::receipt::{Came, Export, Format, Place, Protection, Refused};
use crate::header::MAGIC;
use crate::{Draft, Kind, LockedVault, Name, SlotKind, Unlock, UnlockError};

const FORMAT: Format = Format::Vault;

pub(super) const IMPORTER: Importer = Importer {
    is_one: |content| content.bytes.starts_with(&MAGIC),
    read: |content, key| read(content.bytes, key),
};

fn read(bytes: &[u8], key: Option<&[u8]>) -> Result<Export, ImportError> {
    let vault = LockedVault::parse(bytes).map_err(ImportError::Vault)?;
    let has_passphrase = vault.slots().any(|slot| matches!(slot.kind, SlotKind::Passphrase(_)));
    let unlock = match (key, has_passphrase) {
        (Some(key), true) => Unlock::Passphrase(key),
        (Some(key), false) => Unlock::KeyFile(key),
        (None, true) => return Err(ImportError::Locked(FORMAT)),
        (None, false) => return Err(ImportError::LockedByKeyFile),
    };
    let entries = vault.unlock(unlock).map_err(|error| match error {
        UnlockError::Wrong => ImportError::WrongPassword(FORMAT),
        other => ImportError::VaultLocked(other),
    })?;
    let entries = entries.into_entries();
    let mut export = Export::new(FORMAT, Protection::Encrypted);
    let unread = entries.kept_unread();
    for (entry, number) in entries.list.into_iter().zip(1..) {
        let odd = match entry.credential.kind {
            Kind::Hotp { .. } => vec![Oddity::SharedCounter],
            Kind::Totp { .. } | Kind::Steam => Vec::new(),
        };
        let draft = Draft {
            note: entry.note,
            groups: entry.groups,
            favourite: entry.favourite,
            uses: entry.uses,
            ..Draft::new(entry.issuer, entry.account, entry.credential)
        };
        let place = Place::Entry(number);
        let names = [&draft.issuer, &draft.account].into_iter().chain(&draft.groups);
        if names.into_iter().any(|name| Name::would_hold_uri(name.as_str())) {
            export.refused.push(Refused {
                place,
                title: String::new(),
                reason: Reason::UriInName,
            });
            continue;
        }
        export.came.push(Came { place, draft, odd });
    }
    let known = export.came.len() + export.refused.len();
    export.refused.extend((1..=unread).map(|number| Refused {
        place: Place::Entry(known + number),
        title: String::new(),
        reason: Reason::NewerVersion,
    }));
    Ok(export)
}
