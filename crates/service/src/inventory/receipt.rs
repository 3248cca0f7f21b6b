//! The receipt of an import: what came in, what cannot and why, what was assumed.

use std::fmt;

use pskc::{Place, ReadError, Reason, Remark};

use crate::inventory::{IMPORT_MAX, NewImport};

/// The receipt of an import: what came in, what did not, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Tokens in the file; one that stands there again counts once.
    pub count: usize,
    /// The number that can come in.
    pub usable: usize,
    /// The number that came in: all that can, or none.
    pub imported: usize,
    /// Those that are in the inventory already.
    pub duplicates: Vec<String>,
    /// Those that cannot come in.
    pub refusals: Vec<Refused>,
    /// The format that the file was recognised as.
    pub format: Option<&'static str>,
    /// What was assumed because the file does not say it, and what else there is to know.
    pub remarks: Vec<ImportRemark>,
}

impl Receipt {
    /// Whether all of it can come in.
    pub fn is_whole(&self) -> bool {
        self.duplicates.is_empty() && self.refusals.is_empty()
    }

    /// What there is to know of the import beside what was assumed of the file.
    pub(super) fn remark(&mut self, repeats: usize, short: usize, wanted: &NewImport) {
        if repeats > 0 {
            let lines = None;
            self.remarks.push(ImportRemark::Repeated { count: repeats, lines });
        }
        if short > 0 {
            self.remarks.push(ImportRemark::ShortSecrets(short));
        }
        if self.is_whole() {
            return;
        }
        let (refused, duplicates) = (self.refusals.len(), self.duplicates.len());
        self.remarks.push(match (self.usable, wanted.skip_unusable) {
            (1.., true) => ImportRemark::Skipped {
                dry_run: wanted.dry_run,
                refused,
                duplicates,
            },
            (usable, _) => ImportRemark::Nothing {
                dry_run: wanted.dry_run,
                usable,
                refused,
                duplicates,
            },
        });
    }
}

/// Why a seed file gives no token at all. Displayed as an English sentence, which repeats no value of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeedFileError {
    /// It cannot be read.
    #[error("{0}")]
    Read(ReadError),
    /// There is nothing in it.
    #[error("there is no token in it")]
    Empty,
    /// More than one call takes.
    #[error("it has more than {IMPORT_MAX} tokens: split it")]
    TooMany,
}

/// A token that cannot come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its serial number, where the file says one.
    pub serial_number: Option<String>,
    /// Where it stands in the file, where that is what it was refused by.
    pub place: Option<Place>,
    /// Why.
    pub cause: TokenRefusal,
}

impl Refused {
    /// Why, and what to do: an English sentence.
    pub fn why(&self) -> String {
        match &self.place {
            Some(place) => format!("{place}: {}", self.cause),
            None => self.cause.to_string(),
        }
    }
}

/// Why a token of a seed file cannot come in. Displayed as an English sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// The file says so of it.
    #[error("{0}")]
    Read(Reason),
    /// Nothing to find it by.
    #[error("it has no serial number")]
    NoSerialNumber,
    /// More than 64 bytes.
    #[error("its serial number is longer than 64 bytes")]
    LongSerialNumber,
    /// It cannot be typed from a back.
    #[error("its serial number begins or ends with a blank, or has a control character")]
    UnfitSerialNumber,
    /// A secret would stand where numbers are shown.
    #[error("its serial number is a URI with a secret")]
    SerialNumberIsUri,
    /// Less than 128 bits, and nobody said that such shall come in.
    #[error(
        "its secret has only {bits} bits, and 128 are the least (RFC 4226): where no better token can be had, \
         allow_short_secrets takes 80 and more"
    )]
    ShortSecret {
        /// How long it is.
        bits: usize,
    },
    /// Less than 80 bits.
    #[error("its secret has only {bits} bits, which can be tried out: it never comes in")]
    GuessableSecret {
        /// How long it is.
        bits: usize,
    },
    /// HOTP: a counter that no token reaches.
    #[error("its counter is beyond 2^53, which no button was pressed so often for: ask whoever wrote the file")]
    CounterEnds,
    /// Its end is past.
    #[error("it has expired")]
    Expired,
    /// A text that is kept beside it.
    #[error("its {name} is longer than 128 bytes, no plain text, or a URI with a secret")]
    UnfitText {
        /// Which: `manufacturer`, `model` or `label`.
        name: &'static str,
    },
    /// A token has one key here, and which of these cannot be known.
    #[error(
        "its serial number stands in the file again with another key, and a token has one here: leave the key that is not \
         used out of the file, or ask the vendor which is right"
    )]
    Contested,
    /// Two tokens would show the same codes.
    #[error("its secret is, or was, another token's: provision it anew")]
    AnothersSecret,
    /// It was returned, and comes with a secret that was used before.
    #[error("its secret is an old one: provision the token anew")]
    OldSecret,
    /// Nobody knows where it is.
    #[error("it is lost: mark it returned first, if it is here")]
    Lost,
    /// Its life has ended.
    #[error("it is retired: its serial number is not used again")]
    Retired,
}

