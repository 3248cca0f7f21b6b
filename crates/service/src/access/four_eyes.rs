//! Four eyes: what one person asks for, and another approves with a code of their own (U2b).

use serde_json::{Value, json};
use store::{Bound, Owner, Person, Write};
use verify::UnixMs;

use crate::{
    Caller, Core, Factor, Input, ServiceError,
    attempt::Attempt,
    devices::factor::{ConsumedFactor, paid_by},
    protection::Approver,
    verification::memo::Memo,
};

/// A key that is bound to a person approves nothing before: whoever it was made behind the back of has that long to see it.
pub(crate) const KEY_WAITS_MS: i64 = UnixMs::DAY;

/// What the trail says in the approver's own history.
pub(crate) const SUPPORT_APPROVE: &str = "support.approve";

/// The person who asks for what another is to approve of. It is no user who asks for themself.
pub(crate) fn asks(caller: &Caller, applicant: &Owner) -> Result<Person, ServiceError> {
    let person = caller.person()?;
    is_no_applicant(&person, applicant)?;
    Ok(person)
}

/// The person who approves of what `first` asked for: with a key that is bound to them, and that has waited; another person
/// than who asked, by key, by its owner, as actor and as user; and not the applicant.
pub(crate) fn approves(
    caller: &Caller,
    first: &Person,
    applicant: &Owner,
    approver: &Approver,
    now: UnixMs,
) -> Result<Person, ServiceError> {
    let second = caller.person()?;
    let refused = |why: &str| Err(ServiceError::Forbidden(why.into()));
    match &second.user {
        None => {
            return refused(
                "an approval takes a key that is bound to a person: the operator makes one by `countersign key create --person`",
            );
        }
        Some(user) if *user != approver.owner => {
            return refused("the approver is the person whom this key is bound to, and nobody else");
        }
        Some(_) => {}
    }
    let made_at = caller.key_made_at().unwrap_or(now);
    if now.since(made_at) < KEY_WAITS_MS {
        return refused("this key approves nothing before it is 24 hours old");
    }
    is_another(first, &second)?;
    is_no_applicant(&second, applicant)?;
    Ok(second)
}

/// Burns the approver's code with what it allows. A wrong one counts for the approver, as a factor of theirs; `None` where
/// somebody else was faster.
pub(crate) async fn approved_by(
    attempt: &Attempt<'_>,
    approver: &Approver,
    action: &'static str,
) -> Result<Option<ConsumedFactor>, ServiceError> {
    if let Factor::Grant(_) = approver.factor {
        return Err(ServiceError::Invalid {
            input: Input::Factor,
            why: "an approval takes a code of the approver's device, or a recovery code of theirs".into(),
        });
    }
    let user = attempt.core.row(&approver.owner, attempt.now).await?;
    let refused = |why: &str| Err(ServiceError::Forbidden(why.into()));
    if Memo::read(&user.memo).is_closing {
        return refused("the approver is being closed");
    }
    if user.devices.is_empty() {
        return Err(ServiceError::NoDevice);
    }
    let waited = |bound: &Bound| attempt.now.since(bound.device.bound_at) >= KEY_WAITS_MS;
    if !user.devices.iter().any(waited) {
        return refused("the approver's device approves nothing before it was bound for 24 hours");
    }
    paid_by(attempt, &user, None, &approver.factor, action).await
}

/// The key that it was asked for with, which is to be alive when it is approved.
pub(crate) async fn living_key(core: &Core, first: &Person) -> Result<Write, ServiceError> {
    let key = core.store.api_key(first.api_key).await?;
    let key = key.filter(|key| key.revoked_at.is_none());
    let key =
        key.ok_or_else(|| ServiceError::Forbidden("the key that asked for it was revoked: withdraw it".into()))?;
    Ok(Write::require(&key))
}

/// Two keys of one owner, two keys that one actor uses, or that are bound to one person, are one pair of eyes.
pub(crate) fn is_another(first: &Person, second: &Person) -> Result<(), ServiceError> {
    let plain = |name: &str| store::normalised(name.trim().to_lowercase());
    let same = |a: &str, b: &str| plain(a) == plain(b);
    let why = if first.api_key == second.api_key {
        "the key that asked for it cannot approve: another person does, with a key of their own"
    } else if same(&first.key_owner, &second.key_owner) {
        "the owner of the key that asked for it answers for this one too: another owner's key approves"
    } else if same(&first.actor, &second.actor)
        || (first.user.is_some() && first.user == second.user)
        || second.user.as_ref().is_some_and(|user| same(&first.actor, &user.user))
    {
        "who asked for it cannot approve: another person does"
    } else {
        return Ok(());
    };
    Err(ServiceError::Forbidden(why.into()))
}

fn is_no_applicant(person: &Person, applicant: &Owner) -> Result<(), ServiceError> {
    match &person.user {
        Some(user) if user == applicant => Err(ServiceError::Forbidden(
            "this key is bound to the very user whom it is for: another person does it".into(),
        )),
        Some(_) | None => Ok(()),
    }
}

/// What the trail says of a person: keys and what stands behind them, never a user's name.
pub(crate) fn shown(person: &Person) -> Value {
    json!({"key": person.api_key, "key_owner": person.key_owner, "actor": person.actor})
}

#[cfg(test)]
mod tests {
    use store::Id;

    use super::*;

    #[test]
    fn a_name_that_is_spelled_otherwise_is_no_other_person() {
        let person = |key: u128, key_owner: &str, actor: &str, user: Option<&str>| Person {
            api_key: Id::from_u128(key),
            key_owner: key_owner.into(),
            actor: actor.into(),
            user: user.map(|user| Owner::new("staff", user)),
        };
        let first = person(1, "Zo\u{e9}", "ren\u{e9}", Some("zoe"));
        assert!(is_another(&first, &person(2, "Ada", "bob", None)).is_ok());
        assert!(is_another(&first, &person(2, " zoe\u{301}", "bob", None)).is_err());
        assert!(is_another(&first, &person(2, "Ada", "RENE\u{301}", None)).is_err());
        assert!(is_another(&first, &person(2, "Ada", "bob", Some("zoe"))).is_err());
        assert!(is_another(&first, &person(2, "Ada", "bob", Some("ada"))).is_ok());
    }
}
