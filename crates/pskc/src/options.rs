//! What whoever imports a file knows and the file does not say.

use std::{fmt, ops::Deref};

use otp::{Algorithm, Digits, Period};

use crate::{Encoding, Reason};

/// Settings for what a file leaves open. None goes against what a file says: a token of which it says otherwise is refused
/// with [`Reason::Contradiction`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How a table's secrets are written. (PSKC says.)
    pub encoding: Option<Encoding>,
    /// The hash under the HMAC.
    pub hash: Option<Algorithm>,
    /// How many digits the tokens show.
    pub digits: Option<Digits>,
    /// How long a code is shown. A token that counts events has none.
    pub period: Option<Period>,
}

/// What a reader knows beside the text.
pub(crate) struct Context {
    pub(crate) options: Options,
    /// Whether the text's encoding was guessed, so that letters beyond ASCII may be others.
    pub(crate) is_guessed: bool,
}

impl Deref for Context {
    type Target = Options;

    fn deref(&self) -> &Options {
        &self.options
    }
}

/// A thing that a file and an [`Options`] may say of a token. Displayed as a part of an English sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// The hash under the HMAC.
    Hash(Algorithm),
    /// How many digits it shows.
    Digits(Digits),
    /// How long it shows a code.
    Period(Period),
    /// That it counts events, and so has no period.
    CountsEvents,
}

impl Said {
    /// The option's name.
    pub const fn option(self) -> &'static str {
        match self {
            Self::Hash(_) => "hash",
            Self::Digits(_) => "digits",
            Self::Period(_) | Self::CountsEvents => "period",
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hash(hash) => f.write_str(hash.name()),
            Self::Digits(digits) => write!(f, "{} digits", digits.get()),
            Self::Period(period) => write!(f, "{} s", period.get_s()),
            Self::CountsEvents => f.write_str("that it counts events (HOTP)"),
        }
    }
}

impl Options {
    /// The hash that file and option agree on; `None` where neither says one.
    pub(crate) fn hash(&self, said: Option<Algorithm>) -> Result<Option<Algorithm>, Reason> {
        agreed(said, self.hash, Said::Hash)
    }

    /// The digits that file and option agree on.
    pub(crate) fn digits(&self, said: Option<Digits>) -> Result<Option<Digits>, Reason> {
        agreed(said, self.digits, Said::Digits)
    }

    /// The period that file and option agree on.
    pub(crate) fn period(&self, said: Option<Period>) -> Result<Option<Period>, Reason> {
        agreed(said, self.period, Said::Period)
    }

    /// A token that counts events is asked for no period.
    pub(crate) fn no_period(&self) -> Result<(), Reason> {
        match self.period {
            None => Ok(()),
            Some(period) => Err(Reason::Contradiction {
                said: Said::CountsEvents,
                wanted: Said::Period(period),
            }),
        }
    }
}

fn agreed<T: Copy + PartialEq>(said: Option<T>, wanted: Option<T>, name: fn(T) -> Said) -> Result<Option<T>, Reason> {
    match (said, wanted) {
        (Some(said), Some(wanted)) if said != wanted => Err(Reason::Contradiction {
            said: name(said),
            wanted: name(wanted),
        }),
        (said, wanted) => Ok(said.or(wanted)),
    }
}
