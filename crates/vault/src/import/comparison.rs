//! The comparison of an import with a vault: a dry run, and the import itself.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::google::Parts;
use super::receipt::{ApplyError, Double, Dropped, Export, MissingParts, Original, Place, RaisedCounter, Receipt};
use crate::entry::title;
use crate::{AddError, Draft, Entries, EntryId, Kind, MAX_ENTRIES, Name, Note};

impl Entries {
    /// A dry run of importing `export`. Nothing is changed.
    pub fn dry_run(&self, export: Export) -> Receipt {
        let missing = export.parts.missing(&export.parts);
        Comparison::with(self).receipt(export, missing, &mut [])
    }

    /// A dry run of importing several exports together, a receipt for each: doubles may be in another one, and so may be the
    /// other parts of a migration.
    pub fn dry_run_all(&self, exports: Vec<Export>) -> Vec<Receipt> {
        let mut parts = Parts::default();
        exports.iter().for_each(|export| parts.add(&export.parts));
        let mut comparison = Comparison::with(self);
        let mut receipts = Vec::new();
        for export in exports {
            let missing = parts.missing(&export.parts);
            parts.remove(&export.parts);
            let receipt = comparison.receipt(export, missing, &mut receipts);
            receipts.push(receipt);
        }
        receipts
    }

    /// Adds what came, all of it or nothing, and moves the counters of doubles on. What has become a double since the dry run
    /// is left out.
    ///
    /// # Errors
    /// [`ApplyError`]; nothing is changed then.
    pub fn apply(&mut self, receipt: Receipt) -> Result<Vec<EntryId>, ApplyError> {
        if !receipt.missing.is_empty() {
            return Err(ApplyError::MissingParts(receipt.missing));
        }
        let mut drafts: Vec<Draft> = receipt.came.into_iter().map(|came| came.draft).collect();
        let present: BTreeSet<_> = self.iter().map(|entry| entry.credential().fingerprint()).collect();
        drafts.retain(|draft| !present.contains(&draft.credential.fingerprint()));
        if self.len() + drafts.len() > MAX_ENTRIES {
            return Err(AddError::Full.into());
        }
        for double in &receipt.doubles {
            if let (Original::InVault(id, _), Some(raised)) = (&double.of, double.counter) {
                self.raise_counter(*id, raised.to);
            }
        }
        let mut groups = self.groups();
        let ids = drafts.into_iter().map(|mut draft| {
            draft.groups = groups.spelt_once(draft.groups);
            self.add(draft)
        });
        Ok(ids.collect::<Result<_, _>>()?)
    }
}

/// The entries there are, by secret and parameters.
struct Comparison(BTreeMap<[u8; 32], Known>);

struct Known {
    at: At,
    title: String,
    note: Note,
    groups: Vec<Name>,
    counter: Option<u64>,
}

enum At {
    Vault(EntryId),
    /// What came in the export with this number, both from 0.
    Export {
        export: usize,
        came: usize,
    },
}

impl Known {
    fn new(at: At, title: String, note: &Note, groups: &[Name], kind: Kind) -> Self {
        let counter = match kind {
            Kind::Hotp { counter } => Some(counter),
            Kind::Totp { .. } | Kind::Steam => None,
        };
        Self {
            at,
            title,
            note: note.clone(),
            groups: groups.to_vec(),
            counter,
        }
    }
}

impl Comparison {
    fn with(entries: &Entries) -> Self {
        let known = entries.iter().map(|entry| {
            let (at, kind) = (At::Vault(entry.id()), entry.credential().kind());
            let known = Known::new(at, entry.title(), &entry.note, &entry.groups, kind);
            (entry.credential().fingerprint(), known)
        });
        Self(known.collect())
    }

    /// `earlier` are the receipts of the exports before this one.
    fn receipt(&mut self, export: Export, missing: Vec<MissingParts>, earlier: &mut [Receipt]) -> Receipt {
        let number = earlier.len();
        let mut receipt = Receipt {
            format: export.format,
            protection: export.protection,
            source: export.source,
            came: Vec::new(),
            doubles: Vec::new(),
            refused: export.refused,
            missing,
            without_code: export.without_code,
        };
        for candidate in export.came {
            let draft = &candidate.draft;
            let at = At::Export {
                export: number,
                came: receipt.came.len(),
            };
            let title = title(&draft.issuer, &draft.account);
            let new = Known::new(at, title, &draft.note, &draft.groups, draft.credential.kind());
            match self.0.entry(draft.credential.fingerprint()) {
                Entry::Vacant(none) => {
                    none.insert(new);
                    receipt.came.push(candidate);
                }
                Entry::Occupied(mut known) => {
                    let double = double(candidate.place, new, known.get_mut(), &mut receipt, earlier);
                    receipt.doubles.push(double);
                }
            }
        }
        receipt
    }
}

fn double(place: Place, new: Known, known: &mut Known, receipt: &mut Receipt, earlier: &mut [Receipt]) -> Double {
    let mut dropped = Vec::new();
    if !new.title.is_empty() && new.title != known.title {
        dropped.push(Dropped::Name);
    }
    if !new.note.is_empty() && new.note != known.note {
        dropped.push(Dropped::Note);
    }
    if new.groups.iter().any(|group| !known.groups.contains(group)) {
        dropped.push(Dropped::Groups);
    }
    // The very last one has no code any more.
    let offered = new.counter.filter(|counter| *counter < u64::MAX);
    let counter = match (known.counter, offered) {
        (Some(from), Some(to)) if to > from => Some(RaisedCounter { from, to }),
        _ => None,
    };
    known.counter = offered.max(known.counter);
    let of = match known.at {
        At::Vault(id) => Original::InVault(id, known.title.clone()),
        At::Export { export, came } => {
            let is_other = export < earlier.len();
            let original = match is_other {
                true => &mut earlier[export],
                false => receipt,
            };
            let (source, came) = (original.source.clone(), &mut original.came[came]);
            if let (Some(raised), Kind::Hotp { counter }) = (counter, &mut came.draft.credential.kind) {
                *counter = raised.to;
            }
            let place = came.place;
            match is_other {
                true => Original::InOtherExport { source, place },
                false => Original::InExport(place),
            }
        }
    };
    Double {
        place,
        title: new.title,
        of,
        counter,
        dropped,
    }
}
