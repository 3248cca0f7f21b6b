//! Entries as bytes and back: `version u16`, then records (see [`field`]).

use std::num::NonZeroU32;

use enroll::{EntryDigits, SecretBuffer};
use otp::{Algorithm, Secret};
use zeroize::Zeroizing;

use crate::cursor::Cursor;
use crate::field::{self, Field};
use crate::{Credential, Entries, Entry, EntryId, Kind, MAX_ENTRIES, Name, Note, TextError};

const VERSION: u16 = 1;

/// Tags of the outermost records.
mod tag {
    pub(super) const ENTRY: u16 = 1;
    pub(super) const NEXT_ID: u16 = 2;
}

/// Tags of an entry's records.
mod entry_tag {
    pub(super) const ID: u16 = 1;
    pub(super) const KIND: u16 = 2;
    pub(super) const SECRET: u16 = 3;
    pub(super) const ALGORITHM: u16 = 4;
    pub(super) const DIGITS: u16 = 5;
    pub(super) const PERIOD_S: u16 = 6;
    pub(super) const COUNTER: u16 = 7;
    pub(super) const ISSUER: u16 = 8;
    pub(super) const ACCOUNT: u16 = 9;
    pub(super) const NOTE: u16 = 10;
    pub(super) const GROUP: u16 = 11;
    pub(super) const FAVOURITE: u16 = 12;
    pub(super) const USES: u16 = 13;
    pub(super) const LAST_USED_S: u16 = 14;
}

const TOTP: u8 = 1;
const HOTP: u8 = 2;
const STEAM: u8 = 3;

/// Why what was sealed cannot be read, although nobody has changed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentsError {
    /// Of a later version of this program.
    #[error("the entries were written by a newer version of this program: use that one")]
    NewerVersion,
    /// The records do not add up.
    #[error("the entries make no sense (record {record}): whoever sealed them was not this program")]
    Layout {
        /// Which record, from 1.
        record: usize,
    },
    /// More than [`MAX_ENTRIES`].
    #[error("the vault has more than 10000 entries, which this program never writes")]
    TooMany,
}

impl Entries {
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        // usual entries have 150 bytes; SecretBuffer grows where some have more
        let mut bytes = SecretBuffer::with_capacity(64 + 256 * self.list.len());
        bytes.push(&VERSION.to_le_bytes());
        field::put(&mut bytes, tag::NEXT_ID, &self.next_id.to_le_bytes());
        for entry in &self.list {
            field::put_nested(&mut bytes, tag::ENTRY, |bytes| encode_entry(entry, bytes));
        }
        for Field { tag, value } in &self.unknown {
            field::put(&mut bytes, *tag, value);
        }
        bytes.into_bytes()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, ContentsError> {
        let mut from = Cursor::new(bytes);
        if from.u16().ok_or(ContentsError::Layout { record: 0 })? != VERSION {
            return Err(ContentsError::NewerVersion);
        }
        let mut entries = Self::new();
        let mut record = 0;
        while let Some(next) = field::next(&mut from) {
            record += 1;
            let layout = ContentsError::Layout { record };
            let (tag, value) = next.ok_or(layout)?;
            match tag {
                tag::NEXT_ID => entries.next_id = u64::from_le_bytes(value.try_into().map_err(|_| layout)?),
                tag::ENTRY => match decode_entry(value).ok_or(layout)? {
                    Decoded::Known(entry) => entries.list.push(*entry),
                    Decoded::Foreign => entries.keep(tag, value),
                },
                _ => entries.keep(tag, value),
            }
            if entries.list.len() > MAX_ENTRIES {
                return Err(ContentsError::TooMany);
            }
        }
        let mut ids: Vec<_> = entries.list.iter().map(|entry| entry.id.0).collect();
        ids.sort_unstable();
        let repeated = ids.windows(2).any(|pair| pair[0] == pair[1]);
        if repeated || ids.last().is_some_and(|last| *last >= entries.next_id) {
            return Err(ContentsError::Layout { record });
        }
        Ok(entries)
    }

    fn keep(&mut self, tag: u16, value: &[u8]) {
        let value = Zeroizing::new(value.to_vec());
        self.unknown.push(Field { tag, value });
    }
}

