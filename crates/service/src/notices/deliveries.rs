//! What became of a webhook's notices: listed, replayed.

use serde_json::json;
use store::{Change, Delivery, DeliveryState, Id, Role, Write};

use crate::{Caller, Service, ServiceError, notices::pending::KEPT_MS};

impl Service {
    /// Up to `limit` of a webhook's deliveries after this one, in this state or in any, in the order in which what they tell
    /// happened. What was never tried is not among them: it is in the trail alone.
    pub async fn deliveries(
        &self,
        caller: &Caller,
        webhook: Id,
        state: Option<DeliveryState>,
        after: Option<Id>,
        limit: u32,
    ) -> Result<Vec<Delivery>, ServiceError> {
        caller.may(&[Role::Admin])?;
        self.core.webhook_of(caller, webhook).await?;
        Ok(self.core.store.deliveries(webhook, state, after, limit).await?)
    }

    /// Has a notice sent again, whatever became of it, before others of its user that wait.
    pub async fn replay_delivery(&self, caller: &Caller, webhook: Id, id: Id) -> Result<Delivery, ServiceError> {
        caller.may(&[Role::Admin])?;
        let core = &*self.core;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            core.webhook_of(caller, webhook).await?;
            let found = core.store.delivery(id).await?;
            let found = found.filter(|delivery| delivery.webhook == webhook);
            let found = found.ok_or(ServiceError::NotFound("delivery"))?;
            let expected = found.version;
            let next = Delivery {
                version: expected + 1,
                state: DeliveryState::Pending,
                attempts: 0,
                first_attempt_at: None,
                next_attempt_at: Some(attempt.now),
                expires_at: attempt.now.plus(KEPT_MS),
                ..found
            };
            let detail = json!({"webhook": webhook, "delivery": id, "type": next.kind});
            let entry = attempt.entry("webhook.replay", "done").detail(detail);
            let change = Change::of(core.event(&entry, attempt.now)?).with([Write::put(Some(expected), &next)]);
            if let Some(next) = attempt.commit(change, next).await? {
                return Ok(next);
            }
        }
    }
}
