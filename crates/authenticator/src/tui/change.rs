//! Changes of a vault by the interface, as values: applied to the file's newest content, never to a copy that may be old.

use otp::Step;
use vault::{
    CounterError, Draft, Entries, Entry, EntryId, Name, Note, Removed, import,
    import::{Double, Oddity, Original, Reason},
};
use zeroize::Zeroizing;

use super::trouble::Trouble;

/// One change, to be applied and saved at once.
pub(super) enum Change {
    /// Everything in a text or a file: otpauth URIs, or what another app exports.
    Import(Zeroizing<Vec<u8>>),
    /// One that was typed, and what is odd about its secret.
    Add(Box<Draft>, Vec<Oddity>),
    /// Only what differs between the two is written.
    Edit {
        id: EntryId,
        before: Box<Names>,
        after: Box<Names>,
    },
    Favourite {
        id: EntryId,
        is_one: bool,
    },
    Remove(EntryId),
    Restore(Box<Removed>),
    /// HOTP: moves the counter on.
    NextCode(EntryId),
    /// Counts, for the order by use.
    Use(EntryId),
}

/// The outcome of a change.
pub(super) enum Changed {
    Added {
        ids: Vec<EntryId>,
        /// How many were there already.
        doubles: usize,
        /// HOTP: those of them that another device had used further, and whose counter was moved on.
        raised: Vec<EntryId>,
        unusable: Vec<Reason>,
        /// What there is to know of those that were added, each with the entry's title.
        odd: Vec<(String, Oddity)>,
    },
    Edited,
    Favoured,
    Removed(Box<Removed>),
    Restored(EntryId),
    /// The counter of the code that may be shown now.
    NextCode(EntryId, Step),
    Used,
}

/// Why nothing was changed.
#[derive(Debug)]
pub(super) enum Refused {
    /// Another process removed the entry.
    Gone,
    /// Another process edited the same words.
    EditedMeanwhile,
    /// The vault makes these codes already, under this title.
    Double(String),
    /// The vault has all of so many already.
    Doubles(usize),
    /// What was to be added or changed is at fault.
    Unfit(Trouble),
    /// The vault's file is at fault.
    Unsaved(Trouble),
}

/// The names of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) issuer: Name,
    pub(super) account: Name,
    pub(super) groups: Vec<Name>,
    pub(super) note: Note,
}

impl Names {
    pub(super) fn of(entry: &Entry) -> Self {
        Self {
            issuer: entry.issuer.clone(),
            account: entry.account.clone(),
            groups: entry.groups.clone(),
            note: entry.note.clone(),
        }
    }
}

impl Change {
    /// Does it; after an error nothing is changed.
    pub(super) fn apply(self, entries: &mut Entries, now_s: u64) -> Result<Changed, Refused> {
        match self {
            Self::Import(bytes) => import(&bytes, entries),
            Self::Add(draft, mut odd) => {
                if let Some(same) = entries.double_of(&draft) {
                    return Err(Refused::Double(same.title()));
                }
                let other = entries.same_as(&draft.credential).map(Entry::title);
                odd.extend(other.map(|other| Oddity::SameSecret { other }));
                let title = draft.title();
                let id = entries
                    .add(*draft)
                    .map_err(|error| Refused::Unfit(Trouble::Add(error)))?;
                Ok(Changed::Added {
                    ids: vec![id],
                    doubles: 0,
                    raised: Vec::new(),
                    unusable: Vec::new(),
                    odd: odd.into_iter().map(|odd| (title.clone(), odd)).collect(),
                })
            }
            Self::Edit { id, before, after } => {
                let entry = entries.get_mut(id).ok_or(Refused::Gone)?;
                let mut edited = Names::of(entry);
                merge(&mut edited.issuer, before.issuer, after.issuer)?;
                merge(&mut edited.account, before.account, after.account)?;
                merge(&mut edited.groups, before.groups, after.groups)?;
                merge(&mut edited.note, before.note, after.note)?;
                entry.issuer = edited.issuer;
                entry.account = edited.account;
                entry.groups = edited.groups;
                entry.note = edited.note;
                Ok(Changed::Edited)
            }
            Self::Favourite { id, is_one } => {
                entries.get_mut(id).ok_or(Refused::Gone)?.favourite = is_one;
                Ok(Changed::Favoured)
            }
            Self::Remove(id) => entries
                .remove(id)
                .map(Box::new)
                .map(Changed::Removed)
                .ok_or(Refused::Gone),
            Self::Restore(removed) => {
                let id = removed.entry().id();
                // An id is never used again, so what has it is this entry: somebody else put it back.
                if entries.get(id).is_none() {
                    entries.restore(*removed);
                }
                Ok(Changed::Restored(id))
            }
            Self::NextCode(id) => {
                let step = entries.take_counter(id).map_err(|error| match error {
                    CounterError::NoSuchEntry => Refused::Gone,
                    other => Refused::Unfit(Trouble::Counter(other)),
                })?;
                entries.note_use(id, now_s);
                Ok(Changed::NextCode(id, step))
            }
            Self::Use(id) => {
                entries.note_use(id, now_s);
                Ok(Changed::Used)
            }
        }
    }

