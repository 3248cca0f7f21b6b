//! Confirmation of an enrollment by the codes of the new device: the moment of binding.

use otp::{Code, Step};
use serde_json::json;
use store::{Bound, Change, Device, Enrollment, EnrollmentState, Id, Lot, Outcome, Owner, Sealed, Token, Write};
use verify::{Cause, UnixMs};
use zeroize::Zeroizing;

use crate::{
    Caller, Core, DeviceView, Hint, Input, Role, Service, ServiceError,
    attempt::Attempt,
    devices::ending::{end_device, without_grants},
    enrollment::state::{becomes, codes_needed, find, started},
    inventory::binding::{available, becomes_bound, becomes_unbound, its_tokens, stays},
    protection::user_limit::counts,
    recovery::recovery_set,
    sealing::{Record, credential_of, secret_of_token},
    trail::event::NewEvent,
    verification::memo::Memo,
};

/// The codes of an enrollment, and what goes with them.
pub struct Confirmation {
    /// The codes as they were typed.
    pub codes: Vec<Zeroizing<String>>,
    /// Asked at login.
    pub login_protection: bool,
    /// Asked before a sensitive operation.
    pub operation_protection: bool,
    /// Whether to issue recovery codes.
    pub recovery_codes: bool,
}
impl Service {
    /// Completes a binding by the code(s) of the new device.
    pub async fn confirm_enrollment(
        &self,
        caller: &Caller,
        owner: &Owner,
        id: Id,
        confirmation: &Confirmation,
    ) -> Result<(DeviceView, Vec<Zeroizing<String>>), ServiceError> {
        caller.may_for(&[Role::Enroll], owner)?;
        let origin = caller.origin();
        let _lock = self.core.lock_user(owner).await?;
        let mut attempts = self.core.attempts(origin);
        loop {
            if let Some(done) = try_confirm(&attempts.next()?, owner, id, confirmation).await? {
                return Ok(done);
            }
        }
    }
}

type BoundNow = (DeviceView, Vec<Zeroizing<String>>);

async fn try_confirm(
    attempt: &Attempt<'_>,
    owner: &Owner,
    id: Id,
    confirmation: &Confirmation,
) -> Result<Option<BoundNow>, ServiceError> {
    let Attempt { core, now, .. } = *attempt;
    let enrollment = find(core, owner, id).await?;
    let (sealed, wrong_codes) = started(&enrollment, now)?;
    let needed = codes_needed(core, enrollment.kind);
    if confirmation.codes.len() != needed {
        let why = format!("this enrollment needs {needed} code(s), in the order they were shown");
        return Err(ServiceError::Invalid {
            input: Input::Codes,
            why,
        });
    }
    let token = match &enrollment.serial_number {
        Some(serial_number) => match available(core, serial_number, owner, now).await? {
            Ok(found) => Some(found),
            // It went to somebody else, or out of reach, since the enrollment began.
            Err(cause) => {
                return abandon(attempt, &enrollment, cause, ServiceError::TokenUnavailable).await;
            }
        },
        None => None,
    };
    let secret = match (&token, sealed) {
        (Some((token, _)), _) => secret_of_token(token, &*core.sealer)?,
        (None, Some(sealed)) => Record::of_enrollment(&enrollment).open(&*core.sealer, sealed)?,
        (None, None) => return Err(ServiceError::Internal("an enrollment without a secret".into())),
    };
    // Of before such secrets were kept out of the inventory.
    if token.is_some() && secret.expose_secret().len() < pskc::MIN_SECRET_LEN_BYTES {
        let told = ServiceError::TokenUnavailable;
        return abandon(attempt, &enrollment, "token_secret_short", told).await;
    }
    let id = core.new_id(now)?;
    let mut device = Device {
        id,
        owner: owner.clone(),
        kind: enrollment.kind,
        serial_number: enrollment.serial_number.clone(),
        label: enrollment.label.clone(),
        parameters: enrollment.parameters,
        sealed: Sealed {
            key_id: 0,
            bytes: Vec::new(),
        },
        bound_at: now,
    };
    device.sealed = Record::of_device(&device).seal(&*core.sealer, &secret)?;
    let credential = verify::Credential::new(secret, enrollment.parameters, enrollment.kind);
    let codes: Option<Vec<Code>> = confirmation.codes.iter().map(|code| Code::parse(code).ok()).collect();
    let policy = &core.settings.policy;
    let counter = token.as_ref().and_then(|(token, _)| token.counter).map(Step::new);
    let confirmed = match (&codes, counter) {
        (Some(codes), Some(next)) => verify::confirm_counter(&credential, codes, next, now, policy),
        (Some(codes), None) => verify::confirm(&credential, codes, now, policy),
        (None, _) => Err(verify::Refusal {
            cause: Cause::Malformed,
            clock_off_s: None,
        }),
    };
    match confirmed {
        Ok(confirmed) => {
            let bound = Bound {
                device,
                state: confirmed.state,
            };
            complete(attempt, &enrollment, bound, token, confirmation).await
        }
        Err(refusal) => {
            let code = codes.as_ref().and_then(|codes| codes.last());
            let hint = match Hint::of(refusal) {
                // Nobody can set a token's clock, and two consecutive codes measure it; nor has it a second entry.
                hint if token.is_some() => hint.filter(|hint| !matches!(hint, Hint::ClockOff { .. })),
                Some(hint) => Some(hint),
                None => other_entry(core, owner, &enrollment, code, now).await?,
            };
            count_wrong(attempt, &enrollment, wrong_codes, refusal.cause, hint).await
        }
    }
}

