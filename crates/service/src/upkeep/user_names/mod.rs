//! How the names of users stand in a database, and whether that is what the configuration asks for (A3b).

mod collisions;
mod documents;
mod rows;
mod set;

use serde_json::json;
use store::{Lot, OpenTo, Store, TokenFilter, TokenStatus, UserNames, UserNamesRecord, Write};

use crate::{Ports, ServiceError, upkeep::witness::commit};

pub use collisions::NameCollision;
pub use set::{RenamedUsers, UserNamesSet, set_user_names};

/// The action of the trail by which names stand otherwise.
const SET: &str = "user_names.set";
/// The action by which a record names its user otherwise.
const RENAME: &str = "user_names.rename";
/// Records that are read at once.
const PAGE: u32 = 256;

/// How names are compared: as the database has it, and as a new one gets it. Refuses a wish that the names in it do not stand
/// for, and whatever a command has not finished: before anything is judged.
pub(crate) async fn settled(ports: &Ports, wanted: Option<UserNames>) -> Result<UserNames, ServiceError> {
    let store = &*ports.store;
    let record = store.user_names().await?;
    if record.as_ref().is_some_and(|record| record.renaming) {
        return Err(unfinished());
    }
    let stands = record.as_ref().map_or(UserNames::default(), |record| record.user_names);
    let Some(wanted) = wanted.filter(|wanted| *wanted != stands) else {
        return Ok(stands);
    };
    if names_anybody(store).await? {
        return Err(differs(stands, wanted));
    }
    let write = becomes(record.as_ref(), wanted, false);
    let detail = json!({"was": stands, "is": wanted, "renamed": 0});
    commit(ports, SET, detail, vec![write]).await?;
    Ok(wanted)
}

/// The record's next version.
fn becomes(read: Option<&UserNamesRecord>, user_names: UserNames, renaming: bool) -> Write {
    let expected = read.map(|read| read.version);
    let version = expected.map_or(1, |version| version + 1);
    let next = UserNamesRecord {
        version,
        user_names,
        renaming,
    };
    Write::put(expected, &next)
}

fn unfinished() -> ServiceError {
    ServiceError::Untrusted(
        "users are being renamed, and that has not ended: run `countersign user-names set case_insensitive` again"
            .into(),
    )
}

fn differs(stands: UserNames, wanted: UserNames) -> ServiceError {
    let (stands, wanted) = (stands.name(), wanted.name());
    ServiceError::Untrusted(format!(
        "policy.user_names is {wanted}, and the names of the users in this database are {stands}: set it back, or change \
         them by `countersign user-names set {wanted}` (with the same --data-dir or --config) while no service runs"
    ))
}

/// Whether there is a user, or anything that is meant for one.
async fn names_anybody(store: &dyn Store) -> Result<bool, ServiceError> {
    if !store.users_after(None, 1).await?.is_empty() {
        return Ok(true);
    }
    let assigned = TokenFilter {
        status: Some(TokenStatus::Assigned),
        lot: None,
    };
    if !store.tokens(assigned, None, 1).await?.is_empty() {
        return Ok(true);
    }
    let mut after = None;
    loop {
        let lots: Vec<Lot> = store.lots(after, PAGE).await?;
        let names_users = |lot: &Lot| matches!(&lot.open_to, OpenTo::Users(users) if !users.is_empty());
        if lots.iter().any(names_users) {
            return Ok(true);
        }
        match lots.last() {
            Some(last) => after = Some(last.name.clone()),
            None => return Ok(false),
        }
    }
}