fn encode_entry(entry: &Entry, bytes: &mut SecretBuffer) {
    let credential = &entry.credential;
    field::put(bytes, entry_tag::ID, &entry.id.0.to_le_bytes());
    let kind = match credential.kind {
        Kind::Totp { .. } => TOTP,
        Kind::Hotp { .. } => HOTP,
        Kind::Steam => STEAM,
    };
    field::put(bytes, entry_tag::KIND, &[kind]);
    field::put(bytes, entry_tag::SECRET, credential.secret().expose_secret());
    let algorithm = match credential.algorithm() {
        Algorithm::Sha1 => 1,
        Algorithm::Sha256 => 2,
        Algorithm::Sha512 => 3,
    };
    field::put(bytes, entry_tag::ALGORITHM, &[algorithm]);
    field::put(bytes, entry_tag::DIGITS, &[credential.digits().get()]);
    match credential.kind {
        Kind::Totp { period_s } => field::put(bytes, entry_tag::PERIOD_S, &period_s.get().to_le_bytes()),
        Kind::Hotp { counter } => field::put(bytes, entry_tag::COUNTER, &counter.to_le_bytes()),
        Kind::Steam => {}
    }
    let texts = [
        (entry_tag::ISSUER, entry.issuer.as_str()),
        (entry_tag::ACCOUNT, entry.account.as_str()),
        (entry_tag::NOTE, entry.note.as_str()),
    ];
    for (tag, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        field::put(bytes, tag, text.as_bytes());
    }
    for group in &entry.groups {
        field::put(bytes, entry_tag::GROUP, group.as_str().as_bytes());
    }
    if entry.favourite {
        field::put(bytes, entry_tag::FAVOURITE, &[]);
    }
    if entry.uses > 0 {
        field::put(bytes, entry_tag::USES, &entry.uses.to_le_bytes());
    }
    if let Some(last_used_s) = entry.last_used_s {
        field::put(bytes, entry_tag::LAST_USED_S, &last_used_s.to_le_bytes());
    }
    for Field { tag, value } in &entry.unknown {
        field::put(bytes, *tag, value);
    }
}

enum Decoded {
    Known(Box<Entry>),
    /// A kind or an algorithm of a newer version: kept, but neither shown nor computed.
    Foreign,
}

#[derive(Default)]
struct Parts<'a> {
    id: Option<u64>,
    kind: Option<u8>,
    secret: Option<&'a [u8]>,
    algorithm: Option<u8>,
    digits: Option<u8>,
    period_s: Option<u32>,
    counter: Option<u64>,
    last_used_s: Option<u64>,
    uses: u64,
    issuer: Name,
    account: Name,
    note: Note,
    groups: Vec<Name>,
    favourite: bool,
    unknown: Vec<Field>,
}

/// `None` where a record breaks the rules of this version.
fn decode_entry(bytes: &[u8]) -> Option<Decoded> {
    let mut parts = Parts::default();
    let mut from = Cursor::new(bytes);
    while let Some(next) = field::next(&mut from) {
        let (tag, value) = next?;
        match tag {
            entry_tag::ID => parts.id = Some(u64::from_le_bytes(value.try_into().ok()?)),
            entry_tag::KIND => parts.kind = Some(u8::from_le_bytes(value.try_into().ok()?)),
            entry_tag::SECRET => parts.secret = Some(value),
            entry_tag::ALGORITHM => parts.algorithm = Some(u8::from_le_bytes(value.try_into().ok()?)),
            entry_tag::DIGITS => parts.digits = Some(u8::from_le_bytes(value.try_into().ok()?)),
            entry_tag::PERIOD_S => parts.period_s = Some(u32::from_le_bytes(value.try_into().ok()?)),
            entry_tag::COUNTER => parts.counter = Some(u64::from_le_bytes(value.try_into().ok()?)),
            entry_tag::ISSUER => parts.issuer = name(value)?,
            entry_tag::ACCOUNT => parts.account = name(value)?,
            entry_tag::NOTE => parts.note = note(value)?,
            entry_tag::GROUP => parts.groups.push(name(value)?),
            entry_tag::FAVOURITE => parts.favourite = true,
            entry_tag::USES => parts.uses = u64::from_le_bytes(value.try_into().ok()?),
            entry_tag::LAST_USED_S => parts.last_used_s = Some(u64::from_le_bytes(value.try_into().ok()?)),
            _ => {
                let value = Zeroizing::new(value.to_vec());
                parts.unknown.push(Field { tag, value });
            }
        }
    }
    let kind = match parts.kind? {
        TOTP => Kind::Totp {
            period_s: NonZeroU32::new(parts.period_s?)?,
        },
        HOTP => Kind::Hotp {
            counter: parts.counter?,
        },
        STEAM => Kind::Steam,
        _ => return Some(Decoded::Foreign),
    };
    let algorithm = match parts.algorithm? {
        1 => Algorithm::Sha1,
        2 => Algorithm::Sha256,
        3 => Algorithm::Sha512,
        _ => return Some(Decoded::Foreign),
    };
    let secret = Secret::from_slice(parts.secret?).ok()?;
    let digits = EntryDigits::new(parts.digits?)?;
    Some(Decoded::Known(Box::new(Entry {
        id: EntryId(parts.id?),
        issuer: parts.issuer,
        account: parts.account,
        note: parts.note,
        groups: parts.groups,
        favourite: parts.favourite,
        uses: parts.uses,
        last_used_s: parts.last_used_s,
        credential: Credential::new(kind, secret, algorithm, digits),
        unknown: parts.unknown,
    })))
}

/// Reads a name. What is invisible may change with Unicode, and names once held URIs: no vault becomes unreadable by a name
/// that was allowed once.
fn name(value: &[u8]) -> Option<Name> {
    let text = str::from_utf8(value).ok()?;
    match Name::new(text) {
        Err(TextError::Invisible) => Some(Name::tidied(text).0),
        Err(TextError::Uri) => Some(Name::kept(text)),
        name => name.ok(),
    }
}

