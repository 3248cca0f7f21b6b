//! The records that name users: each names them anew, and secrets in it that are sealed for a user are sealed for the new name.

use serde_json::{Value, json};
use store::{
    Administrators, ApiKey, Change, Closing, Document, Enrollment, Export, Key, List, Lot, Noun, Outcome, Owner,
    PageLink, PageSession, Passcode, Protection, ProvenMethods, RecoveryCodes, Sealed, Session, Token, TrustedDevices,
    UnbindOutcome, UnbindRequest, UserNames, UsualCities, Write,
};

use super::{PAGE, RENAME, set::Renaming};
use crate::{ServiceError, ports::Sealer, protection::register::bound_to, sealing::Record};

/// Folds the names in every record; how many have others now.
pub(super) async fn fold_documents(renaming: &Renaming<'_>) -> Result<u64, ServiceError> {
    let mut records = 0;
    records += fold_all::<Enrollment>(renaming, of_enrollment).await?;
    records += fold_all::<ProvenMethods>(renaming, of_register).await?;
    records += fold_all::<UnbindRequest>(renaming, of_unbind_request).await?;
    records += fold_all::<RecoveryCodes>(renaming, of_recovery_codes).await?;
    records += fold_all::<UsualCities>(renaming, of_cities).await?;
    records += fold_all::<Administrators>(renaming, of_administrators).await?;
    records += fold_all::<Lot>(renaming, nothing_else).await?;
    records += fold_all::<Protection>(renaming, nothing_else).await?;
    records += fold_all::<TrustedDevices>(renaming, nothing_else).await?;
    records += fold_all::<Session>(renaming, nothing_else).await?;
    records += fold_all::<Closing>(renaming, nothing_else).await?;
    records += fold_all::<Passcode>(renaming, nothing_else).await?;
    records += fold_all::<Token>(renaming, nothing_else).await?;
    records += fold_all::<ApiKey>(renaming, nothing_else).await?;
    records += fold_all::<Export>(renaming, nothing_else).await?;
    records += fold_all::<PageLink>(renaming, nothing_else).await?;
    records += fold_all::<PageSession>(renaming, nothing_else).await?;
    Ok(records)
}