/// Ends an enrollment whose ground is gone.
async fn abandon(
    attempt: &Attempt<'_>,
    enrollment: &Enrollment,
    cause: &'static str,
    told: ServiceError,
) -> Result<Option<BoundNow>, ServiceError> {
    let Attempt { core, origin, now } = *attempt;
    let entry = NewEvent::new("enrollment.confirm", "refused", origin)
        .of_user()
        .because(cause)
        .detail(json!({"enrollment": enrollment.id, "serial_number": enrollment.serial_number}));
    let event = core
        .event_of(&core.row(&enrollment.owner, now).await?, &entry, now)
        .await?;
    let change = Change::of(event).with([becomes(enrollment, EnrollmentState::abandoned)?]);
    if core.commit(vec![change]).await? != [Outcome::Done] {
        return Ok(None);
    }
    Err(told)
}

/// Whether the code is of an older entry of the same user. A bound device is only asked about codes that it
/// can no longer be entered with, so that this is no way to try codes for free.
async fn other_entry(
    core: &Core,
    owner: &Owner,
    enrollment: &Enrollment,
    code: Option<&Code>,
    now: UnixMs,
) -> Result<Option<Hint>, ServiceError> {
    let Some(code) = code else { return Ok(None) };
    let policy = &core.settings.policy;
    for other in core.store.open_enrollments(owner.clone()).await? {
        if let EnrollmentState::Superseded { sealed } = &other.state
            && other.id != enrollment.id
        {
            let credential = Record::of_enrollment(&other).credential(&*core.sealer, sealed)?;
            if verify::confirm(&credential, std::slice::from_ref(code), now, policy).is_ok() {
                return Ok(Some(Hint::OtherEntry));
            }
        }
    }
    for bound in core.store.bound(owner.clone()).await? {
        let credential = credential_of(&bound.device, &*core.sealer)?;
        let last_step = bound.state.parts().last_step;
        let cause = verify::diagnose(&bound.state, &credential, code, last_step, now, policy);
        if matches!(cause, Cause::Used { .. }) {
            return Ok(Some(Hint::OtherEntry));
        }
    }
    Ok(None)
}

async fn count_wrong(
    attempt: &Attempt<'_>,
    enrollment: &Enrollment,
    wrong_codes: u32,
    cause: Cause,
    hint: Option<Hint>,
) -> Result<Option<BoundNow>, ServiceError> {
    let Attempt { core, origin, now } = *attempt;
    let most = core.settings.enrollment_wrong_codes;
    let attempts_left = most.saturating_sub(wrong_codes + 1);
    let detail = json!({
        "enrollment": enrollment.id,
        "hint": hint.map(Hint::name),
        "attempts_left": attempts_left,
    });
    let entry = NewEvent::new("enrollment.confirm", "refused", origin)
        .of_user()
        .cause(
            cause,
            core.settings
                .policy
                .search_masked_s(enrollment.moving, enrollment.parameters.period),
        )
        .detail(detail);
    let counted = becomes(enrollment, |state| state.wrong_code(most))?;
    let event = core
        .event_of(&core.row(&enrollment.owner, now).await?, &entry, now)
        .await?;
    let change = Change::of(event).with([counted]);
    if core.commit(vec![change]).await? != [Outcome::Done] {
        return Ok(None);
    }
    Err(ServiceError::CodeRefused {
        hint,
        attempts_left: Some(attempts_left),
    })
}

