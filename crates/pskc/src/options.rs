//! What whoever imports a file knows and the file does not say.

use std::ops::Deref;

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

impl Options {
    /// The hash that file and option agree on; `None` where neither says one.
    pub(crate) fn hash(&self, said: Option<Algorithm>) -> Result<Option<Algorithm>, Reason> {
        agreed("hash", said, self.hash, |hash| hash.name().to_owned())
    }

    /// The digits that file and option agree on.
    pub(crate) fn digits(&self, said: Option<Digits>) -> Result<Option<Digits>, Reason> {
        agreed("digits", said, self.digits, |digits| format!("{} digits", digits.get()))
    }

    /// The period that file and option agree on.
    pub(crate) fn period(&self, said: Option<Period>) -> Result<Option<Period>, Reason> {
        agreed("period", said, self.period, seconds)
    }

    /// A token that counts events is asked for no period.
    pub(crate) fn no_period(&self) -> Result<(), Reason> {
        match self.period {
            None => Ok(()),
            Some(period) => Err(Reason::Contradiction {
                what: "period",
                said: "that it counts events (HOTP)".into(),
                wanted: seconds(period),
            }),
        }
    }
}

fn seconds(period: Period) -> String {
    format!("{} s", period.get_s())
}

fn agreed<T: Copy + PartialEq>(
    what: &'static str,
    said: Option<T>,
    wanted: Option<T>,
    shown: fn(T) -> String,
) -> Result<Option<T>, Reason> {
    match (said, wanted) {
        (Some(said), Some(wanted)) if said != wanted => Err(Reason::Contradiction {
            what,
            said: shown(said),
            wanted: shown(wanted),
        }),
        (said, wanted) => Ok(said.or(wanted)),
    }
}
