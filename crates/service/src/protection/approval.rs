//! An administrator's approval: their own fresh code, for a change of another user of the account (U2).

use serde_json::json;
use store::{Administrators, Id, Owner, User, Write, audit};

use crate::{
    Core, Factor, Input, ServiceError,
    attempt::Attempt,
    devices::factor::{ConsumedFactor, paid_by},
    user_lock::UserLock,
    verification::memo::Memo,
};

/// The cause of what an administrator approved.
pub(crate) const APPROVED: &str = "administrator";

const ACTION: &str = "administrator.approve";

/// An administrator, or the root, of an account, who approves by their own code.
pub struct Approver {
    /// Who.
    pub owner: Owner,
    /// A fresh code of theirs.
    pub factor: Factor,
}

/// What is approved.
#[derive(Clone, Copy)]
pub(crate) struct Approved<'a> {
    /// What the trail calls it.
    pub(crate) action: &'static str,
    /// The account that it is about.
    pub(crate) account: &'a str,
    /// The user of it, unless it is about all of them.
    pub(crate) user: Option<&'a User>,
}

/// An approval that is used up by the same commit as what it approves.
pub(crate) struct Approval {
    /// The number of the approver's row.
    pub(crate) by: Id,
    /// The approver's code burned, on the condition that they are an administrator still.
    pub(crate) writes: Vec<Write>,
    /// What the approver's own history says of it.
    pub(crate) event: audit::Event,
}

impl Core {
    /// The lock of who approves something of this account; nobody else's is taken.
    pub(crate) async fn lock_approver(&self, account: &str, approver: &Owner) -> Result<UserLock<'_>, ServiceError> {
        match *approver.account == *account {
            true => self.lock_user(approver).await,
            false => Err(not_theirs()),
        }
    }

    /// The locks of a user and of who approves; in the order of their names, so that no two wait for each other.
    pub(crate) async fn lock_both(&self, owner: &Owner, approver: &Owner) -> Result<[UserLock<'_>; 2], ServiceError> {
        if owner.account != approver.account {
            return Err(not_theirs());
        }
        if owner == approver {
            return Err(invalid("whoever it is about pays by `factor`"));
        }
        let (first, second) = if owner < approver {
            (owner, approver)
        } else {
            (approver, owner)
        };
        Ok([self.lock_user(first).await?, self.lock_user(second).await?])
    }
}

/// Judges an approver's code. A wrong one is counted in their row alone, and told; `None` where somebody else was faster, and all
/// is to be read anew.
pub(crate) async fn approved(
    attempt: &Attempt<'_>,
    approver: &Approver,
    what: Approved<'_>,
) -> Result<Option<Approval>, ServiceError> {
    let core = attempt.core;
    let administrators = core.store.administrators(what.account).await?;
    // Before any code is judged, so that nobody else's is.
    let administrators = administrators.filter(|found| may_approve(found, approver, what));
    let Some(administrators) = administrators else {
        return Err(not_theirs());
    };
    if matches!(approver.factor, Factor::Grant(_)) {
        return Err(invalid(
            "it has a code of the approver's device, or a recovery code of theirs",
        ));
    }
    let row = core.row(&approver.owner, attempt.now).await?;
    if Memo::read(&row.memo).is_closing {
        return Err(ServiceError::Forbidden("the approver is being closed".into()));
    }
    if row.devices.is_empty() {
        return Err(ServiceError::NoDevice);
    }
    let Some(spent) = paid_by(attempt, &row, None, &approver.factor, ACTION).await? else {
        return Ok(None);
    };
    let mut detail = json!({"approved": what.action});
    if let Some(user) = what.user {
        detail["of"] = json!(user.id);
    }
    let entry = attempt
        .entry(ACTION, "done")
        .of_user()
        .because(spent.name())
        .detail(detail);
    let event = attempt.event_of(&row, &entry).await?;
    let mut writes = burned(spent);
    writes.push(Write::require(&administrators));
    Ok(Some(Approval {
        by: row.id,
        writes,
        event,
    }))
}

fn may_approve(administrators: &Administrators, approver: &Approver, what: Approved<'_>) -> bool {
    let by = &approver.owner;
    *by.account == *what.account
        && match what.user {
            Some(user) => administrators.may_unbind(&by.user, &user.owner.user),
            None => administrators.looks_after(&by.user),
        }
}

/// The row in which the code was burned, on whose revision the change depends, and the recovery codes where one paid.
pub(crate) fn burned(spent: ConsumedFactor) -> Vec<Write> {
    let recovery = spent.recovery.map(|(expected, next)| Write::put(Some(expected), &next));
    [spent.user.used()].into_iter().chain(recovery).collect()
}

fn not_theirs() -> ServiceError {
    let why = "the approver does not look after this user: the root and the administrators of the account do, and nobody \
               looks after the root";
    ServiceError::Forbidden(why.into())
}

fn invalid(why: &str) -> ServiceError {
    ServiceError::Invalid {
        input: Input::Approver,
        why: why.into(),
    }
}
