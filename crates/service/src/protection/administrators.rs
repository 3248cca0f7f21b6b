//! The root and the administrators of an account (U2b): set once by the key alone, then by the root's own factor.

use serde_json::json;
use store::{Administrators, Change, Owner, Role, Write, audit};

use crate::{
    Caller, Core, Factor, Input, Service, ServiceError,
    attempt::Attempt,
    devices::factor::{ConsumedFactor, paid_by},
    protection::{approval::burned, factors_that_do::FactorsThatDo},
};

/// Administrators that an account may have beside its root.
pub const ADMINISTRATORS_MAX: usize = 100;

const ACTION: &str = "administrators.change";

/// The root and the administrators that an account is to have, all of them.
pub struct NewAdministrators {
    /// The user who holds the account.
    pub root: String,
    /// Those who look after its other users.
    pub administrators: Vec<String>,
    /// A fresh code of the root's, which every change but the first takes.
    pub factor: Option<Factor>,
}

impl Service {
    /// The root and the administrators of this account, once they were named.
    pub async fn administrators(&self, caller: &Caller, account: &str) -> Result<Administrators, ServiceError> {
        let account = Owner::new(account, "").account;
        caller.may_in(&[Role::Admin], &account)?;
        let found = self.core.store.administrators(&account).await?;
        found.ok_or(ServiceError::NotFound("list of administrators"))
    }

    /// Changes the administrators whose version is `expected`, 0 where there are none.
    pub async fn set_administrators(
        &self,
        caller: &Caller,
        account: &str,
        expected: u64,
        wanted: &NewAdministrators,
    ) -> Result<Administrators, ServiceError> {
        let account = Owner::new(account, "").account;
        caller.may_in(&[Role::Admin], &account)?;
        let core = &*self.core;
        let names = check(core, &account, wanted)?;
        // Of this version there is one root, whose factor is judged.
        let read = read(core, &account, expected).await?;
        let root = read.map(|read| Owner::new(&*account, read.root));
        let _lock = match &root {
            Some(root) => Some(core.lock_user(root).await?),
            None => None,
        };
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let old = self::read(core, &account, expected).await?;
            let next = Administrators {
                version: expected + 1,
                ..names.clone()
            };
            if let Some(old) = old.as_ref().filter(|old| is_same(old, &next)) {
                return Ok(old.clone());
            }
            let spent = match &root {
                None => None,
                Some(root) => match by_root(&attempt, root, wanted.factor.as_ref()).await? {
                    None => continue,
                    spent => spent,
                },
            };
            let because = spent.as_ref().map_or("first", |spent| spent.name());
            let events = told(&attempt, because, (old.as_ref(), &next)).await?;
            let change = Change::of_all(events).ok_or_else(|| ServiceError::Internal("nobody is told of".into()))?;
            let change = change.with([Write::put(old.map(|old| old.version), &next)]);
            let change = change.with(spent.into_iter().flat_map(burned));
            if let Some(done) = attempt.commit(change, next).await? {
                return Ok(done);
            }
        }
    }
}

/// Those of this version; none at version 0.
async fn read(core: &Core, account: &str, expected: u64) -> Result<Option<Administrators>, ServiceError> {
    let found = core.store.administrators(account).await?;
    match found.as_ref().map_or(0, |found| found.version) == expected {
        true => Ok(found),
        false => Err(ServiceError::PreconditionFailed),
    }
}

fn is_same(old: &Administrators, next: &Administrators) -> bool {
    (&old.root, &old.administrators) == (&next.root, &next.administrators)
}

/// Names in their one form, the administrators in order and each once.
fn check(core: &Core, account: &str, wanted: &NewAdministrators) -> Result<Administrators, ServiceError> {
    let name = |name: &String| core.user_names.user(&**name).as_ref().to_owned();
    let root = name(&wanted.root);
    let mut administrators: Vec<String> = wanted.administrators.iter().map(name).collect();
    administrators.sort_unstable();
    administrators.dedup();
    let invalid = |input, why: String| Err(ServiceError::Invalid { input, why });
    if administrators.contains(&root) {
        return invalid(Input::Administrators, "the root is named as the root alone".into());
    }
    if administrators.len() > ADMINISTRATORS_MAX {
        return invalid(
            Input::Administrators,
            format!("an account has {ADMINISTRATORS_MAX} at most"),
        );
    }
    Ok(Administrators {
        account: account.to_owned(),
        version: 0,
        root,
        administrators,
    })
}

/// The root's factor: a code. No grant stands for one, for the catalogue has no operation that it could name, nor does
/// anything else where the root has no device: who holds the account is then for support to find out (U2).
async fn by_root(
    attempt: &Attempt<'_>,
    root: &Owner,
    factor: Option<&Factor>,
) -> Result<Option<ConsumedFactor>, ServiceError> {
    let user = attempt.core.row(root, attempt.now).await?;
    if user.devices.is_empty() {
        return Err(ServiceError::NoDevice);
    }
    match factor {
        None => Err(ServiceError::FactorRequired(FactorsThatDo::of(ACTION, true))),
        Some(Factor::Grant(_)) => Err(ServiceError::Invalid {
            input: Input::Factor,
            why: "it is a code of the root's device, or a recovery code of theirs".into(),
        }),
        Some(code) => paid_by(attempt, &user, None, code, ACTION).await,
    }
}

/// An event of each user whose part changes, since names stand in no event.
async fn told(
    attempt: &Attempt<'_>,
    because: &'static str,
    (old, next): (Option<&Administrators>, &Administrators),
) -> Result<Vec<audit::Event>, ServiceError> {
    let part = |all: Option<&Administrators>, name: &str| match all {
        Some(all) if all.root == name => "root",
        Some(all) if all.administrators.iter().any(|one| one == name) => "administrator",
        _ => "none",
    };
    let everybody = old.into_iter().chain([next]);
    let everybody = everybody.flat_map(|all| [&all.root].into_iter().chain(&all.administrators));
    let mut names: Vec<&String> = everybody.collect();
    names.sort_unstable();
    names.dedup();
    let mut events = Vec::new();
    for name in names {
        let (was, is) = (part(old, name), part(Some(next), name));
        if was != is {
            let entry = attempt.entry(ACTION, "done").because(because);
            let entry = entry.detail(json!({"was": was, "is": is}));
            let owner = Owner::new(&*next.account, &**name);
            events.push(attempt.core.event_about(&owner, entry, attempt.now).await?);
        }
    }
    Ok(events)
}
