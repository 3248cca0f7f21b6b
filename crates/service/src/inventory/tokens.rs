//! Tokens of the inventory, as they are shown and listed.

use otp::Parameters;
use store::{Bound, BoundToken, Id, Owner, Token, TokenFilter, TokenStatus};
use verify::{Kind, UnixMs};

use crate::{
    Caller, Core, Service, ServiceError, inventory::DESK, inventory::DESK_OR_SUPPORT, inventory::INVENTORY,
    inventory::binding::next_counter,
};

/// Tokens that are read to find those whose clock is about to leave the window.
const DRIFT_PAGE: u32 = 1_000;
/// Pages of them that one call reads: a list of few among very many comes in several calls.
const DRIFT_PAGES: usize = 50;

/// A token as the desk sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenView {
    /// The serial number on its back.
    pub serial_number: String,
    /// The lot it came in.
    pub lot: String,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// What it is.
    pub model: Option<String>,
    /// What its user will call it.
    pub label: Option<String>,
    /// Algorithm, digits, period.
    pub parameters: Parameters,
    /// Where it stands in its life.
    pub status: TokenStatus,
    /// Whom it is meant for, or whose it is.
    pub owner: Option<Owner>,
    /// The device that it is.
    pub device: Option<Id>,
    /// How far its clock is off, in steps: as the seed file said, as binding measured; where the device was looked
    /// at too, as it is followed since.
    pub drift_steps: i32,
    /// The counter of its next code, of a counter token: as the seed file said, as binding found; where the device was
    /// looked at too, as it is now.
    pub counter: Option<u64>,
    /// Its last accepted code, where the device was looked at too.
    pub last_success_at: Option<UnixMs>,
    /// Not to be bound before.
    pub starts_at: Option<UnixMs>,
    /// Not to be bound afterwards.
    pub expires_at: Option<UnixMs>,
    /// When it came in with its present secret.
    pub imported_at: UnixMs,
    /// The last change.
    pub changed_at: UnixMs,
    /// When its present secret left in an export, last.
    pub exported_at: Option<UnixMs>,
}

impl TokenView {
    pub(crate) fn of(token: &Token) -> Self {
        Self {
            serial_number: token.serial_number.clone(),
            lot: token.lot.clone(),
            manufacturer: token.manufacturer.clone(),
            model: token.model.clone(),
            label: token.label.clone(),
            parameters: token.parameters,
            status: token.state.status(),
            owner: token.state.owner().cloned(),
            device: token.state.device(),
            drift_steps: token.measured_offset_steps,
            counter: token.counter,
            last_success_at: None,
            starts_at: token.starts_at,
            expires_at: token.expires_at,
            imported_at: token.imported_at,
            changed_at: token.changed_at,
            exported_at: token.exported_at,
        }
    }

    pub(crate) fn of_bound(token: &Token, bound: &Bound) -> Self {
        Self {
            drift_steps: bound.state.total_offset_steps(),
            counter: next_counter(bound),
            last_success_at: bound.state.parts().last_success_at,
            ..Self::of(token)
        }
    }
}

impl Service {
    /// The token of this serial number; one that is bound with how its clock goes.
    pub async fn token(&self, caller: &Caller, serial_number: &str) -> Result<TokenView, ServiceError> {
        caller.may_for_all(DESK_OR_SUPPORT, INVENTORY)?;
        let core = &*self.core;
        let token = find(core, serial_number).await?;
        Ok(match bound_of(core, &token).await? {
            Some(bound) => TokenView::of_bound(&token, &bound),
            None => TokenView::of(&token),
        })
    }

    /// Up to `limit` tokens after this serial number, in the order of serial numbers.
    pub async fn tokens(
        &self,
        caller: &Caller,
        filter: TokenFilter,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<TokenView>, ServiceError> {
        caller.may_for_all(DESK, INVENTORY)?;
        let found = self.core.store.tokens(filter, after, limit).await?;
        Ok(found.iter().map(TokenView::of).collect())
    }

    /// Up to `limit` bound tokens whose clock is about to leave the window, after this serial number; and where to
    /// go on, while there may be more.
    pub async fn drifting_tokens(
        &self,
        caller: &Caller,
        mut after: Option<String>,
        limit: u32,
    ) -> Result<(Vec<TokenView>, Option<String>), ServiceError> {
        caller.may_for_all(DESK, INVENTORY)?;
        let core = &*self.core;
        let now = core.clock.now()?;
        let policy = &core.settings.policy;
        let mut found = Vec::new();
        for _page in 0..DRIFT_PAGES {
            let page = core.store.bound_tokens(after.clone(), DRIFT_PAGE).await?;
            if page.is_empty() {
                return Ok((found, None));
            }
            for BoundToken { token, bound } in page {
                let state = &bound.state;
                if state.about_to_leave(Kind::Hardware, bound.device.bound_at, now, policy) {
                    found.push(TokenView::of_bound(&token, &bound));
                }
                after = Some(token.serial_number);
                if found.len() >= limit as usize {
                    return Ok((found, after));
                }
            }
        }
        Ok((found, after))
    }
}

pub(crate) async fn find(core: &Core, serial_number: &str) -> Result<Token, ServiceError> {
    let found = core.store.tokens_of(vec![serial_number.to_owned()]).await?.pop();
    found.flatten().ok_or(ServiceError::NotFound("token"))
}

/// The device that a token is.
pub(crate) async fn bound_of(core: &Core, token: &Token) -> Result<Option<Bound>, ServiceError> {
    match Option::zip(token.state.owner(), token.state.device()) {
        Some((owner, device)) => Ok(core.store.device(owner.clone(), device).await?),
        None => Ok(None),
    }
}
