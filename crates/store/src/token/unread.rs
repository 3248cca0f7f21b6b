//! Looking through the whole inventory: of each token no more is read than what makes its codes.

use std::borrow::Cow;

use otp::Parameters;
use serde::Deserialize;

use super::{Token, TokenState};
use crate::{Document, Id, List, Noun as _, Pending, Sealed, Store, StoreError, shape};

/// A token as an engine gave it.
pub struct UnreadToken(Document);

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

/// The fields of a [`Token`] that are read.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    serial_number: Cow<'a, str>,
    id: Id,
    version: u64,
    #[serde(with = "shape::parameters")]
    parameters: Parameters,
    management: Option<Sealed>,
    measured_offset_steps: i32,
    #[serde(default)]
    counter: Option<u64>,
    state: TokenState,
}

impl UnreadToken {
    /// The serial number on its back.
    pub fn serial_number(&self) -> &str {
        &self.0.key.id
    }

    /// What makes its codes; `None` for a token whose secret is not the inventory's.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub fn unbound(&self) -> Result<Option<UnboundToken<'_>>, StoreError> {
        let fields: Fields<'_> = self.0.fields::<Token, _>()?;
        let secrets = [fields.management.as_ref(), fields.state.sealed()];
        self.0.check(secrets.iter().flatten().count(), fields.version, |key| {
            *key.id == *fields.serial_number
        })?;
        let sealed = fields.state.sealed().and(self.0.secrets.last());
        Ok(sealed.map(|sealed| UnboundToken {
            serial_number: self.serial_number(),
            id: fields.id,
            parameters: fields.parameters,
            measured_offset_steps: fields.measured_offset_steps,
            counter: fields.counter,
            sealed,
        }))
    }

    /// All of it.
    ///
    /// # Errors
    /// [`StoreError::Damaged`].
    pub fn read(&self) -> Result<Token, StoreError> {
        self.0.clone().read()
    }
}

/// Reading the inventory.
impl dyn Store + '_ {
    /// Up to `limit` tokens of every status after this serial number, in the order of serial numbers.
    pub fn unread_tokens(&self, after: Option<String>, limit: u32) -> Pending<'_, Vec<UnreadToken>> {
        let list = List::Global {
            after: after.unwrap_or_default(),
        };
        let asked = self.documents_in(Token::NAME, list, limit);
        Box::pin(async move { Ok(asked.await?.into_iter().map(UnreadToken).collect()) })
    }
}
