//! How the names of users stand in a database, and whether that is what the configuration asks for (A3b).

use serde_json::json;
use store::{Lot, OpenTo, Store, TokenFilter, TokenStatus, UserNames, UserNamesRecord, Write};

use crate::{Ports, ServiceError, upkeep::witness::commit};

/// Lots that are read at once.
const PAGE: u32 = 256;

/// How names are compared: as the database has it, and as a new one gets it. Refuses a wish that the names in it do not stand
/// for, and whatever a command has not finished: before anything is judged.
pub(crate) async fn settled(ports: &Ports, wanted: Option<UserNames>) -> Result<UserNames, ServiceError> {
    let store = &*ports.store;
    let record = store.user_names().await?;
    if record.as_ref().is_some_and(|record| record.renaming) {
        return Err(ServiceError::Untrusted(
            "users are being renamed, and that has not ended: run `countersign user-names set case_insensitive` again"
                .into(),
        ));
    }
    let stands = record.as_ref().map_or(UserNames::default(), |record| record.user_names);
    let Some(wanted) = wanted.filter(|wanted| *wanted != stands) else {
        return Ok(stands);
    };
    if names_anybody(store).await? {
        return Err(differs(stands, wanted));
    }
    let next = UserNamesRecord {
        version: record.as_ref().map_or(1, |record| record.version + 1),
        user_names: wanted,
        renaming: false,
    };
    let write = Write::put(record.map(|record| record.version), &next);
    let detail = json!({"was": stands, "is": wanted, "users": 0});
    commit(ports, "user_names.set", detail, vec![write]).await?;
    Ok(wanted)
}

fn differs(stands: UserNames, wanted: UserNames) -> ServiceError {
    let (stands, wanted) = (stands.name(), wanted.name());
    ServiceError::Untrusted(format!(
        "policy.user_names is {wanted}, and the names of the users in this database are {stands}: set it back, or change \
         them by `countersign user-names set {wanted}`, once this service is stopped"
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
        if lots
            .iter()
            .any(|lot| matches!(&lot.open_to, OpenTo::Users(users) if !users.is_empty()))
        {
            return Ok(true);
        }
        match lots.last() {
            Some(last) => after = Some(last.name.clone()),
            None => return Ok(false),
        }
    }
}
