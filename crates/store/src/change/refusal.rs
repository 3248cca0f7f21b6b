//! The refusal of changes that are wrong, whatever the engine.

use std::collections::HashSet;

use super::Write;
use crate::{Allowance, Delivery, Document, Key, Noun, Owner, Sealed, TrailReader, User, audit::Event, document};

/// The reason why no engine may do this change; `None` for most.
pub(super) fn fault(writes: &[Write], events: &[Event]) -> Option<&'static str> {
    let indexes = |write: &Write| matches!(write, Write::Index { .. });
    if writes.iter().any(indexes) && !(events.is_empty() && needs_no_event(writes)) {
        return Some("it fills the history's index without its cursor, or does something else");
    }
    if events.is_empty() && !needs_no_event(writes) {
        return Some("it has an effect and no audit event");
    }
    let is_object = |event: &Event| event.payload.starts_with('{') && event.payload.ends_with('}');
    if !events.iter().all(is_object) {
        return Some("an event is no JSON object");
    }
    if !distinct(writes) {
        return Some("it has two writes of one record");
    }
    let reseals = |write: &Write| matches!(write, Write::Reseal { .. });
    if writes.iter().any(reseals) && !writes.iter().all(reseals) {
        // Another write could erase the secret whose place is to be written.
        return Some("it seals a secret anew and does something else");
    }
    if writes.len() > 1 && writes.iter().any(|write| matches!(write, Write::RenameUser { .. })) {
        return Some("it renames a user and does something else");
    }
    if !writes.iter().all(|write| leaves_erased(write, writes)) {
        return Some("it erases a user and writes something of theirs");
    }
    writes.iter().find_map(fault_of)
}

/// A counter's records follow; what a reader makes of the trail has its records there.
fn needs_no_event(writes: &[Write]) -> bool {
    match writes {
        [Write::Put { document, .. }] if document.key.noun == Allowance::NAME => true,
        [Write::Put { document, .. }, Write::Index { .. }] => document.key == TrailReader::key_of(TrailReader::HISTORY),
        _ => !writes.is_empty() && writes.iter().all(is_of_deliveries) && writes.iter().filter(is_cursor).count() <= 1,
    }
}

fn is_cursor(write: &&Write) -> bool {
    matches!(write, Write::Put { document, .. } if document.key.noun == TrailReader::NAME)
}

/// What became of a notice, whose event is in the trail.
fn is_of_deliveries(write: &Write) -> bool {
    match write {
        Write::Put { document, .. } => [Delivery::NAME, TrailReader::NAME].contains(&document.key.noun),
        Write::Delete { key, .. } => key.noun == Delivery::NAME,
        Write::Require { .. }
        | Write::User { .. }
        | Write::RenameUser { .. }
        | Write::EraseUser(_)
        | Write::Reseal { .. }
        | Write::Index { .. } => false,
    }
}

fn fault_of(write: &Write) -> Option<&'static str> {
    let (key, document) = match write {
        Write::Put { document, .. } => (&document.key, Some(document)),
        Write::Delete { key, .. } | Write::Require { key, .. } => (key, None),
        Write::User { next, devices } => return next.fault(*devices),
        Write::RenameUser { from, next } => return fault_of_renaming(from, next),
        Write::EraseUser(user) => {
            let unread = user
                .revision
                .is_none()
                .then_some("a user without a row is to be erased");
            return unread.or_else(|| {
                user.owner
                    .user
                    .is_empty()
                    .then_some("a user without a name is to be erased")
            });
        }
        Write::Reseal { old, new, .. } => return fault_of_reseal(old, new),
        Write::Index { .. } => return None,
    };
    let is_text = |part: &str| !part.contains(char::is_control);
    if !(is_text(&key.account) && is_text(&key.user) && is_text(&key.id)) {
        return Some("a key has control characters");
    }
    let document = document?;
    let expected = match write {
        Write::Put { expected, .. } => *expected,
        _ => None,
    };
    let is_value = |value: &str| value.split(document::SEPARATOR).all(is_text);
    match () {
        () if document.body.is_empty() => Some("a document cannot be written as JSON"),
        () if document.body.contains('\0') => Some("a document's body has a NUL"),
        () if expected.is_some_and(|expected| document.version <= expected) => {
            Some("a document's version does not rise")
        }
        () if document.secrets.iter().any(is_empty) => Some("a document's secret is empty"),
        () if document.summary.is_some() && !may_have_summary(document) => {
            Some("a summary is of no secret, or of an account")
        }
        () if document.summary.iter().any(|text| !is_text(text)) => Some("a summary has control characters"),
        () if !document.lookups.iter().all(|lookup| is_value(&lookup.value)) => Some("a lookup has control characters"),
        () => None,
    }
}

