//! Users who would have one name: found before anything is changed, in bounded memory.

use std::collections::HashMap;

use store::{Closing, Noun as _, Owner, Protection, ProvenMethods, Store, User, UserNames};

use super::PAGE;
use crate::ServiceError;

/// Two users of one account who would have one name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NameCollision {
    /// Their account.
    pub account: String,
    /// The name that both would have.
    pub name: String,
    /// As the two are called.
    pub users: [String; 2],
}

/// Names that are held in memory at once; of more the rows are looked through again.
const HELD_MAX: usize = 100_000;
/// Collisions that are named.
const NAMED_MAX: usize = 1_000;

#[derive(Default)]
struct Found {
    count: u64,
    named: Vec<NameCollision>,
}

impl Found {
    fn add(&mut self, folded: &Owner, one: &Owner, other: &Owner) {
        self.count += 1;
        if self.named.len() < NAMED_MAX {
            let name = |owner: &Owner| owner.user.as_ref().to_owned();
            self.named.push(NameCollision {
                account: folded.account.as_ref().to_owned(),
                name: name(folded),
                users: [name(one), name(other)],
            });
        }
    }
}

/// How many pairs collide, and the first of them.
pub(super) async fn collisions(store: &dyn Store, names: UserNames) -> Result<(u64, Vec<NameCollision>), ServiceError> {
    let mut found = Found::default();
    let mut from: Option<Owner> = None;
    loop {
        // Some of those who get another name; then all later ones are held against them.
        let mut held: HashMap<Owner, Owner> = HashMap::new();
        let mut after = from.clone();
        let mut full_at = None;
        loop {
            let page = store.users_after(after.clone(), PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.owner.clone());
            for user in known_among(store, names, page).await? {
                let folded = names.owner(user.account.clone(), user.user.clone());
                if full_at.is_none() && is_known(store, &folded).await? {
                    found.add(&folded, &user, &folded);
                }
                match held.get(&folded) {
                    Some(one) => found.add(&folded, one, &user),
                    None if full_at.is_none() => {
                        held.insert(folded, user.clone());
                        full_at = (held.len() >= HELD_MAX).then_some(user);
                    }
                    None => {}
                }
            }
        }
        match full_at {
            Some(last) => from = Some(last),
            None => return Ok((found.count, found.named)),
        }
    }
}

/// Those of these rows who get another name, and of whom more is known than questions.
async fn known_among(store: &dyn Store, names: UserNames, page: Vec<User>) -> Result<Vec<Owner>, ServiceError> {
    let mut known = Vec::new();
    for user in page.into_iter().filter(|user| !names.is_spelling(&user.owner.user)) {
        if !user.devices.is_empty() || has_settings(store, &user.owner).await? {
            known.push(user.owner);
        }
    }
    Ok(known)
}

/// Whether anything was ever bound, set or proven for this user.
pub(super) async fn is_known(store: &dyn Store, owner: &Owner) -> Result<bool, ServiceError> {
    let has_device = store
        .user(owner.clone())
        .await?
        .is_some_and(|user| !user.devices.is_empty());
    Ok(has_device || has_settings(store, owner).await?)
}

async fn has_settings(store: &dyn Store, owner: &Owner) -> Result<bool, ServiceError> {
    let keys = vec![
        Protection::none(owner.clone()).key(),
        ProvenMethods::none(owner.clone()).key(),
        Closing::key_of(owner),
    ];
    Ok(store.documents(keys).await?.iter().any(Option::is_some))
}
