//! Setting how the names of users stand in a database, where users are: all of them are renamed.

use serde_json::json;
use store::{Change, Outcome, UserNames, audit};

use super::{
    SET, becomes,
    collisions::{NameCollision, collisions},
    documents::fold_documents,
    rows::rename_rows,
    unfinished,
};
use crate::{
    Caller, Ports, ServiceError,
    access::caller::Origin,
    trail::{event::NewEvent, names::NamesKey},
};

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserNamesSet {
    /// They stand so now.
    Done(RenamedUsers),
    /// Nothing was changed: of one account two users have a device or a setting, and would have one name. So many, and the
    /// first of them.
    Collides(u64, Vec<NameCollision>),
}

/// How many were renamed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RenamedUsers {
    /// Users who have another name now.
    pub renamed: u64,
    /// Other spellings of a user, of whom nothing but questions was known: they are erased.
    pub forgotten: u64,
    /// Other records that name a user, and name them otherwise now.
    pub records: u64,
}

/// A renaming under way.
pub(super) struct Renaming<'a> {
    pub(super) ports: &'a Ports,
    pub(super) origin: &'a Origin,
    pub(super) names: UserNames,
}

/// Sets how names are compared in the database that these ports have alone. From then on that is what a service starts with;
/// while it is under way none does. Whoever is interrupted asks again, and it goes on.
///
/// Folding renames; names stay folded when they are compared exactly again.
pub async fn set_user_names(caller: &Caller, ports: &Ports, wanted: UserNames) -> Result<UserNamesSet, ServiceError> {
    caller.is_of_the_house()?;
    let store = &*ports.store;
    let renaming = Renaming {
        ports,
        origin: caller.origin(),
        names: wanted,
    };
    let mut record = store.user_names().await?;
    let is_renaming = record.as_ref().is_some_and(|record| record.renaming);
    let stands = record.as_ref().map_or(UserNames::default(), |record| record.user_names);
    match wanted {
        UserNames::Exact if is_renaming => return Err(unfinished()),
        _ if stands == wanted && !is_renaming => return Ok(UserNamesSet::Done(RenamedUsers::default())),
        UserNames::Exact => {
            let event = renaming.event(SET, json!({"was": stands, "is": wanted, "renamed": 0}))?;
            let change = Change::of(event).with([becomes(record.as_ref(), wanted, false)]);
            renaming.commit_all(vec![change]).await?;
            return Ok(UserNamesSet::Done(RenamedUsers::default()));
        }
        UserNames::CaseInsensitive => {}
    }
    let (count, found) = collisions(store, wanted).await?;
    if count > 0 {
        return Ok(UserNamesSet::Collides(count, found));
    }
    if !is_renaming {
        let event = renaming.event(SET, json!({"was": stands, "is": wanted, "renaming": true}))?;
        let change = Change::of(event).with([becomes(record.as_ref(), wanted, true)]);
        renaming.commit_all(vec![change]).await?;
        record = store.user_names().await?;
    }
    let mut done = rename_rows(&renaming).await?;
    done.records = fold_documents(&renaming).await?;
    let detail = json!({
        "is": wanted, "renamed": done.renamed, "forgotten": done.forgotten, "records": done.records,
    });
    let change = Change::of(renaming.event(SET, detail)?).with([becomes(record.as_ref(), wanted, false)]);
    renaming.commit_all(vec![change]).await?;
    Ok(UserNamesSet::Done(done))
}

impl Renaming<'_> {
    fn salt(&self) -> Result<[u8; 16], ServiceError> {
        let mut salt = [0; 16];
        self.ports.entropy.fill(&mut salt)?;
        Ok(salt)
    }

    /// An event of no user.
    pub(super) fn event(&self, action: &'static str, detail: serde_json::Value) -> Result<audit::Event, ServiceError> {
        let entry = NewEvent::new(action, "done", self.origin).detail(detail);
        entry.salted(self.ports.clock.now(), self.salt()?)
    }

    /// That this row was renamed.
    pub(super) async fn event_of(&self, user: store::Id) -> Result<audit::Event, ServiceError> {
        let ports = self.ports;
        let entry = NewEvent::new("user.rename", "done", self.origin).of_user();
        let named = match entry.has_names() {
            true => ports.store.named(vec![user]).await?.pop().flatten(),
            false => None,
        };
        let key = named.and_then(|named| NamesKey::opened(&*ports.sealer, user, &named.names_key));
        entry.sealed(ports.clock.now(), self.salt()?, user, key.as_ref(), &*ports.sealer)
    }

    /// That this row was erased.
    pub(super) fn erased(&self, user: store::Id) -> Result<audit::Event, ServiceError> {
        let entry = NewEvent::new("user.erase", "done", self.origin).erased(user);
        entry
            .detail(json!({"was": "spelling"}))
            .salted(self.ports.clock.now(), self.salt()?)
    }

    /// Commits them all, or says that somebody else was faster.
    pub(super) async fn commit_all(&self, changes: Vec<Change>) -> Result<(), ServiceError> {
        let outcomes = self.ports.store.commit(changes).await?;
        match outcomes.iter().all(|outcome| *outcome == Outcome::Done) {
            true => Ok(()),
            false => Err(ServiceError::Contended),
        }
    }
}