/// Something to know of an import. Displayed as an English sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportRemark {
    /// What was assumed of the file.
    Read(Remark),
    /// So many secrets are short, and were let in.
    ShortSecrets(usize),
    /// So many entries of the file are of tokens that it has already.
    Repeated {
        /// How many.
        count: usize,
        /// The lines of the first of them and of the token that it repeats, where they are known.
        lines: Option<(u32, u32)>,
    },
    /// None comes in: all or nothing was asked for and some cannot, or none can.
    Nothing {
        /// It was only judged.
        dry_run: bool,
        /// Those that could have come in.
        usable: usize,
        /// Those that cannot come in.
        refused: usize,
        /// Those that are there already.
        duplicates: usize,
    },
    /// Those that can be used come in without these.
    Skipped {
        /// It was only judged.
        dry_run: bool,
        /// Those that cannot come in.
        refused: usize,
        /// Those that are there already.
        duplicates: usize,
    },
}

impl fmt::Display for ImportRemark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Read(remark) => remark.fmt(f),
            Self::ShortSecrets(count) => write!(
                f,
                "{count} token(s) have secrets of fewer than 128 bits, let in by allow_short_secrets: replace them when you can"
            ),
            Self::Repeated { count, lines } => {
                write!(
                    f,
                    "{count} token(s) stand in the file again with the same data and count once"
                )?;
                match lines {
                    Some((line, first_line)) => write!(f, " (line {line} repeats line {first_line})"),
                    None => Ok(()),
                }
            }
            Self::Nothing {
                dry_run,
                usable,
                refused,
                duplicates,
            } => {
                let [comes, was] = if dry_run {
                    ["would come", "would be"]
                } else {
                    ["came", "were"]
                };
                let others = Others { refused, duplicates };
                match usable {
                    0 => write!(f, "nothing {comes} in: {others}"),
                    _ => write!(
                        f,
                        "nothing {comes} in: {usable} good token(s) {was} held back, because {others}, and an import takes \
                         all or nothing; skip_unusable takes the {usable} without the others"
                    ),
                }
            }
            Self::Skipped {
                dry_run,
                refused,
                duplicates,
            } => {
                let left = if dry_run { "would be left out" } else { "were left out" };
                let count = refused + duplicates;
                let others = Others { refused, duplicates };
                write!(f, "{count} token(s) {left}, as skip_unusable asks: {others}")
            }
        }
    }
}

/// Tokens that do not come in, in words.
struct Others {
    refused: usize,
    duplicates: usize,
}

impl fmt::Display for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { refused, duplicates } = self;
        match (refused, duplicates) {
            (_, 0) => write!(f, "{refused} cannot come in"),
            (0, _) => write!(f, "{duplicates} are there already"),
            (..) => write!(f, "{refused} cannot come in and {duplicates} are there already"),
        }
    }
}
