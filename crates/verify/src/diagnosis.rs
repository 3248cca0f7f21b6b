use otp::{Algorithm, Code, Key, Parameters, Period, Step, Window};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeLess as _};

use crate::{Credential, DeviceState, Moving, Policy, UnixMs};

/// Why a code was refused: for the audit trail and for support, never for the caller of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// It is none of this device's codes anywhere near.
    Wrong,
    /// It was right, and is at or below the last accepted step.
    Used {
        /// Steps before the expected one (after: negative).
        steps_ago: i64,
    },
    /// It belongs to a step outside the window: the device is this many steps ahead (behind: negative).
    ClockOff {
        /// Whole steps from the expected one.
        steps: i64,
    },
    /// The device computes with another algorithm than it was told.
    OtherAlgorithm(Algorithm),
    /// The device renews its code at another period than it was told.
    OtherPeriod(Period),
    /// It has another number of digits than the device shows.
    OtherDigits,
    /// What was typed is no code at all.
    Malformed,
}

impl Cause {
    /// A stable name for the trail.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Used { .. } => "used",
            Self::ClockOff { steps } if steps > 0 => "too_early",
            Self::ClockOff { .. } => "too_late",
            Self::OtherAlgorithm(_) => "other_algorithm",
            Self::OtherPeriod(_) => "other_period",
            Self::OtherDigits => "other_digits",
            Self::Malformed => "malformed",
        }
    }

    /// True if it names a step that may still come, or has to be told by the same words as if it did: whoever typed the
    /// code would learn which one will be right.
    pub fn may_come(self) -> bool {
        match self {
            Self::Wrong => true,
            Self::ClockOff { steps } => steps > 0,
            _ => false,
        }
    }

    /// The number that goes with the name, in whole steps.
    pub fn steps(self) -> Option<i64> {
        match self {
            Self::Used { steps_ago } => Some(-steps_ago),
            Self::ClockOff { steps } => Some(steps),
            _ => None,
        }
    }
}

/// The cause of a refused code, as far as a verification finds it out by itself.
pub(crate) struct Near {
    /// Why it was refused.
    pub(crate) cause: Cause,
    /// A person types it by mistake, and a guesser hits it once in thousands: see [`Guess::mistake`](crate::Guess).
    pub(crate) mistake: bool,
}

/// A short look around the window, the same work for every refused code. A mistake is one digit wrong, or two
/// neighbours swapped, against a code of the window; a code of ten minutes before it, or of the steps after it that a fast
/// clock shows; or the one that was accepted last. A guesser hits one of these some two hundred codes of a million, and of a
/// counter token, whose next ones are told by no time, some four hundred.
///
/// Whoever learned that a code is a mistake would know most digits of one that is still good: it is told to nobody, and
/// shows only in what does not happen.
pub(crate) fn near(state: &DeviceState, credential: &Credential, code: &Code, now: UnixMs, policy: &Policy) -> Near {
    let parameters = credential.parameters();
    let expected = state.expected(parameters, now);
    let window = state.window(parameters, now, policy);
    let (past, ahead) = match state.parts().moving {
        Moving::Time => {
            let past = policy.window_steps + steps_of(PAST_MS, parameters.period);
            (past, policy.window_steps.max(policy.cause_steps))
        }
        Moving::Counter => (policy.cause_steps, policy.counter_look_ahead.max(policy.cause_steps)),
    };
    let mut mistake = Choice::from(0);
    let mut nearest = Nearest::of(expected);
    let seen = Window::spanning(expected, past.max(policy.cause_steps), ahead);
    credential.key().codes(seen, code.digits(), |step, shown| {
        let here = code.ct_eq(shown);
        let is = |public: bool| Choice::from(u8::from(public));
        let distance = step.get().abs_diff(expected.get());
        nearest.visit(step, distance, here & is(distance <= u64::from(policy.cause_steps)));
        mistake |= here;
        if window.contains(step) {
            mistake |= code.is_slip_of(shown);
        }
    });
    let last = state.parts().last_step.unwrap_or(expected);
    mistake |= code.ct_eq(&credential.key().code(last, code.digits()));
    if code.digits() != parameters.digits {
        // It cannot be right: a digit that was left out, or typed twice, is no guess.
        return Near {
            cause: Cause::OtherDigits,
            mistake: true,
        };
    }
    Near {
        cause: nearest
            .step()
            .map_or(Cause::Wrong, |step| located(state, step, expected)),
        mistake: mistake.into(),
    }
}

