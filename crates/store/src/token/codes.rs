//! Looking through the tokens that nobody has bound: of each no more is read than what makes its codes.

use std::{fmt::Write as _, str::FromStr};

use otp::{Algorithm, Digits, Parameters, Period};

use super::Token;
use crate::{Id, Noun as _, Pending, Sealed, Store, StoreError, Summary};

/// A token that nobody has bound, as an engine gave it.
pub struct UnreadToken(Summary);

/// A token that nobody has bound: what makes its codes.
pub struct UnboundToken<'a> {
    /// The serial number on its back.
    pub serial_number: &'a str,
    /// Its id, for which its secret is sealed.
    pub id: Id,
    /// Algorithm, digits, period.
    pub parameters: Parameters,
    /// Steps by which its clock was ahead (behind: negative).
    pub measured_offset_steps: i32,
    /// The counter of its next code; of a counter token alone.
    pub counter: Option<u64>,
    /// Its secret.
    pub sealed: &'a Sealed,
}

impl Token {
    /// The summary: what makes its codes beside its secret, while that is the inventory's. Words with a space between: id,
    /// algorithm, digits, period, offset, and the counter of a counter token.
    pub(super) fn codes(&self) -> Option<String> {
        self.state.sealed()?;
        let Parameters {
            algorithm,
            digits,
            period,
        } = self.parameters;
        let mut words = format!(
            "{} {} {} {} {}",
            self.id,
            algorithm.name(),
            digits.get(),
            period.get_s(),
            self.measured_offset_steps
        );
        if let Some(counter) = self.counter {
            let _written = write!(words, " {counter}");
        }
        Some(words)
    }
}

impl UnreadToken {
    /// The serial number on its back.
    pub fn serial_number(&self) -> &str {
        &self.0.id
    }

    /// What makes its codes.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub fn read(&self) -> Result<UnboundToken<'_>, StoreError> {
        self.words()
            .ok_or_else(|| StoreError::Damaged(format!("{}/{}: its summary cannot be read", Token::NAME, self.0.id)))
    }

    fn words(&self) -> Option<UnboundToken<'_>> {
        fn number<N: FromStr>(word: Option<&str>) -> Option<N> {
            word?.parse().ok()
        }
        let mut words = self.0.text.split(' ');
        let id = number(words.next())?;
        let name = words.next()?;
        let parameters = Parameters {
            algorithm: Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name)?,
            digits: Digits::new(number(words.next())?)?,
            period: Period::new_s(number(words.next())?)?,
        };
        let measured_offset_steps = number(words.next())?;
        let counter = match words.next() {
            Some(word) => Some(number(Some(word))?),
            None => None,
        };
        words.next().is_none().then_some(UnboundToken {
            serial_number: &self.0.id,
            id,
            parameters,
            measured_offset_steps,
            counter,
            sealed: &self.0.sealed,
        })
    }
}

/// Reading the inventory.
impl dyn Store + '_ {
    /// Up to `limit` tokens that nobody has bound, and whose secrets are the inventory's, after this serial number and in the
    /// order of serial numbers.
    pub fn unread_tokens(&self, after: Option<String>, limit: u32) -> Pending<'_, Vec<UnreadToken>> {
        let asked = self.summaries_in(Token::NAME, after.unwrap_or_default(), limit);
        Box::pin(async move { Ok(asked.await?.into_iter().map(UnreadToken).collect()) })
    }
}