/// The moment of binding: everything at once, or nothing.
async fn complete(
    attempt: &Attempt<'_>,
    enrollment: &Enrollment,
    bound: Bound,
    token: Option<(Token, Lot)>,
    confirmation: &Confirmation,
) -> Result<Option<BoundNow>, ServiceError> {
    let Attempt { core, origin, now } = *attempt;
    let owner = &enrollment.owner;
    let device = bound.device.id;
    let factors = core.factors(owner, now).await?;
    let devices = &factors.user.devices;
    let replaced = enrollment.replaces.and_then(|id| factors.user.device(id));
    if enrollment.replaces.is_some() && replaced.is_none() {
        // The code that began it was of a device that somebody has ended since: it stands for nothing any more.
        let cause = "replaced_device_gone";
        return abandon(attempt, enrollment, cause, ServiceError::EnrollmentEnded).await;
    }
    if devices.len() - usize::from(replaced.is_some()) >= core.settings.devices_max {
        return Err(ServiceError::DeviceLimit);
    }
    let mut user = factors
        .user
        .clone()
        .with_device(bound.device.clone(), bound.state.clone());
    let mut writes = vec![becomes(enrollment, |state| state.confirmed(device))?];
    let (login, operation) = (confirmation.login_protection, confirmation.operation_protection);
    let settings = factors.settings_protected_by_mfa(login, operation, now);
    writes.extend(factors.become_protected(settings));
    let was = counts(&factors.user, factors.protection.as_ref());
    let (counted, _turn) = core.counted(owner, (was, true)).await?;
    writes.extend(counted);
    let serial_number = token.as_ref().map(|(token, _)| token.serial_number.clone());
    if let Some((token, lot)) = token {
        // Whoever closes it meanwhile is obeyed.
        writes.push(stays(lot));
        writes.push(becomes_bound(token, &bound, now)?);
    }
    let scope = json!({
        "login_protection": confirmation.login_protection,
        "operation_protection": confirmation.operation_protection,
    });
    let detail = json!({
        "enrollment": enrollment.id,
        "serial_number": serial_number,
        "replaces": replaced.map(|bound| bound.device.id),
        "scope": scope,
        "recovery_codes": confirmation.recovery_codes,
    });
    let entry = NewEvent::new("enrollment.confirm", "done", origin)
        .of_user()
        .device(device)
        .detail(detail);
    let mut change = Change::of(core.event_of(&factors.user, &entry, now).await?);
    if let Some(replaced) = replaced {
        let (next, tombstone) = end_device(user, replaced, now);
        user = without_grants(next, now);
        writes.push(tombstone);
        writes.push(core.end_trusted_devices(&factors.user).await?);
        let tokens = its_tokens(core, std::slice::from_ref(replaced)).await?;
        writes.extend(
            tokens
                .into_iter()
                .filter_map(|token| becomes_unbound(token, replaced, now)),
        );
        let entry = NewEvent::new("device.unbind", "done", origin)
            .of_user()
            .device(replaced.device.id)
            .because("replaced")
            .detail(json!({"serial_number": replaced.device.serial_number}));
        change = change.and(core.event_of(&factors.user, &entry, now).await?);
    }
    let mut shown = Vec::new();
    if confirmation.recovery_codes {
        let old = core.store.recovery_codes(owner.clone()).await?;
        let (codes, next) = recovery_set::issue(core, owner, old.as_ref(), now)?;
        writes.push(Write::put(old.map(|old| old.version), &next));
        // And what was remembered of the old ones.
        let mut memo = Memo::read(&user.memo);
        memo.forget(None);
        user.memo = memo.write();
        shown = codes;
    }
    writes.push(user.changed());
    let done = core.commit(vec![change.with(writes)]).await? == [Outcome::Done];
    Ok(done.then(|| (DeviceView::of(&bound, now, &core.settings.policy), shown)))
}
