//! Recognition of a device by its codes: support asks whose token this is.

use otp::{Code, Match, Step, Window};

use crate::{Credential, DeviceState, Moving, Policy, UnixMs};

/// True if a token that is bound to nobody shows this code now, its clock being known to be `measured_offset_steps` ahead.
///
/// There is no state to burn it in: nothing is ever accepted from such a token.
pub fn shows(credential: &Credential, code: &Code, measured_offset_steps: i32, now: UnixMs, policy: &Policy) -> bool {
    let parameters = credential.parameters();
    let expected = now.step(parameters.period).offset(i64::from(measured_offset_steps));
    stands_in(credential, code, Window::around(expected, policy.window_steps))
}

/// The same of a counter token whose next code is the one of the counter `next`, as far as is known.
pub fn shows_counter(credential: &Credential, code: &Code, next: Step, policy: &Policy) -> bool {
    stands_in(credential, code, policy.look_ahead(next))
}

fn stands_in(credential: &Credential, code: &Code, window: Window) -> bool {
    let found = credential.key().check(code, window, None);
    matches!(found, Match::Accepted(_)) && code.digits() == credential.parameters().digits
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