fn may_have_summary(document: &Document) -> bool {
    document.key.account.is_empty() && document.key.user.is_empty() && !document.secrets.is_empty()
}

/// `true` where nothing else is written of a user whom this write erases.
fn leaves_erased(write: &Write, writes: &[Write]) -> bool {
    let Write::EraseUser(user) = write else { return true };
    let (account, name) = (&user.owner.account, &user.owner.user);
    let is_theirs = |key: &Key| key.account == *account && key.user == *name;
    !writes.iter().any(|write| match write {
        Write::Put { document, .. } => is_theirs(&document.key),
        Write::Delete { key, .. } | Write::Require { key, .. } => is_theirs(key),
        Write::User { .. }
        | Write::RenameUser { .. }
        | Write::EraseUser(_)
        | Write::Reseal { .. }
        | Write::Index { .. } => false,
    })
}

/// Engines write key 0 and zeroes over what they erase.
pub(crate) fn is_empty(sealed: &Sealed) -> bool {
    sealed.key_id == 0 || sealed.bytes.is_empty()
}

fn fault_of_renaming(from: &Owner, next: &User) -> Option<&'static str> {
    match () {
        () if next.revision.is_none() => Some("a user without a row is to be renamed"),
        () if *from == next.owner => Some("a user is to be renamed to their own name"),
        () if from.account != next.owner.account => Some("a user is to be renamed into another account"),
        () => next.fault(true),
    }
}

fn fault_of_reseal(old: &Sealed, new: &Sealed) -> Option<&'static str> {
    match () {
        () if is_empty(old) || is_empty(new) => Some("a secret that is sealed anew is empty"),
        () if old.key_id == new.key_id => Some("a secret is to be sealed anew under the key that it is under"),
        // Engines write over it where it lies.
        () if old.bytes.len() != new.bytes.len() => Some("a secret that is sealed anew is not as long as it was"),
        () => None,
    }
}

/// Conditions are checked before anything is written, so each record can be written once, and each unique lookup taken
/// once.
fn distinct(writes: &[Write]) -> bool {
    #[derive(PartialEq, Eq, Hash)]
    enum Record<'a> {
        User(&'a Owner),
        Document(&'a Key),
        Secret(i64),
        Index,
        Unique(&'static str, &'static str, &'a str),
    }
    fn record(write: &Write) -> Record<'_> {
        match write {
            Write::User { next, .. } | Write::RenameUser { next, .. } => Record::User(&next.owner),
            Write::EraseUser(user) => Record::User(&user.owner),
            Write::Put { document, .. } => Record::Document(&document.key),
            Write::Delete { key, .. } | Write::Require { key, .. } => Record::Document(key),
            Write::Reseal { number, .. } => Record::Secret(*number),
            Write::Index { .. } => Record::Index,
        }
    }
    let documents = writes.iter().filter_map(|write| match write {
        Write::Put { document, .. } => Some(document),
        _ => None,
    });
    let unique = documents.flat_map(|document| {
        let unique = document.lookups.iter().filter(|lookup| lookup.unique);
        unique.map(|lookup| Record::Unique(document.key.noun, lookup.name, &lookup.value))
    });
    let mut seen = HashSet::new();
    writes.len() < 2
        || writes
            .iter()
            .map(record)
            .chain(unique)
            .all(|record| seen.insert(record))
}
