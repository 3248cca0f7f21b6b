//! The tokens of a user: those that they have bound, and those that wait for them.

use store::{Bound, Owner};

use crate::{
    Caller, Service, ServiceError, TokenView,
    inventory::{DESK_OR_SUPPORT, INVENTORY, binding::its_tokens},
};

/// Tokens that wait for one user and are shown at once.
const WAITING_MAX: u32 = 50;

impl Service {
    /// The tokens that this user has bound, with how their clocks go, and then those that are set aside for them.
    pub async fn tokens_of_user(&self, caller: &Caller, owner: &Owner) -> Result<Vec<TokenView>, ServiceError> {
        caller.may_for_all(DESK_OR_SUPPORT, INVENTORY)?;
        let core = &*self.core;
        let user = core.store.user(owner.clone()).await?;
        let devices: Vec<Bound> = user.map(|user| user.devices.clone()).unwrap_or_default();
        let mut found = Vec::new();
        for token in its_tokens(core, &devices).await? {
            let device = token.state.device();
            let bound = devices.iter().find(|bound| Some(bound.device.id) == device);
            found.extend(bound.map(|bound| TokenView::of_bound(&token, bound)));
        }
        let waiting = core.store.tokens_assigned_to(owner.clone(), WAITING_MAX).await?;
        found.extend(waiting.iter().map(TokenView::of));
        Ok(found)
    }
}
