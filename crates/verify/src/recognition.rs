//! Recognition of a device by its codes: support asks whose token this is.

use otp::{Check, CheckKey, Code, Match, Parameters, Secret, Step, Window, check_all};

use crate::{Credential, DeviceState, Moving, Policy, UnixMs};

/// A token that is bound to nobody: there is no state to burn a code in, and nothing is ever accepted from it.
pub struct UnboundToken<'a> {
    /// The secret that it shares with whoever will bind it.
    pub secret: &'a Secret,
    /// Algorithm, digits and period.
    pub parameters: Parameters,
    /// What its next code is of.
    pub next: NextCode,
}

/// What the next code of an unbound token is of, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextCode {
    /// The time, by a clock that is so many steps ahead (behind: negative).
    Time {
        /// As the seed file said.
        measured_offset_steps: i32,
    },
    /// This counter.
    Counter(Step),
}

/// For each of these tokens, true if it shows this code now.
pub fn shown_by<'a>(tokens: &[UnboundToken<'a>], code: &'a Code, now: UnixMs, policy: &Policy) -> Vec<bool> {
    let window = |token: &UnboundToken<'_>| match token.next {
        NextCode::Time { measured_offset_steps } => {
            let expected = now
                .step(token.parameters.period)
                .offset(i64::from(measured_offset_steps));
            Window::around(expected, policy.window_steps)
        }
        NextCode::Counter(next) => policy.look_ahead(next),
    };
    let check = |token: &UnboundToken<'a>| Check {
        key: CheckKey::Secret(token.secret, token.parameters.algorithm),
        code,
        window: window(token),
        last: None,
    };
    let checks: Vec<_> = tokens.iter().map(check).collect();
    let mut matches: Vec<_> = tokens.iter().map(|_| Match::None).collect();
    check_all(&checks, &mut matches);
    let fits = |token: &UnboundToken<'_>| token.parameters.digits == code.digits();
    let found = matches.iter().zip(tokens);
    found
        .map(|(found, token)| matches!(found, Match::Accepted(_)) && fits(token))
        .collect()
}

/// Recognises a device by two consecutive codes, neither of them used, are this device's. They are burned by the state that
/// is given, which is to be durable before anybody is told; nothing else about the device changes.
///
/// The device's standing does not matter, for what is found may be a lost token. A miss is not counted here:
/// who asks about all devices at once has a throttle of their own.
pub fn recognise(
    state: &DeviceState,
    credential: &Credential,
    codes: [&Code; 2],
    now: UnixMs,
    policy: &Policy,
) -> Option<DeviceState> {
    let parameters = credential.parameters();
    let [first, second] = codes;
    let expected = state.expected(parameters, now);
    let window = match state.parts().moving {
        Moving::Time => Window::around(expected, policy.cause_steps),
        // Whoever found it pressed its button; as much work as for a clock.
        Moving::Counter => Window::spanning(expected, 0, 2 * policy.cause_steps),
    };
    let found = credential
        .key()
        .check_pair(first, second, window, state.parts().last_step);
    let fits = first.digits() == parameters.digits && second.digits() == parameters.digits;
    let accepted = found.filter(|_| fits)?;
    Some(state.with(|parts| parts.last_step = Some(accepted.step())))
}
