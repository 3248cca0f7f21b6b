use otp::{Code, Match, Step, Window};

use crate::{Cause, Credential, DeviceState, Kind, Policy, UnixMs, diagnosis, judgement};

/// The codes of a new device were right.
#[derive(Debug)]
pub struct Confirmed {
    /// What the device begins as; the step of its last code is burned.
    pub state: DeviceState,
}

/// The codes of a new device were wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why, as far as it can be found out.
    pub cause: Cause,
    /// How far the device's clock seems off, in seconds; for the user to mend.
    pub clock_off_s: Option<i64>,
}

/// Decides the code(s) that complete a binding: one is checked in the window, two must be consecutive.
///
/// Two codes of a token are searched widely and measure its offset; two codes of an app must still
/// stand in the window, for an app's clock is mended on the phone, not with us.
pub fn confirm(credential: &Credential, codes: &[Code], now: UnixMs, policy: &Policy) -> Result<Confirmed, Refusal> {
    let period = credential.parameters().period;
    let present = now.step(period);
    let radius = match credential.kind() {
        Kind::Virtual => policy.window_steps,
        Kind::Hardware => policy.search_steps,
    };
    let fits = codes.iter().all(|code| code.digits() == credential.parameters().digits);
    let found = match codes {
        [code] => match credential
            .key()
            .check(code, Window::around(present, policy.window_steps), None)
        {
            Match::Accepted(accepted) => Some(accepted),
            Match::Used { .. } | Match::None => None,
        },
        [first, second] => credential
            .key()
            .check_pair(first, second, Window::around(present, radius), None),
        _ => None,
    };
    match found.filter(|_| fits) {
        Some(accepted) => {
            let step = accepted.step();
            let offset = match credential.kind() {
                Kind::Virtual => 0,
                Kind::Hardware => judgement::offset(step.steps_since(present)),
            };
            Ok(Confirmed {
                state: DeviceState::bound(accepted, offset, now),
            })
        }
        None => Err(explain(credential, codes, now, policy)),
    }
}

/// The same of a counter token (RFC 4226 section 7.4) whose next code is the one of the counter `next`, as far as its seed file
/// knows: one code is looked for in the look-ahead, two consecutive ones far ahead.
pub fn confirm_counter(
    credential: &Credential,
    codes: &[Code],
    next: Step,
    now: UnixMs,
    policy: &Policy,
) -> Result<Confirmed, Refusal> {
    let refused = |cause| Refusal {
        cause,
        clock_off_s: None,
    };
    let far = Window::spanning(next, 0, policy.counter_search);
    let found = match codes {
        [code] => match credential.key().check(code, policy.look_ahead(next), None) {
            Match::Accepted(accepted) => Some(accepted),
            Match::Used { .. } | Match::None => None,
        },
        [first, second] => credential.key().check_pair(first, second, far, None),
        _ => None,
    };
    if codes.iter().any(|code| code.digits() != credential.parameters().digits) {
        return Err(refused(Cause::OtherDigits));
    }
    let accepted = found.ok_or(refused(Cause::Wrong))?;
    Ok(Confirmed {
        state: DeviceState::bound_counter(accepted, now),
    })
}

fn explain(credential: &Credential, codes: &[Code], now: UnixMs, policy: &Policy) -> Refusal {
    let Some(code) = codes.last() else {
        return Refusal {
            cause: Cause::Wrong,
            clock_off_s: None,
        };
    };
    let parameters = credential.parameters();
    let present = now.step(parameters.period);
    if code.digits() != parameters.digits {
        return Refusal {
            cause: Cause::OtherDigits,
            clock_off_s: None,
        };
    }
    if let Some(cause) = diagnosis::misconfigured(credential, code, now, policy) {
        return Refusal {
            cause,
            clock_off_s: None,
        };
    }
    let wide = Window::around(present, policy.search_steps);
    match credential
        .key()
        .locate(code, wide, present)
        .map(|step| step.steps_since(present))
    {
        Some(steps) if steps.unsigned_abs() > u64::from(policy.window_steps) => Refusal {
            cause: Cause::ClockOff { steps },
            clock_off_s: Some(steps.saturating_mul(i64::from(parameters.period.get_s()))),
        },
        _ => Refusal {
            cause: Cause::Wrong,
            clock_off_s: None,
        },
    }
}
