//! Answering a challenge, once, by an external method that the caller performed itself and reports.

use serde_json::json;
use store::{Change, Id, ProvenMethod, ProvenMethods, Role, User, Write};
use verify::UnixMs;

use crate::{
    AnsweredChallenge, Caller, Core, Decision, Input, Service, ServiceError,
    access::caller::Origin,
    attempt::Attempt,
    protection::{register::written, token::PendingChallenge, trust::TrustToken},
    trail::refusal_counter::refuse,
    verification::{
        answered_login::{LoginRecords, Place, trusted},
        memo::Memo,
    },
};

const ACTION: &str = "challenge.answer";
/// The trail's name for a report of an identity that is not the one that was proven.
const OTHER_IDENTITY: &str = "other_identity";
/// The trail's name for a report of a method that is the user's no more.
const NOT_PROVEN: &str = "method_not_proven";

/// What the caller reports of a method that it performed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodReport {
    /// One of the methods that the challenge offered.
    pub method: String,
    /// What it reached the user by: it has to be what was proven for them.
    pub identity: String,
    /// The caller's own name of what it did, for the trail.
    pub reference: String,
    /// When the user passed it.
    pub at: UnixMs,
    /// The user wants their browser to be trusted.
    pub trust_device: bool,
}

impl Service {
    /// Takes the caller's word for a method that the challenge offered. It ends the challenge in the commit of the user's row, as
    /// a code does, and gives the grant, whose `amr` is the method.
    pub async fn report_method(
        &self,
        caller: &Caller,
        id: &str,
        report: &MethodReport,
    ) -> Result<AnsweredChallenge, ServiceError> {
        caller.may(&[Role::Verify])?;
        let core = &*self.core;
        let pending = core.pending_challenge(id, caller.origin().api_key)?;
        let owner = pending.owner();
        caller.may_for(&[Role::Verify], &owner)?;
        is_offered(&pending, report)?;
        let _lock = core.lock_user(&owner).await?;
        let origin = Origin {
            client: pending.client(),
            ..caller.origin().clone()
        };
        let mut attempts = core.attempts(&origin);
        loop {
            let attempt = attempts.next()?;
            check_time(&pending, report.at, attempt.now)?;
            let user = core.row(&owner, attempt.now).await?;
            let mut memo = Memo::read(&user.memo);
            if memo.grants.is_answered(pending.id) {
                return Err(ServiceError::ChallengeEnded);
            }
            if memo.is_closed_to(Some(pending.purpose)) {
                return Err(ServiceError::ChallengeExpired);
            }
            if !memo.grants.has_room(attempt.now) {
                return Err(ServiceError::RateLimited);
            }
            let register = core.register(&owner).await?;
            let proven = match proven(core, &register, report)? {
                Ok(proven) => proven,
                Err((cause, error)) => return refused(&attempt, &pending, report, &user, cause).await.and(Err(error)),
            };
            let decision = core.new_id(attempt.now)?;
            memo.grants.answered(&pending, decision, &report.method, attempt.now);
            let mut events = vec![accepted(&attempt, &pending, report, &user, decision).await?];
            let mut left = LoginRecords::of_one(core, &pending, report.trust_device).await?;
            let mut is_trusted = false;
            if let Some(records) = &mut left {
                records.city_seen(core, &pending, attempt.now)?;
                is_trusted = report.trust_device && trusts(&attempt, &pending, &user, records, decision).await?;
            }
            if is_trusted {
                let entry = trusted(attempt.origin, decision, attempt.now);
                events.push(attempt.event_of(&user, &entry).await?);
            }
            let used = ProvenMethod {
                last_used_at: Some(attempt.now),
                ..proven.clone()
            };
            let memo = memo.write();
            let writes: [Write; 2] = [User { memo, ..user }.used(), written(register.with(used))];
            let left = left.iter().flat_map(LoginRecords::writes);
            let change = Change::of_all(events).map(|change| change.with(writes).with(left));
            let change = change.ok_or_else(|| ServiceError::Internal("a report without its event".into()))?;
            if let Some(decision) = attempt.commit(change, decision).await? {
                return Ok(AnsweredChallenge {
                    decision: Decision::Allow,
                    method: report.method.clone(),
                    locked_until: None,
                    grant: Some(core.signed(&pending.grant(decision, &report.method))?),
                    wrong_since_last_success: None,
                    trusted_device: match is_trusted {
                        true => Some(TrustToken::first(decision).text(&*core.sealer)?),
                        false => None,
                    },
                });
            }
        }
    }
}

