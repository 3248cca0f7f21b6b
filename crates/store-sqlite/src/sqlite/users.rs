//! Users as they are read: their rows, joined with their newest states from the tail or the table.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::PoisonError,
};

use rusqlite::Connection;
use store::{Id, Owner, User, codec};

use crate::{
    fault::{Fault, Result},
    shared::Shared,
    tables::{user, user_state},
    tail::Kept,
};

/// The user of each owner: what changes by binding first, then the tail, then (in a new transaction) the folded states
/// of those that were not in it: a state that is folded in between is then found in the table, at least as new as when
/// this began.
pub(super) fn users(conn: &mut Connection, shared: &Shared, owners: &[Owner]) -> Result<Vec<Option<User>>> {
    let tx = conn.transaction()?;
    let mut all = user::Users::of(&tx)?;
    let found = owners.iter().map(|owner| all.get(owner)).collect::<Result<Vec<_>>>()?;
    drop(all);
    tx.commit()?;
    let strangers = owners.iter().zip(&found).filter(|(_, found)| found.is_none());
    let strangers = strangers.map(|(owner, _)| nobody(owner)).collect::<Vec<_>>();
    let ids: Vec<Id> = found.iter().flatten().map(|bound| bound.id).collect();
    let mut states = states(conn, shared, &ids, &strangers)?.into_iter();
    let mut users = Vec::with_capacity(owners.len());
    for bound in found {
        users.push(match bound {
            Some(bound) => with_state(conn, shared, bound, states.next().flatten())?,
            None => None,
        });
    }
    Ok(users)
}

/// One page of all users. A page of which everybody was erased meanwhile would look like the last one.
pub(crate) fn page_of_users(
    conn: &mut Connection,
    shared: &Shared,
    after: Option<&Owner>,
    limit: u32,
) -> Result<Vec<User>> {
    let mut after = after.cloned();
    loop {
        let page = user::page(conn, after.as_ref(), limit)?;
        let Some(last) = page.last() else {
            return Ok(Vec::new());
        };
        after = Some(last.owner.clone());
        let ids: Vec<Id> = page.iter().map(|bound| bound.id).collect();
        let mut states = states(conn, shared, &ids, &[])?.into_iter();
        let mut users = Vec::with_capacity(page.len());
        for bound in page {
            users.extend(with_state(conn, shared, bound, states.next().flatten())?);
        }
        if !users.is_empty() {
            return Ok(users);
        }
    }
}

/// The two parts of a user. Whoever bound or unbound a device between their readings makes them read anew.
fn with_state(
    conn: &mut Connection,
    shared: &Shared,
    mut bound: user::Bound,
    mut kept: Option<Kept>,
) -> Result<Option<User>> {
    const TRIES: usize = 8;
    for _ in 0..TRIES {
        let damaged = || Fault::damaged("user_state", bound.id);
        if let Some(kept) = &kept {
            let (states, memo) = codec::decode_user(&kept.state).map_err(|_| damaged())?;
            if let Some(devices) = codec::joined(bound.devices, states) {
                return Ok(Some(User {
                    owner: bound.owner,
                    id: bound.id,
                    names_key: None,
                    revision: Some(kept.revision),
                    devices,
                    memo,
                }));
            }
        }
        let Some(again) = user::Users::of(conn)?.get(&bound.owner)? else {
            return Ok(None);
        };
        kept = states(conn, shared, &[again.id], &[])?.pop().flatten();
        bound = again;
    }
    Err(Fault::damaged("user_state", bound.id))
}

/// The newest states of these users. For each of the strangers as much work is done as for a user.
fn states(conn: &mut Connection, shared: &Shared, ids: &[Id], strangers: &[Id]) -> Result<Vec<Option<Kept>>> {
    if !shared.owner {
        // The tail is the owner's; beside it, the trail says what is in it.
        shared
            .tail
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .catch_up(conn)?;
    }
    let tail = shared.tail.read().unwrap_or_else(PoisonError::into_inner);
    let mut states: Vec<Option<Kept>> = ids.iter().map(|id| tail.get(id).cloned()).collect();
    drop(tail);
    let tx = conn.transaction()?;
    let mut folded = user_state::FoldedStates::of(&tx)?;
    for (id, state) in ids.iter().zip(&mut states) {
        if state.is_none() {
            *state = folded.get(id)?;
        }
    }
    drop(folded);
    for id in strangers {
        user_state::no_state(&tx, id)?;
    }
    tx.commit()?;
    Ok(states)
}

/// An id that this owner might have had.
fn nobody(owner: &Owner) -> Id {
    let half = |seed: u64| {
        let mut hasher = DefaultHasher::new();
        (seed, owner).hash(&mut hasher);
        hasher.finish()
    };
    Id::from_u64_pair(half(0), half(1))
}
