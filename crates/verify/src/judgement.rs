use otp::{Code, Match, Period, Step, Window};

use crate::{Cause, Credential, DeviceState, Guess, GuessMac, Lock, Moving, Policy, UnixMs, diagnosis};

/// The purpose for which a code is asked; each has a throttle of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Login and operation checks.
    Verification,
    /// Unbinding, replacing, and every other change of factors.
    Unbinding,
    /// Measuring the clock.
    Resync,
    /// A check of identity, which may come before any first factor (a forgotten password): who locks it are outsiders.
    Identity,
}

impl Purpose {
    /// Every road on which codes are judged.
    pub const ALL: [Self; 4] = [Self::Verification, Self::Unbinding, Self::Resync, Self::Identity];

    /// A stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::Unbinding => "unbinding",
            Self::Resync => "resync",
            Self::Identity => "identity",
        }
    }
}

/// The decision about one code.
#[derive(Debug)]
pub enum Verdict {
    /// Right at this step, and burned in the next state, which consumed the comparison's proof.
    Accepted(Step),
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
    /// What the device becomes; equal to the old state when nothing was judged, and when a wrong code was the last one
    /// again: it was judged, and is one guess with the other.
    pub next: DeviceState,
}

impl Judgement {
    fn of(verdict: Verdict, next: DeviceState) -> Self {
        Self { verdict, next }
    }
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
        return Judgement::of(Verdict::Locked(lock), state.clone());
    }
    let Some(code) = code else {
        // It cannot be right, so it is no guess; it locks all the same.
        let guess = Guess {
            mac: None,
            mistake: true,
        };
        return Judgement::of(
            Verdict::Refused(Cause::Malformed),
            state.after_wrong(purpose, &guess, now, policy),
        );
    };
    let expected = state.expected(credential.parameters(), now);
    let window = state.window(credential.parameters(), now, policy);
    match matched(credential, code, window, state) {
        Match::Accepted(accepted) => {
            let step = accepted.step();
            let next = state.after_right(purpose, accepted, now).learned(
                step.steps_since(expected),
                credential.kind(),
                now,
                policy,
            );
            Judgement::of(Verdict::Accepted(step), next)
        }
        Match::Used { .. } | Match::None => {
            let near = diagnosis::near(state, credential, code, now, policy);
            let typed_at = match state.parts().moving {
                Moving::Time => expected,
                // Its next code waits for days; a client repeats itself within seconds.
                Moving::Counter => now.step(Period::THIRTY),
            };
            let guess = Guess {
                mac: Some(GuessMac(credential.key().guess_mac(code, typed_at))),
                mistake: near.mistake,
            };
            Judgement::of(
                Verdict::Refused(near.cause),
                state.after_wrong(purpose, &guess, now, policy),
            )
        }
    }
}

/// The window comparison, when the code has the device's number of digits at all.
fn matched(credential: &Credential, code: &Code, window: Window, state: &DeviceState) -> Match {
    let found = credential.key().check(code, window, state.parts().last_step);
    // Another number of digits is never right, yet costs what a wrong code costs.
    if code.digits() == credential.parameters().digits {
        found
    } else {
        Match::None
    }
}

/// Measures the device's clock by two consecutive codes, searched far around the present, or finds its counter, searched far
/// ahead (RFC 4226 section 7.4); later than anything accepted. Both codes are burned. `proven` is the caller's word that the user's identity was
/// proved anew: only then a suspended verification is judged again, as long as there are lifts left.
pub fn resync(
    state: &DeviceState,
    credential: &Credential,
    codes: [&Code; 2],
    proven: bool,
    now: UnixMs,
    policy: &Policy,
) -> Judgement {
    if let Some(lock) = state.lock(Purpose::Resync, now) {
        return Judgement::of(Verdict::Locked(lock), state.clone());
    }
    let present = now.step(credential.parameters().period);
    let moving = state.parts().moving;
    let window = match moving {
        Moving::Time => Window::around(present, policy.search_steps),
        Moving::Counter => Window::spanning(state.expected(credential.parameters(), now), 0, policy.counter_search),
    };
    let [first, second] = codes;
    let digits = credential.parameters().digits;
    let key = credential.key();
    let found = key.check_pair(first, second, window, state.parts().last_step);
    match found.filter(|_| first.digits() == digits && second.digits() == digits) {
        Some(accepted) => {
            let step = accepted.step();
            let measured = state.after_right(Purpose::Resync, accepted, now).with(|parts| {
                parts.measured_offset_steps = match moving {
                    Moving::Time => offset(step.steps_since(present)),
                    Moving::Counter => 0,
                };
                parts.learned_drift_steps = 0;
                parts.drift_learned_at = None;
                // Two codes in a row prove more than one: what was held against the device for an hour is settled.
                parts.verification = parts.verification.right().into();
            });
            let suspended = proven && measured.suspended(Purpose::Verification);
            let lifted = suspended.then(|| measured.lifted(Purpose::Verification, now)).flatten();
            let next = lifted.unwrap_or(measured);
            Judgement::of(Verdict::Accepted(step), next)
        }
        None => {
            let both = key.guess_mac(first, present) ^ key.guess_mac(second, present).rotate_left(16);
            let guess = Guess {
                mac: Some(GuessMac(both)),
                mistake: false,
            };
            Judgement::of(
                Verdict::Refused(Cause::Wrong),
                state.after_wrong(Purpose::Resync, &guess, now, policy),
            )
        }
    }
}

/// A measured distance as it is kept; the search is far narrower than the type.
pub(crate) fn offset(steps: i64) -> i32 {
    steps.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}
