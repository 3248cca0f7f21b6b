use std::fmt;

use super::claim::{Claim, Oddity, Reason};
pub(super) use super::format::Format;
use super::google::Parts;
#[cfg(doc)]
use crate::Entries;
use crate::{AddError, Draft, EntryId};

/// The protection that an export had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Not at all: the file has every secret, and should be deleted once it is imported.
    InTheClear,
    /// Encrypted with a password or a key.
    Encrypted,
}

/// The place of an entry in an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The line of a text, from 1.
    Line(usize),
    /// The number among the entries, from 1.
    Entry(usize),
    /// In a migration URI: its line, and the number among its entries, both from 1.
    InPart {
        /// The line of the URI.
        line: usize,
        /// The number in it.
        entry: usize,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Entry(entry) => write!(f, "entry {entry}"),
            Self::InPart { line, entry } => write!(f, "line {line}, entry {entry}"),
        }
    }
}

/// An entry that can be taken. Holds a secret, so it has neither `Debug` nor `Clone`.
pub struct Came {
    /// Where it was.
    pub place: Place,
    /// What will be added.
    pub draft: Draft,
    /// What a person should know of it; usually nothing.
    pub odd: Vec<Oddity>,
}

/// An entry that is there already, and is not added again: the same secret, and names that agree, each the same but for its case,
/// or known to one of the two only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Double {
    /// Where it was.
    pub place: Place,
    /// How the export calls it.
    pub title: String,
    /// Which one makes the same codes.
    pub of: Original,
    /// The counter that the original gets from it: the higher one is right, because each code is used up by both. Never lower.
    pub counter: Option<RaisedCounter>,
    /// What it says otherwise than the original, which keeps its own.
    pub dropped: Vec<Dropped>,
}

/// An HOTP counter that moves on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RaisedCounter {
    /// The original's.
    pub from: u64,
    /// The double's.
    pub to: u64,
}

/// Fields of a double that are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Dropped {
    /// Another issuer or account.
    #[error("other name")]
    Name,
    /// A note that the original has not.
    #[error("note")]
    Note,
    /// Groups that the original is not in.
    #[error("groups")]
    Groups,
}

/// The one that a [`Double`] is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Original {
    /// In the vault, with its title.
    InVault(EntryId, String),
    /// In the export itself.
    InExport(Place),
    /// In another one of the same import.
    InOtherExport {
        /// What its caller called it.
        source: String,
        /// Where in it.
        place: Place,
    },
}

impl fmt::Display for Double {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, title, of, .. } = self;
        write!(f, "{place}: ")?;
        if !title.is_empty() {
            write!(f, "{title}: ")?;
        }
        match of {
            Original::InVault(id, other) if other.is_empty() => write!(f, "the vault has it as #{}", id.get())?,
            Original::InVault(_, other) => write!(f, "the vault has it as {other}")?,
            Original::InExport(other) => write!(f, "the same as {other}")?,
            Original::InOtherExport { source, place } => write!(f, "the same as {place} of {source}")?,
        }
        if let Some(RaisedCounter { from, to }) = self.counter {
            write!(f, "; its counter is taken: {to} in place of {from}")?;
        }
        let dropped: Vec<String> = self.dropped.iter().map(Dropped::to_string).collect();
        match dropped.split_last() {
            None => Ok(()),
            Some((last, [])) => write!(f, "; not taken: its {last}"),
            Some((last, rest)) => write!(f, "; not taken: its {} and {last}", rest.join(", ")),
        }
    }
}

/// An entry that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Where it was.
    pub place: Place,
    /// How the export calls it; empty where that cannot be read.
    pub title: String,
    /// Why.
    pub reason: Reason,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, title, reason } = self;
        match title.as_str() {
            "" => write!(f, "{place}: {reason}"),
            title => write!(f, "{place}: {title}: {reason}"),
        }
    }
}

/// Parts of a Google migration that were not among those given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingParts {
    /// Their numbers, from 1, ascending.
    pub parts: Vec<u32>,
    /// How many there are in all.
    pub of: u32,
}