    /// The removed entry, to be kept when the change was not made.
    pub(super) fn into_removed(self) -> Option<Removed> {
        match self {
            Self::Restore(removed) => Some(*removed),
            _ => None,
        }
    }
}

impl Changed {
    /// The removed entry, when the change was made and could not be saved.
    pub(super) fn into_removed(self, entries: &mut Entries) -> Option<Removed> {
        match self {
            Self::Restored(id) => entries.remove(id),
            _ => None,
        }
    }
}

fn merge<T: PartialEq>(current: &mut T, before: T, after: T) -> Result<(), Refused> {
    if before == after || *current == after {
        return Ok(());
    }
    if *current != before {
        return Err(Refused::EditedMeanwhile);
    }
    *current = after;
    Ok(())
}

fn import(bytes: &[u8], entries: &mut Entries) -> Result<Changed, Refused> {
    let unfit = |trouble| Err(Refused::Unfit(trouble));
    let export = match import::read(bytes, None) {
        Ok(export) => export,
        Err(error) => return unfit(Trouble::Import(error)),
    };
    let reasons = |refused: &[import::Refused]| refused.iter().map(|one| one.reason.clone()).collect();
    if export.came().is_empty() {
        return unfit(Trouble::Unusable(reasons(export.refused())));
    }
    let receipt = entries.dry_run(export);
    let raised: Vec<EntryId> = receipt.doubles.iter().filter_map(raised).collect();
    match (receipt.came.as_slice(), receipt.doubles.as_slice()) {
        _ if !raised.is_empty() => {}
        ([], [double]) => {
            return Err(Refused::Double(match &double.of {
                Original::InVault(_, title) => title.clone(),
                Original::InExport(_) | Original::InOtherExport { .. } => double.title.clone(),
            }));
        }
        ([], doubles) => return Err(Refused::Doubles(doubles.len())),
        _ => {}
    }
    let (doubles, unusable) = (receipt.doubles.len(), reasons(&receipt.refused));
    let titled = |came: &import::Came| {
        came.odd
            .iter()
            .map(|odd| (came.draft.title(), odd.clone()))
            .collect::<Vec<_>>()
    };
    let odd = receipt.came.iter().flat_map(titled).collect();
    match entries.apply(receipt) {
        Ok(ids) => Ok(Changed::Added {
            ids,
            doubles,
            raised,
            unusable,
            odd,
        }),
        Err(error) => unfit(Trouble::Apply(error)),
    }
}

/// The entry whose counter the double moves on.
fn raised(double: &Double) -> Option<EntryId> {
    match double.of {
        Original::InVault(id, _) => double.counter.map(|_| id),
        Original::InExport(_) | Original::InOtherExport { .. } => None,
    }
}
