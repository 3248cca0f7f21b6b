//! The rows of users under their new names, their devices' secrets sealed for these.

use store::{Bound, Change, Owner, User};

use super::{
    PAGE,
    collisions::is_known,
    set::{RenamedUsers, Renaming},
};
use crate::{ServiceError, sealing::Record};

/// Renames every row that stands under another spelling. One that nobody knows more of than that they were asked about gives
/// way to the other.
pub(super) async fn rename_rows(renaming: &Renaming<'_>) -> Result<RenamedUsers, ServiceError> {
    let store = &*renaming.ports.store;
    let mut done = RenamedUsers::default();
    let mut after: Option<Owner> = None;
    loop {
        let page = store.users_after(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(done) };
        after = Some(last.owner.clone());
        let spelled = page
            .into_iter()
            .filter(|user| !renaming.names.is_spelling(&user.owner.user));
        for user in spelled {
            rename(renaming, user, &mut done).await?;
        }
    }
}

async fn rename(renaming: &Renaming<'_>, user: User, done: &mut RenamedUsers) -> Result<(), ServiceError> {
    let store = &*renaming.ports.store;
    let from = user.owner.clone();
    let to = renaming.names.owner(from.account.clone(), from.user.clone());
    if let Some(other) = store.user(to.clone()).await? {
        let (erased, is_left) = match is_known(store, &from).await? {
            true if is_known(store, &to).await? => return Err(ServiceError::Contended),
            true => (other, true),
            false => (user.clone(), false),
        };
        let change = Change::of(renaming.erased(erased.id)?).with([erased.erased()]);
        renaming.commit_all(vec![change]).await?;
        done.forgotten += 1;
        if !is_left {
            return Ok(());
        }
    }
    let event = renaming.event_of(user.id).await?;
    let next = sealed_for(renaming, user, &to)?;
    renaming
        .commit_all(vec![Change::of(event).with([next.renamed(from)])])
        .await?;
    done.renamed += 1;
    Ok(())
}

/// The row of this owner, with secrets that open for nobody else.
fn sealed_for(renaming: &Renaming<'_>, user: User, owner: &Owner) -> Result<User, ServiceError> {
    let sealer = &*renaming.ports.sealer;
    let anew = |Bound { mut device, state }: Bound| {
        let secret = Record::of_device(&device).open(sealer, &device.sealed)?;
        device.owner = owner.clone();
        device.sealed = Record::of_device(&device).seal(sealer, &secret)?;
        Ok(Bound { device, state })
    };
    let devices: Result<Vec<Bound>, ServiceError> = user.devices.into_iter().map(anew).collect();
    Ok(User {
        owner: owner.clone(),
        devices: devices?,
        ..user
    })
}
