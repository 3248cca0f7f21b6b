//! How an unbind request stands: what time has done to it, what it waits for, and what the trail is told of it.

use serde_json::{Value, json};
use store::{Evidence, Id, Person, UnbindOutcome, UnbindRequest, UnbindState, User, audit};
use verify::UnixMs;

use crate::{
    Caller, Core, Role, ServiceError, access::four_eyes::shown, attempt::Attempt, support::housekeeping::moves_on,
    verification::memo::Memo,
};

/// How long the applicant's token lives, from when the request is in force.
pub(crate) const TOKEN_MS: i64 = UnixMs::DAY;
/// How long a request is kept that ended before support had vouched for it.
const KEPT_MS: i64 = 30 * UnixMs::DAY;

/// The request as it stands: what time has done to it, and a right code of the device.
pub(crate) fn standing(request: UnbindRequest, user: Option<&User>, now: UnixMs) -> UnbindRequest {
    // One that was opened while the clock was ahead would be open until then.
    let is_of_the_future = now.since(request.requested_at) < -UnixMs::MINUTE;
    let marked = user.and_then(|user| Memo::read(&user.memo).support.unbinding());
    // What the user applied for is withdrawn by a right code from then on, what support opened from its approval.
    let is_marked = request.application.is_some() || request.state.approval().is_some();
    let state = match &request.state {
        state if !state.is_open() => return request,
        _ if is_of_the_future => UnbindState::Expired,
        UnbindState::Applied | UnbindState::Requested if request.due_at <= now => UnbindState::Expired,
        _ if is_marked && marked != Some(request.id) => UnbindState::Withdrawn,
        UnbindState::Approved(approval) | UnbindState::InForce(approval) => match now.since(approval.in_force_at) {
            TOKEN_MS.. => UnbindState::Expired,
            0.. => UnbindState::InForce(approval.clone()),
            _ => return request,
        },
        _ => return request,
    };
    UnbindRequest { state, ..request }
}

/// The request in the state that it ends in. One that nobody vouched for is kept for a while, and no longer: anybody who has a
/// session of the user's can make more of them.
pub(crate) fn ended(request: UnbindRequest, state: UnbindState, now: UnixMs) -> UnbindRequest {
    let ended = request.become_state(state);
    match ended.was_never_vouched_for() {
        true => UnbindRequest {
            due_at: now.plus(KEPT_MS),
            ..ended
        },
        false => ended,
    }
}

/// Refuses where the user has an open request; one that is over, and was not written yet, is written first.
pub(super) async fn is_the_only_one(core: &Core, user: &User, now: UnixMs) -> Result<(), ServiceError> {
    let Some(open) = core.store.open_unbind_request(&user.owner).await? else {
        return Ok(());
    };
    let standing = standing(open.clone(), Some(user), now);
    if standing.state.is_open() {
        return Err(ServiceError::RequestState {
            state: standing.state.name(),
            why: format!("the user has this open one, {}: withdraw it first", standing.id),
        });
    }
    moves_on(core, open).await.map(drop)
}

/// A request of a user whom the caller reaches; others' are not there.
pub(super) async fn find(core: &Core, caller: &Caller, role: Role, id: Id) -> Result<UnbindRequest, ServiceError> {
    let found = core.store.unbind_request(id).await?;
    let found = found.filter(|found| caller.may_for(&[role], &found.owner).is_ok());
    found.ok_or(ServiceError::NotFound("unbind request"))
}

/// The refusal of what does not follow on this state.
pub(crate) fn not_now(request: &UnbindRequest) -> ServiceError {
    let why = match &request.state {
        UnbindState::Applied => "support looks at it, and opens it, first".into(),
        UnbindState::Requested => "another person approves first".into(),
        UnbindState::Approved(approval) => {
            let seconds = approval.in_force_at.get().div_euclid(UnixMs::SECOND);
            format!("it cools down until {seconds} (seconds since 1970): `in_force_at` says it")
        }
        UnbindState::InForce(_) => "the applicant finishes it by their token".into(),
        _ => "open a new one".into(),
    };
    ServiceError::RequestState {
        state: request.state.name(),
        why,
    }
}

/// An event of the request's user: what the notice says, and no reference, which is support's own.
pub(crate) async fn told(
    attempt: &Attempt<'_>,
    user: &User,
    (action, outcome): (&'static str, &'static str),
    request: &UnbindRequest,
    more: Value,
) -> Result<audit::Event, ServiceError> {
    let approval = request.state.approval();
    let evidence = |piece: &Evidence| json!({"kind": piece.kind, "checked_by": piece.checked_by});
    let person: fn(&Person) -> Value = shown;
    let seen = match (&request.state, &request.application) {
        (UnbindState::Applied, Some(application)) => &application.evidence,
        _ => &request.evidence,
    };
    let mut detail = json!({
        "unbind_request": request.id,
        "device": request.device,
        "switch_to": match &request.outcome {
            UnbindOutcome::SwitchTo { method, .. } => Some(method),
            UnbindOutcome::Unbind => None,
        },
        "evidence": seen.iter().map(evidence).collect::<Vec<_>>(),
        "opened_by": request.requested_by.as_ref().map(person),
        "approved_by": approval.map(|approval| person(&approval.by)),
        "in_force_at_ms": approval.map(|approval| approval.in_force_at.get()),
    });
    if let (Value::Object(detail), Value::Object(more)) = (&mut detail, more) {
        detail.extend(more);
    }
    let entry = attempt.entry(action, outcome).of_user().detail(detail);
    let entry = match request.device {
        Some(device) => entry.device(device),
        None => entry,
    };
    attempt.event_of(user, &entry).await
}
