//! The users of an account that have a device or a setting, each with their security state.

use std::collections::BTreeSet;

use store::{Owner, Protection, Role, User};
use verify::{Policy, UnixMs};

use crate::{Caller, DeviceView, Service, ServiceError, protection::user_limit::counts};

/// The security state of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSummary {
    /// Who.
    pub owner: Owner,
    /// Devices that are bound.
    pub devices: usize,
    /// When the first of them is judged again, if all are locked.
    pub locked_until: Option<UnixMs>,
    /// Some road of a device waits for somebody to act.
    pub suspended: bool,
    /// Recovery codes that can still be spent.
    pub recovery_codes_left: usize,
    /// The user's own choice.
    pub protection: Protection,
    /// The last accepted code of any device.
    pub last_success_at: Option<UnixMs>,
}

/// A part of an account's users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserPage {
    /// In the order of their names; perhaps none, though more follow.
    pub users: Vec<UserSummary>,
    /// After whom the next page begins; `None` at the end.
    pub next: Option<String>,
}

impl Service {
    /// Of up to `limit` users after this one, those with a device or a setting: of somebody who was only ever asked about
    /// there is nothing to show.
    pub async fn users(
        &self,
        caller: &Caller,
        account: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<UserPage, ServiceError> {
        let core = &*self.core;
        let after = core.user_names.owner(account, after.unwrap_or_default());
        caller.may_in(&[Role::Enroll, Role::Support], &after.account)?;
        let store = &core.store;
        let now = core.clock.now()?;
        let mut rows = store.users_after(Some(after.clone()), limit).await?;
        let is_full = rows.len() == limit as usize;
        rows.retain(|row| row.owner.account == after.account);
        let last = rows.last().filter(|_| is_full && rows.len() == limit as usize);
        let next = last.map(|row| row.owner.user.as_ref().to_owned());
        let owners: Vec<Owner> = rows.iter().map(|row| row.owner.clone()).collect();
        let settings = store.protections_of(&owners).await?;
        let codes = store.recovery_codes_of(owners).await?;
        let users = rows.iter().zip(settings).zip(codes);
        let users = users.filter(|((row, settings), _)| counts(row, settings.as_ref()));
        let users = users.map(|((row, settings), codes)| {
            let left = codes.map_or(0, |set| set.left());
            summary(row, settings, left, now, &core.settings.policy)
        });
        Ok(UserPage {
            users: users.collect(),
            next,
        })
    }
}

fn summary(
    row: &User,
    settings: Option<Protection>,
    recovery_codes_left: usize,
    now: UnixMs,
    policy: &Policy,
) -> UserSummary {
    let owner = &row.owner;
    let devices: Vec<DeviceView> = row
        .devices
        .iter()
        .map(|bound| DeviceView::of(bound, now, policy))
        .collect();
    let locks: Option<BTreeSet<UnixMs>> = devices.iter().map(|device| device.locked_until).collect();
    UserSummary {
        owner: owner.clone(),
        devices: devices.len(),
        locked_until: locks.and_then(|mut locks| locks.pop_first()),
        suspended: devices.iter().any(|device| !device.suspended.is_empty()),
        recovery_codes_left,
        protection: settings.unwrap_or_else(|| Protection::none(owner.clone())),
        last_success_at: devices.iter().filter_map(|device| device.last_success_at).max(),
    }
}
