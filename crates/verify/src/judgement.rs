use otp::{Accepted, Code, Match, Window};

use crate::{Budget, Cause, Credential, DeviceState, Lock, Policy, Standing, UnixMs, diagnosis};

/// What a code is asked for; each has a budget of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Login and operation checks.
    Verification,
    /// Unbinding, replacing, and every other change of factors.
    Unbinding,
    /// Measuring the clock.
    Resync,
}

/// The decision about one code.
#[derive(Debug)]
pub enum Verdict {
    /// Right, and now burned: `Accepted` cannot be made by anybody but the core's comparison.
    Accepted(Accepted),
    /// Not accepted; the cause is for the audit trail and support, never for the caller.
    Refused(Cause),
    /// Not even judged.
    Locked(Lock),
}

/// A verdict, and the state that must be durable before it is told.
#[derive(Debug)]
pub struct Judgement {
    /// What was decided.
    pub verdict: Verdict,
    /// What the device becomes; equal to the old state when nothing was judged.
    pub next: DeviceState,
}

/// Decides one code at `now`.
///
/// Work does not depend on where or whether the code matches within the window; a refused code costs
/// a little more, the same for every refusal. No code (`None`) stands for what was typed and cannot be one:
/// it is wrong, and counts.
pub fn judge(
    state: &DeviceState,
    credential: &Credential,
    code: Option<&Code>,
    purpose: Purpose,
    now: UnixMs,
    policy: &Policy,
) -> Judgement {
    if let Some(lock) = state.lock(purpose, now) {
        return Judgement {
            verdict: Verdict::Locked(lock),
            next: *state,
        };
    }
    let Some(code) = code else {
        return Judgement {
            verdict: Verdict::Refused(Cause::Malformed),
            next: state.after_wrong(purpose, now, policy),
        };
    };
    let expected = state.expected(credential.parameters(), now);
    let window = Window::around(expected, policy.window_steps);
    match matched(credential, code, window, state) {
        Match::Accepted(accepted) => {
            let step = accepted.step();
            let next = state.after_right(purpose, step, now).learned(
                step.steps_since(expected),
                credential.kind(),
                now,
                policy,
            );
            Judgement {
                verdict: Verdict::Accepted(accepted),
                next,
            }
        }
        Match::Used { .. } | Match::None => {
            let cause = diagnosis::near(state, credential, code, now, policy);
            Judgement {
                verdict: Verdict::Refused(cause),
                next: state.after_wrong(purpose, now, policy),
            }
        }
    }
}

/// The window comparison, when the code has the device's number of digits at all.
fn matched(credential: &Credential, code: &Code, window: Window, state: &DeviceState) -> Match {
    let found = credential.key().check(code, window, state.last_step);
    // Another number of digits is never right, yet costs what a wrong code costs.
    if code.digits() == credential.parameters().digits {
        found
    } else {
        Match::None
    }
}

/// Measures the device's clock by two consecutive codes, searched far around the present, later than
/// anything accepted. Both codes are burned. `proven` is the caller's word that the user's identity was
/// proved anew: only then a suspended device is judged, and bound again.
pub fn resync(
    state: &DeviceState,
    credential: &Credential,
    codes: [&Code; 2],
    proven: bool,
    now: UnixMs,
    policy: &Policy,
) -> Judgement {
    let suspended = state.standing == Standing::Suspended && proven;
    let lock = match state.lock(Purpose::Resync, now) {
        Some(Lock::Suspended) if suspended => state.resync.lock(now).map(Lock::Until),
        other => other,
    };
    if let Some(lock) = lock {
        return Judgement {
            verdict: Verdict::Locked(lock),
            next: *state,
        };
    }
    let present = now.step(credential.parameters().period);
    let window = Window::around(present, policy.search_steps);
    let [first, second] = codes;
    let digits = credential.parameters().digits;
    let found = credential.key().check_pair(first, second, window, state.last_step);
    match found.filter(|_| first.digits() == digits && second.digits() == digits) {
        Some(accepted) => {
            let step = accepted.step();
            let next = DeviceState {
                standing: Standing::Bound,
                offset_steps: offset(step.steps_since(present)),
                drift_steps: 0,
                drift_learned_at: None,
                // Two codes in a row prove more than one: what was held against the device is settled.
                verification: Budget::default(),
                // The count that suspended it may be this one: bound again means bound again.
                unbinding: if suspended { Budget::default() } else { state.unbinding },
                ..state.after_right(Purpose::Resync, step, now)
            };
            Judgement {
                verdict: Verdict::Accepted(accepted),
                next,
            }
        }
        None => Judgement {
            verdict: Verdict::Refused(Cause::Wrong),
            next: state.after_wrong(Purpose::Resync, now, policy),
        },
    }
}

/// A measured distance as it is kept; the search is far narrower than the type.
pub(crate) fn offset(steps: i64) -> i32 {
    steps.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}
