//! The comparison of an import with a vault: a dry run, and the import itself.

use std::collections::{BTreeMap, HashMap};

use super::claim::Oddity;
use super::google::Parts;
use super::receipt::{ApplyError, Double, Dropped, Export, MissingParts, Original, Place, RaisedCounter, Receipt};
use crate::entry::title;
use crate::{AddError, Draft, Entries, Entry, EntryId, Kind, MAX_ENTRIES, Name, Note};

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

    /// The entry that this one would be a double of: it makes the same codes, and has names that agree.
    pub fn double_of(&self, draft: &Draft) -> Option<&Entry> {
        self.iter().find(|entry| {
            let names_agree = agree(&entry.issuer, &draft.issuer) && agree(&entry.account, &draft.account);
            names_agree && entry.credential().is_same(&draft.credential)
        })
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
        let present = Comparison::with(self);
        drafts.retain(|draft| !present.has(draft));
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

/// The entries there are, by secret and parameters. Those of one secret differ in their names.
struct Comparison(BTreeMap<[u8; 32], OneSecret>);

/// The entries of one secret, and the first of them by their names: a file may have thousands.
#[derive(Default)]
struct OneSecret {
    known: Vec<Known>,
    same: HashMap<[Name; 2], usize>,
    /// In lower case. Where one of them is [`None`], of whatever name there.
    folded: HashMap<[Option<String>; 2], usize>,
}

impl OneSecret {
    fn push(&mut self, new: Known) {
        let place = self.known.len();
        let [issuer, account] = [&new.issuer, &new.account].map(folded);
        let names = [new.issuer.clone(), new.account.clone()];
        self.same.entry(names).or_insert(place);
        for names in [
            [Some(issuer.clone()), Some(account.clone())],
            [Some(issuer), None],
            [None, Some(account)],
            [None, None],
        ] {
            self.folded.entry(names).or_insert(place);
        }
        self.known.push(new);
    }

    /// The one of these that these names are a double of: the one of the same names, else the first whose names agree.
    fn original(&self, issuer: &Name, account: &Name) -> Option<usize> {
        let same = self.same.get(&[issuer.clone(), account.clone()]).copied();
        same.or_else(|| {
            let accounts = agreeing(account);
            let both = agreeing(issuer)
                .into_iter()
                .flat_map(|issuer| accounts.iter().map(move |account| [issuer.clone(), account.clone()]));
            both.filter_map(|names| self.folded.get(&names).copied()).min()
        })
    }
}

/// The names that agree with this one: itself but for its case and one that is not known, or any at all.
fn agreeing(name: &Name) -> Vec<Option<String>> {
    match name.is_empty() {
        true => vec![None],
        false => vec![Some(folded(name)), Some(String::new())],
    }
}

fn folded(name: &Name) -> String {
    name.as_str().to_lowercase()
}

struct Known {
    at: At,
    issuer: Name,
    account: Name,
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
    fn of_entry(entry: &Entry) -> Self {
        Self {
            at: At::Vault(entry.id()),
            issuer: entry.issuer.clone(),
            account: entry.account.clone(),
            note: entry.note.clone(),
            groups: entry.groups.clone(),
            counter: counter(entry.credential().kind()),
        }
    }

    fn of_draft(at: At, draft: &Draft) -> Self {
        Self {
            at,
            issuer: draft.issuer.clone(),
            account: draft.account.clone(),
            note: draft.note.clone(),
            groups: draft.groups.clone(),
            counter: counter(draft.credential.kind()),
        }
    }

    fn title(&self) -> String {
        title(&self.issuer, &self.account)
    }
}

/// True for the same name but for its case, and where one of the two is not known.
fn agree(one: &Name, other: &Name) -> bool {
    one.is_empty() || other.is_empty() || folded(one) == folded(other)
}

fn counter(kind: Kind) -> Option<u64> {
    match kind {
        Kind::Hotp { counter } => Some(counter),
        Kind::Totp { .. } | Kind::Steam => None,
    }
}

impl Comparison {
    fn with(entries: &Entries) -> Self {
        let mut known: BTreeMap<_, OneSecret> = BTreeMap::new();
        for entry in entries.iter() {
            let of_secret = known.entry(entry.credential().fingerprint()).or_default();
            of_secret.push(Known::of_entry(entry));
        }
        Self(known)
    }

    fn has(&self, draft: &Draft) -> bool {
        let of_secret = self.0.get(&draft.credential.fingerprint());
        of_secret.is_some_and(|known| known.original(&draft.issuer, &draft.account).is_some())
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
        for mut candidate in export.came {
            let draft = &candidate.draft;
            let at = At::Export {
                export: number,
                came: receipt.came.len(),
            };
            let new = Known::of_draft(at, draft);
            let of_secret = self.0.entry(draft.credential.fingerprint()).or_default();
            match of_secret.original(&draft.issuer, &draft.account) {
                None => {
                    let other = of_secret.known.first().map(Known::title);
                    candidate.odd.extend(other.map(|other| Oddity::SameSecret { other }));
                    of_secret.push(new);
                    receipt.came.push(candidate);
                }
                Some(original) => {
                    let known = &mut of_secret.known[original];
                    let double = double(candidate.place, new, known, &mut receipt, earlier);
                    receipt.doubles.push(double);
                }
            }
        }
        receipt
    }
}

fn double(place: Place, new: Known, known: &mut Known, receipt: &mut Receipt, earlier: &mut [Receipt]) -> Double {
    let mut dropped = Vec::new();
    let (new_title, known_title) = (new.title(), known.title());
    let drops = |new: &Name, known: &Name| !new.is_empty() && new != known;
    if drops(&new.issuer, &known.issuer) || drops(&new.account, &known.account) {
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
        At::Vault(id) => Original::InVault(id, known_title),
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
        title: new_title,
        of,
        counter,
        dropped,
    }
}