impl fmt::Display for MissingParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.parts.iter().map(u32::to_string).collect();
        match numbers.split_last() {
            Some((last, [])) => write!(f, "part {last} of {} is missing: scan it too", self.of),
            Some((last, rest)) => write!(
                f,
                "parts {} and {last} of {} are missing: scan them too",
                rest.join(", "),
                self.of
            ),
            None => write!(f, "no part of {} is missing", self.of),
        }
    }
}

/// An export that was read, not yet compared with a vault.
pub struct Export {
    /// What it was recognised as.
    pub format: Format,
    /// How it was protected.
    pub protection: Protection,
    /// What its caller calls it, such as the name of its file, for doubles in the other exports of one import.
    pub source: String,
    pub(crate) came: Vec<Came>,
    pub(crate) refused: Vec<Refused>,
    /// Of Google migrations.
    pub(crate) parts: Parts,
    /// Items that have no one-time code, such as the other logins of a password manager.
    pub without_code: usize,
}

impl Export {
    pub(crate) fn new(format: Format, protection: Protection) -> Self {
        Self {
            format,
            protection,
            source: String::new(),
            came: Vec::new(),
            refused: Vec::new(),
            parts: Parts::default(),
            without_code: 0,
        }
    }

    /// Entries that can be taken, whether or not a vault has them.
    pub fn came(&self) -> &[Came] {
        &self.came
    }

    /// [`came`](Self::came), for whoever knows better names.
    pub fn came_mut(&mut self) -> &mut [Came] {
        &mut self.came
    }

    /// Entries that cannot be taken.
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }

    /// Remarks that entries of this line, the last one, may have been cut off.
    pub(crate) fn doubt(&mut self, last: usize) {
        let is_of_line = |place: Place| matches!(place, Place::Line(line) | Place::InPart { line, .. } if line == last);
        for came in self.came.iter_mut().filter(|came| is_of_line(came.place)) {
            came.odd.push(Oddity::Unended);
        }
    }

    /// Remarks that names which are not ASCII may be written wrongly.
    pub(crate) fn doubt_letters(&mut self) {
        for came in self.came.iter_mut().filter(|came| !came.draft.title().is_ascii()) {
            came.odd.push(Oddity::CodePage);
        }
    }

    /// Files an entry under what came or what is refused.
    pub(crate) fn push(&mut self, place: Place, claim: Result<Claim, Reason>) {
        let (title, judged) = match claim.map(Claim::without_repeated_issuer) {
            Ok(claim) => (claim.title(), claim.judge()),
            Err(reason) => (String::new(), Err(reason)),
        };
        match judged {
            Ok((draft, odd)) => self.came.push(Came { place, draft, odd }),
            Err(reason) => self.refused.push(Refused { place, title, reason }),
        }
    }
}

/// The receipt of an import or its dry run. Holds secrets, so it has neither `Debug` nor `Clone`.
pub struct Receipt {
    /// What the export was recognised as.
    pub format: Format,
    /// How it was protected.
    pub protection: Protection,
    /// The export's [`source`](Export::source).
    pub source: String,
    /// What will be added, in the export's order.
    pub came: Vec<Came>,
    /// What is there already.
    pub doubles: Vec<Double>,
    /// What cannot be taken.
    pub refused: Vec<Refused>,
    /// Parts that are missing; while there are any, [`Entries::apply`] takes nothing.
    pub missing: Vec<MissingParts>,
    /// Items that have no one-time code.
    pub without_code: usize,
}

impl Receipt {
    /// Accepts that parts are missing: the others are wanted all the same.
    #[must_use]
    pub fn without_missing_parts(mut self) -> Self {
        self.missing.clear();
        self
    }
}

/// Why nothing of a receipt was taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// Not all parts of a migration are there.
    #[error("nothing was imported: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    MissingParts(Vec<MissingParts>),
    /// The vault would have more entries than it can.
    #[error("nothing was imported: {0}")]
    Full(#[from] AddError),
}