/// What is to be done with a record beside folding the owners in it; the first is as it was.
type Rest<N> = fn(&Renaming<'_>, &N, &mut N) -> Result<(), ServiceError>;

async fn fold_all<N: Noun>(renaming: &Renaming<'_>, rest: Rest<N>) -> Result<u64, ServiceError> {
    let mut after: Option<Key> = None;
    let mut records = 0;
    loop {
        let list = List::Every { after };
        let page = renaming.ports.store.documents_in(N::NAME, list, PAGE).await?;
        let Some(last) = page.last() else { return Ok(records) };
        after = Some(last.key.clone());
        for document in page {
            let old: N = Document::read(document)?;
            if let Some(next) = folded(renaming, &old, rest)? {
                replace(renaming, &old, &next).await?;
                records += 1;
            }
        }
    }
}

/// The record's next version; `None` where it names nobody otherwise.
fn folded<N: Noun>(renaming: &Renaming<'_>, old: &N, rest: Rest<N>) -> Result<Option<N>, ServiceError> {
    let internal = |error: serde_json::Error| ServiceError::Internal(error.to_string());
    let was = serde_json::to_value(old).map_err(internal)?;
    let mut value = was.clone();
    fold_owners(&mut value, renaming.names);
    let read = |value: Value| -> Result<N, ServiceError> {
        let mut noun: N = serde_json::from_value(value).map_err(internal)?;
        let sealed: Vec<Sealed> = old.secrets().into_iter().cloned().collect();
        noun.secrets_mut()
            .into_iter()
            .zip(sealed)
            .for_each(|(place, sealed)| *place = sealed);
        Ok(noun)
    };
    let mut next = read(value)?;
    rest(renaming, old, &mut next)?;
    let mut value = serde_json::to_value(&next).map_err(internal)?;
    if value == was {
        return Ok(None);
    }
    let sealed: Vec<Sealed> = next.secrets().into_iter().cloned().collect();
    value["version"] = json!(old.version() + 1);
    let mut next = read(value)?;
    next.secrets_mut()
        .into_iter()
        .zip(sealed)
        .for_each(|(place, sealed)| *place = sealed);
    Ok(Some(next))
}

/// An owner is an object with both names, wherever it stands.
fn fold_owners(value: &mut Value, names: UserNames) {
    match value {
        Value::Object(fields) => {
            if fields.get("account").is_some_and(Value::is_string)
                && let Some(Value::String(user)) = fields.get_mut("user")
            {
                *user = names.user(&**user).as_ref().to_owned();
            }
            fields.values_mut().for_each(|field| fold_owners(field, names));
        }
        Value::Array(all) => all.iter_mut().for_each(|one| fold_owners(one, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

async fn replace<N: Noun>(renaming: &Renaming<'_>, old: &N, next: &N) -> Result<(), ServiceError> {
    let event = || renaming.event(RENAME, json!({"record": N::NAME}));
    let delete = Write::Delete {
        expected: old.version(),
        key: old.key(),
    };
    if old.key() == next.key() {
        let change = Change::of(event()?).with([Write::put(Some(old.version()), next)]);
        return renaming.commit_all(vec![change]).await;
    }
    let change = Change::of(event()?).with([delete.clone(), Write::put(None, next)]);
    match renaming.ports.store.commit(vec![change]).await?[..] {
        [Outcome::Done] => Ok(()),
        // The user has one already under that name; this one is of a spelling without a row, which nobody knows.
        _ => renaming.commit_all(vec![Change::of(event()?).with([delete])]).await,
    }
}

fn nothing_else<N>(_: &Renaming<'_>, _: &N, _: &mut N) -> Result<(), ServiceError> {
    Ok(())
}

fn of_enrollment(renaming: &Renaming<'_>, old: &Enrollment, next: &mut Enrollment) -> Result<(), ServiceError> {
    let sealer = &*renaming.ports.sealer;
    let Some(sealed) = old.state.sealed().filter(|_| old.owner != next.owner) else {
        return Ok(());
    };
    let secret = Record::of_enrollment(old).open(sealer, sealed)?;
    let anew = Record::of_enrollment(next).seal(sealer, &secret)?;
    next.secrets_mut().into_iter().for_each(|place| *place = anew.clone());
    Ok(())
}

/// An identity that is sealed for a user's method, sealed for their new name.
fn identity(
    sealer: &dyn Sealer,
    (from, to): (&Owner, &Owner),
    method: &str,
    sealed: &mut Sealed,
) -> Result<(), ServiceError> {
    if from != to {
        let secret = sealer.open(&bound_to(from, method), sealed)?;
        *sealed = sealer.seal(&bound_to(to, method), &secret)?;
    }
    Ok(())
}

fn of_register(renaming: &Renaming<'_>, old: &ProvenMethods, next: &mut ProvenMethods) -> Result<(), ServiceError> {
    let owners = (&old.owner, &next.owner.clone());
    let mut all = next.methods.iter_mut();
    all.try_for_each(|method| identity(&*renaming.ports.sealer, owners, &method.name, &mut method.identity))
}

fn of_unbind_request(
    renaming: &Renaming<'_>,
    old: &UnbindRequest,
    next: &mut UnbindRequest,
) -> Result<(), ServiceError> {
    let owners = (&old.owner, &next.owner.clone());
    match &mut next.outcome {
        UnbindOutcome::SwitchTo {
            method,
            identity: sealed,
        } => identity(&*renaming.ports.sealer, owners, method, sealed),
        UnbindOutcome::Unbind => Ok(()),
    }
}

/// Codes are kept as hashes alone, which name their user: the name of before is kept with them.
fn of_recovery_codes(_: &Renaming<'_>, old: &RecoveryCodes, next: &mut RecoveryCodes) -> Result<(), ServiceError> {
    if old.owner != next.owner && old.hashed_for.is_none() {
        next.hashed_for = Some(old.owner.user.as_ref().to_owned());
    }
    Ok(())
}

/// Cities are kept as hashes alone, too, and are as soon usual again.
fn of_cities(_: &Renaming<'_>, old: &UsualCities, next: &mut UsualCities) -> Result<(), ServiceError> {
    if old.owner != next.owner {
        next.cities.clear();
    }
    Ok(())
}

/// Names without their account beside them.
fn of_administrators(
    renaming: &Renaming<'_>,
    _: &Administrators,
    next: &mut Administrators,
) -> Result<(), ServiceError> {
    let names = [&mut next.root].into_iter().chain(&mut next.administrators);
    names.for_each(|name| *name = renaming.names.user(&**name).as_ref().to_owned());
    next.administrators.sort_unstable();
    next.administrators.dedup();
    next.administrators.retain(|name| *name != next.root);
    Ok(())
}