/// The age up to which a code was typed too late.
const PAST_MS: i64 = 10 * UnixMs::MINUTE;

/// The step nearest the expected one at which a code stands, without a branch on where it does.
struct Nearest {
    step: u64,
    distance: u64,
}

impl Nearest {
    fn of(expected: Step) -> Self {
        Self {
            step: expected.get(),
            distance: u64::MAX,
        }
    }

    fn visit(&mut self, step: Step, distance: u64, here: Choice) {
        let nearer = here & !self.distance.ct_lt(&distance);
        self.step.conditional_assign(&step.get(), nearer);
        self.distance.conditional_assign(&distance, nearer);
    }

    fn step(self) -> Option<Step> {
        (self.distance != u64::MAX).then(|| Step::new(self.step))
    }
}

/// The steps within which a code may be typed late.
pub(crate) fn late_steps(period: Period) -> u32 {
    steps_of(PAST_MS, period)
}

/// Whole steps in this time, within what a verification may cost.
fn steps_of(ms: i64, period: Period) -> u32 {
    const MOST: u32 = 40;
    let steps = ms / (UnixMs::SECOND * i64::from(period.get_s()));
    u32::try_from(steps).unwrap_or(MOST).min(MOST)
}

/// The cause as support may ask for it: the wide search, the other algorithms, the other periods.
///
/// `last` bounds the answer to steps that cannot be accepted any more, where the question could serve as
/// an oracle; `None` looks everywhere.
pub fn diagnose(
    state: &DeviceState,
    credential: &Credential,
    code: &Code,
    last: Option<Step>,
    now: UnixMs,
    policy: &Policy,
) -> Cause {
    let parameters = credential.parameters();
    if code.digits() != parameters.digits {
        return Cause::OtherDigits;
    }
    let allowed = |step: &Step| last.is_none_or(|last| *step <= last);
    let expected = state.expected(parameters, now);
    let wide = match state.parts().moving {
        Moving::Time => Window::around(expected, policy.search_steps),
        Moving::Counter => Window::spanning(expected, policy.search_steps, 0),
    };
    if let Some(step) = credential.key().locate(code, wide, expected).filter(allowed) {
        return located(state, step, expected);
    }
    if last.is_none()
        && state.parts().moving == Moving::Time
        && let Some(cause) = misconfigured(credential, code, now, policy)
    {
        return cause;
    }
    Cause::Wrong
}

/// An app that ignored what the QR code told it: the other algorithms, then the other usual periods.
pub(crate) fn misconfigured(credential: &Credential, code: &Code, now: UnixMs, policy: &Policy) -> Option<Cause> {
    misconfigured_in(credential, code, |parameters| {
        Some(Window::around(now.step(parameters.period), policy.window_steps))
    })
}

/// The same among the steps that `window` gives for these parameters; none are looked at where it gives nothing.
pub(crate) fn misconfigured_in(
    credential: &Credential,
    code: &Code,
    window: impl Fn(Parameters) -> Option<Window>,
) -> Option<Cause> {
    let own = credential.parameters();
    if code.digits() != own.digits {
        return None;
    }
    let shows = |parameters: Parameters| {
        window(parameters).is_some_and(|window| {
            let key = Key::new(credential.secret(), parameters.algorithm);
            key.locate(code, window, window.last()).is_some()
        })
    };
    let algorithm = Algorithm::ALL.into_iter().find(|algorithm| {
        *algorithm != own.algorithm
            && shows(Parameters {
                algorithm: *algorithm,
                ..own
            })
    });
    let period = || {
        [Period::new_s(30), Period::new_s(60)]
            .into_iter()
            .flatten()
            .find(|period| *period != own.period && shows(Parameters { period: *period, ..own }))
    };
    algorithm
        .map(Cause::OtherAlgorithm)
        .or_else(|| period().map(Cause::OtherPeriod))
}

fn located(state: &DeviceState, step: Step, expected: Step) -> Cause {
    match state.parts().last_step {
        Some(last) if step <= last => Cause::Used {
            steps_ago: expected.steps_since(step),
        },
        // A counter's code to come is right whenever it comes, so nothing may ever be told of it.
        _ if state.parts().moving == Moving::Counter => Cause::Wrong,
        _ => Cause::ClockOff {
            steps: step.steps_since(expected),
        },
    }
}