/// The browser is trusted from now on, where the settings permit it.
async fn trusts(
    attempt: &Attempt<'_>,
    pending: &PendingChallenge,
    user: &User,
    records: &mut LoginRecords,
    decision: Id,
) -> Result<bool, ServiceError> {
    let core = attempt.core;
    let names_key = core.names_key(user).await?;
    let missing = || ServiceError::Internal("no salt".into());
    let place = Place {
        names_key: names_key.as_ref(),
        salt: core.salts(1)?.next().ok_or_else(missing)?,
        decision,
        now: attempt.now,
    };
    records.trust(core, pending, place)
}

/// The challenge offered the method, and it is one that is reported.
fn is_offered(pending: &PendingChallenge, report: &MethodReport) -> Result<(), ServiceError> {
    let invalid = |input, why| Err(ServiceError::Invalid { input, why });
    if !pending.methods.contains(&report.method) {
        let why = format!("it is none of the challenge's: {}", pending.methods.join(", "));
        return invalid(Input::Method, why);
    }
    if is_judged_here(&report.method) {
        return invalid(
            Input::Report,
            "this method is not reported: its code is judged here".into(),
        );
    }
    Ok(())
}

fn is_judged_here(method: &str) -> bool {
    use crate::protection::decision::{PASSCODE, RECOVERY_CODE, TOTP};
    [TOTP, RECOVERY_CODE, PASSCODE].contains(&method)
}

/// What was passed before it was asked for, or later than now, answers nothing. Callers may tell whole seconds.
fn check_time(pending: &PendingChallenge, at: UnixMs, now: UnixMs) -> Result<(), ServiceError> {
    if now >= pending.expires_at() {
        return Err(ServiceError::ChallengeExpired);
    }
    let asked_at_s = pending.asked_at().get().div_euclid(UnixMs::SECOND);
    let why = match () {
        () if at.get().div_euclid(UnixMs::SECOND) < asked_at_s => "it is before the challenge was asked for",
        () if now.since(at) < -UnixMs::MINUTE => "it is in the future: check the caller's clock",
        () => return Ok(()),
    };
    Err(ServiceError::Invalid {
        input: Input::ReportAt,
        why: why.to_owned(),
    })
}

/// What was proven and the report names; or what the trail and the caller are told.
fn proven<'r>(
    core: &Core,
    register: &'r ProvenMethods,
    report: &MethodReport,
) -> Result<Result<&'r ProvenMethod, (&'static str, ServiceError)>, ServiceError> {
    let proven = register.named(&report.method);
    let Some(proven) = proven.filter(|_| core.settings.may_answer(&report.method)) else {
        let error = ServiceError::MethodNotProven(report.method.clone());
        return Ok(Err((NOT_PROVEN, error)));
    };
    Ok(match core.is_identity(&register.owner, proven, &report.identity)? {
        true => Ok(proven),
        false => Err((OTHER_IDENTITY, ServiceError::OtherIdentity)),
    })
}

async fn accepted(
    attempt: &Attempt<'_>,
    pending: &PendingChallenge,
    report: &MethodReport,
    user: &User,
    decision: Id,
) -> Result<store::audit::Event, ServiceError> {
    let entry = attempt.entry(ACTION, "accepted").of_user().because(&report.method);
    let entry = entry.decision(decision).detail(detail(pending, report));
    attempt.event_of(user, &entry).await
}

/// It is the caller's word and no guess: nothing is counted, ten an hour have a record.
async fn refused(
    attempt: &Attempt<'_>,
    pending: &PendingChallenge,
    report: &MethodReport,
    user: &User,
    cause: &'static str,
) -> Result<(), ServiceError> {
    let entry = attempt.entry(ACTION, "refused").of_user().because(cause);
    let entry = entry.detail(detail(pending, report));
    refuse(attempt, &entry, (ACTION, cause), user).await
}

/// What the trail says of it: never the identity.
fn detail(pending: &PendingChallenge, report: &MethodReport) -> serde_json::Value {
    let mut detail = pending.detail();
    detail["method"] = json!(report.method);
    detail["reference"] = json!(report.reference);
    detail["reported_at"] = json!(report.at.get());
    detail
}