fn note(value: &[u8]) -> Option<Note> {
    let text = str::from_utf8(value).ok()?;
    match Note::new(text) {
        Err(TextError::Invisible) => Some(Note::tidied(text).0),
        note => note.ok(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn record(tag: u16, value: &[u8]) -> Vec<u8> {
        let mut bytes = SecretBuffer::with_capacity(0);
        field::put(&mut bytes, tag, value);
        bytes.into_bytes().to_vec()
    }

    fn entry(id: u64, more: &[u8]) -> Vec<u8> {
        let fields = [
            record(entry_tag::ID, &id.to_le_bytes()),
            record(entry_tag::KIND, &[STEAM]),
            record(entry_tag::SECRET, b"secret"),
            record(entry_tag::ALGORITHM, &[1]),
            record(entry_tag::DIGITS, &[5]),
            more.to_vec(),
        ];
        record(tag::ENTRY, &fields.concat())
    }

    fn contents(next_id: u64, records: &[Vec<u8>]) -> Vec<u8> {
        let next_id = record(tag::NEXT_ID, &next_id.to_le_bytes());
        [VERSION.to_le_bytes().to_vec(), next_id, records.concat()].concat()
    }

    #[test]
    fn what_no_version_of_ours_writes_is_refused() {
        let refused = |bytes: &[u8]| Entries::decode(bytes).err();
        assert_eq!(refused(&contents(3, &[entry(1, &[]), entry(2, &[])])), None);
        assert_eq!(refused(&[]), Some(ContentsError::Layout { record: 0 }));
        assert_eq!(refused(&[2, 0]), Some(ContentsError::NewerVersion));
        for (what, bytes) in [
            ("an id twice", contents(3, &[entry(1, &[]), entry(1, &[])])),
            ("an id that will be given again", contents(1, &[entry(1, &[])])),
            (
                "a name that is no text",
                contents(2, &[entry(1, &record(entry_tag::ISSUER, &[0xff]))]),
            ),
            (
                "a counter of three bytes",
                contents(2, &[entry(1, &record(entry_tag::COUNTER, &[1, 2, 3]))]),
            ),
            ("an entry that is cut off", contents(2, &[entry(1, &[1])])),
            (
                "a record that is cut off",
                [contents(2, &[entry(1, &[])]), vec![1, 0, 9]].concat(),
            ),
            (
                "no secret",
                contents(2, &[record(tag::ENTRY, &record(entry_tag::KIND, &[STEAM]))]),
            ),
        ] {
            assert!(matches!(refused(&bytes), Some(ContentsError::Layout { .. })), "{what}");
        }
    }

    /// What is invisible may grow with Unicode; nobody's vault closes for it.
    #[test]
    fn a_name_that_was_allowed_once_is_tidied() {
        let name = record(entry_tag::ISSUER, "Git\u{200b}Hub".as_bytes());
        let note = record(entry_tag::NOTE, "one\n\u{202e}two".as_bytes());
        let entries = Entries::decode(&contents(2, &[entry(1, &[name, note].concat())])).expect("it is read");
        assert_eq!(entries.list[0].issuer.as_str(), "GitHub");
        assert_eq!(entries.list[0].note.as_str(), "one\ntwo");
    }

    #[test]
    fn a_vault_has_ten_thousand_entries_at_most() {
        let entries: Vec<_> = (1..=10_001).map(|id| entry(id, &[])).collect();
        assert_eq!(
            Entries::decode(&contents(10_002, &entries)).err(),
            Some(ContentsError::TooMany)
        );
        assert!(Entries::decode(&contents(10_002, &entries[1..])).is_ok());
    }

    proptest! {
        /// What is kept without being understood is written again, byte for byte.
        #[test]
        fn records_of_any_kind_are_kept(tags in vec((20_u16.., vec(any::<u8>(), 0..20)), 0..5), id in 1_u64..100) {
            let more: Vec<u8> = tags.iter().flat_map(|(tag, value)| record(*tag, value)).collect();
            let beside: Vec<_> = tags.iter().map(|(tag, value)| record(*tag, value)).collect();
            let bytes = contents(100, &[vec![entry(id, &more)], beside].concat());
            let again = Entries::decode(&bytes).expect("it is read").encode();
            prop_assert_eq!(bytes, again.to_vec());
        }

        #[test]
        fn any_bytes_are_answered(bytes in vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let _ = Entries::decode(&bytes);
            let mut changed = contents(9, &[entry(1, &bytes), entry(2, &[])]);
            let at = at.index(changed.len());
            changed[at] = byte;
            if let Ok(entries) = Entries::decode(&changed) {
                let bytes = entries.encode();
                let again = Entries::decode(&bytes).expect("what is written can be read");
                prop_assert_eq!(again.encode().to_vec(), bytes.to_vec());
            }
        }
    }
}
