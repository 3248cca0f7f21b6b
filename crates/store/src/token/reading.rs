//! Reading the inventory: tokens by serial number, in lists, and with the devices that they are.

use super::{ASSIGNED_TO, BOUND, Fingerprint, LOT, LOT_STATUS, STATUS, Token, TokenStatus};
use crate::{Bound, List, Noun as _, Owner, Pending, Store, document};

/// A filter for lists of tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenFilter {
    /// Those of this status.
    pub status: Option<TokenStatus>,
    /// Those of this lot.
    pub lot: Option<String>,
}

impl TokenFilter {
    /// Its tokens after this serial number.
    fn list(&self, after: Option<String>) -> List {
        let after = after.unwrap_or_default();
        let lookup = |name, parts: &[&str], after| List::Lookup {
            name,
            prefix: document::value(parts),
            after,
        };
        match (&self.lot, self.status.map(TokenStatus::name)) {
            (None, None) => List::Global { after },
            (None, Some(status)) => lookup(STATUS, &[status], after),
            (Some(lot), None) => lookup(LOT, &[lot], after),
            (Some(lot), Some(status)) => lookup(LOT_STATUS, &[lot, status], after),
        }
    }
}

/// A token and the device that it is, as read together.
#[derive(Clone)]
pub struct BoundToken {
    /// The inventory's record.
    pub token: Token,
    /// The device's.
    pub bound: Bound,
}

/// Reading the inventory.
impl dyn Store + '_ {
    /// The token of each serial number, in the order asked.
    pub fn tokens_of(&self, serial_numbers: Vec<String>) -> Pending<'_, Vec<Option<Token>>> {
        let keys = serial_numbers.iter().map(|serial_number| Token::key_of(serial_number));
        self.each(keys.collect())
    }

    /// Up to `limit` tokens after this serial number, in the order of serial numbers.
    pub fn tokens(&self, filter: TokenFilter, after: Option<String>, limit: u32) -> Pending<'_, Vec<Token>> {
        self.list(filter.list(after), limit)
    }

    /// How many of these tokens there are; no more than `most` are counted.
    pub fn count_tokens(&self, filter: TokenFilter, most: u32) -> Pending<'_, u32> {
        self.count_in(Token::NAME, filter.list(None), most)
    }

    /// Up to `limit` tokens that are somebody's device, lost ones too, after this serial number and in that order; those
    /// that are unbound at this moment may be left out already.
    pub fn bound_tokens(&self, after: Option<String>, limit: u32) -> Pending<'_, Vec<BoundToken>> {
        let list = |after| List::Lookup {
            name: BOUND,
            prefix: String::new(),
            after,
        };
        let mut after = after.unwrap_or_default();
        Box::pin(async move {
            loop {
                let tokens: Vec<Token> = self.list(list(after), limit).await?;
                let Some(last) = tokens.last() else {
                    return Ok(Vec::new());
                };
                after = last.serial_number.clone();
                let owner_of = |token: &Token| token.state.device().and(token.state.owner().cloned());
                let owners: Vec<Owner> = tokens.iter().filter_map(owner_of).collect();
                let users = self.users(owners).await?;
                let of_users = tokens.into_iter().filter(|token| owner_of(token).is_some()).zip(users);
                let found: Vec<_> = of_users
                    .filter_map(|(token, user)| {
                        let bound = user?.device(token.state.device()?)?.clone();
                        Some(BoundToken { token, bound })
                    })
                    .collect();
                // A page without any would look like the last one.
                if !found.is_empty() {
                    return Ok(found);
                }
            }
        })
    }

    /// Up to `limit` tokens that are set aside for this user, in the order of serial numbers.
    pub fn tokens_assigned_to(&self, owner: Owner, limit: u32) -> Pending<'_, Vec<Token>> {
        let list = List::Lookup {
            name: ASSIGNED_TO,
            prefix: document::value(&[&owner.account, &owner.user]),
            after: String::new(),
        };
        self.list(list, limit)
    }

    /// `true` for each of these that is of a secret which some token has or had, in the order asked.
    pub fn known_fingerprints(&self, macs: Vec<[u8; 32]>) -> Pending<'_, Vec<bool>> {
        let asked = self.documents(macs.iter().map(Fingerprint::key_of).collect());
        Box::pin(async move { Ok(asked.await?.iter().map(Option::is_some).collect()) })
    }
}
