//! A lot as a whole: its tokens by status, and how their clocks go.

use std::collections::BTreeMap;

use store::{Owner, Token, TokenFilter, TokenStatus};

use crate::{
    Caller, DriftingDevice, LotDrift, Service, ServiceError,
    inventory::{DESK, DESK_OR_SUPPORT, INVENTORY},
    support::drift::look_at,
};

/// Tokens that are read at once.
const PAGE: u32 = 1_000;
/// Pages of bound ones that one call looks at.
const PAGES: usize = 10;

/// The clocks of the bound tokens of a lot, or of a part of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LotClocks {
    /// How far they have gone; sums over all parts.
    pub drift: LotDrift,
    /// Those that are about to leave the window.
    pub devices: Vec<DriftingDevice>,
    /// After which serial number the next part begins; `None` at the end.
    pub next: Option<String>,
}

impl Service {
    /// How many tokens of a lot there are; no more than `most` are counted.
    pub async fn lot_size(&self, caller: &Caller, lot: &str, most: u32) -> Result<u32, ServiceError> {
        caller.may_for_all(DESK, INVENTORY)?;
        let filter = TokenFilter {
            lot: Some(lot.to_owned()),
            status: None,
        };
        Ok(self.core.store.count_tokens(filter, most).await?)
    }

    /// How many tokens of a lot there are by status; no more than `most` of each are counted.
    pub async fn lot_counts(
        &self,
        caller: &Caller,
        lot: &str,
        most: u32,
    ) -> Result<Vec<(TokenStatus, u32)>, ServiceError> {
        caller.may_for_all(DESK, INVENTORY)?;
        let mut counts = Vec::new();
        for status in TokenStatus::ALL {
            let filter = TokenFilter {
                lot: Some(lot.to_owned()),
                status: Some(status),
            };
            let count = self.core.store.count_tokens(filter, most).await?;
            counts.extend((count > 0).then_some((status, count)));
        }
        Ok(counts)
    }

    /// The clocks of some thousand bound tokens of a lot, after this serial number.
    pub async fn lot_clocks(
        &self,
        caller: &Caller,
        lot: &str,
        mut after: Option<String>,
    ) -> Result<LotClocks, ServiceError> {
        caller.may_for_all(DESK_OR_SUPPORT, INVENTORY)?;
        let filter = TokenFilter {
            lot: Some(lot.to_owned()),
            status: Some(TokenStatus::Bound),
        };
        let mut lots = BTreeMap::new();
        let mut found = LotClocks::default();
        for _page in 0..PAGES {
            let page = self.core.store.tokens(filter.clone(), after.take(), PAGE).await?;
            let last = page.last().map(|token| token.serial_number.clone());
            self.look_at_tokens(&page, &mut lots, &mut found.devices).await?;
            after = last.filter(|_| page.len() == PAGE as usize);
            if after.is_none() {
                break;
            }
        }
        let empty = || LotDrift {
            lot: Some(lot.to_owned()),
            ..LotDrift::default()
        };
        found.drift = lots.into_values().next().unwrap_or_else(empty);
        found.next = after;
        Ok(found)
    }

    /// Looks at the devices that these tokens are.
    async fn look_at_tokens(
        &self,
        tokens: &[Token],
        lots: &mut BTreeMap<Option<String>, LotDrift>,
        found: &mut Vec<DriftingDevice>,
    ) -> Result<(), ServiceError> {
        let core = &*self.core;
        let now = core.clock.now()?;
        let owners: Vec<Owner> = tokens.iter().filter_map(|token| token.state.owner().cloned()).collect();
        let users = core.store.users(owners).await?;
        let bound = tokens.iter().filter(|token| token.state.owner().is_some()).zip(&users);
        for (token, user) in bound {
            let device = user.as_ref().zip(token.state.device());
            if let Some(bound) = device.and_then(|(user, device)| user.device(device)) {
                look_at(core, bound, Some(token.lot.clone()), now, lots, found);
            }
        }
        Ok(())
    }
}
