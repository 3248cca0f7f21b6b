use otp::{Code, Parameters, Period, Step, Window};

use crate::{Cause, Credential, DeviceState, Moving, Policy, UnixMs, diagnosis};

/// The steps of a device whose codes are not accepted any more, by whatever road: all before its window are burned by
/// making one. So what is told of them opens nothing, and what is not among them is not looked at (rule A5).
///
/// The state in it has to be durable, on the condition that the judged one still stands, before anybody is told. Burning costs
/// a clock that is far behind the time that it is behind: until then two codes in a row, which alone could have reached
/// back so far, measure it at later steps only. Of a counter token it ends with the last accepted code, and nothing is burned.
pub struct Past {
    state: DeviceState,
    last: Step,
}

impl Past {
    /// The past of a device at `now`.
    pub fn of(state: &DeviceState, parameters: Parameters, now: UnixMs, policy: &Policy) -> Self {
        if let (Moving::Counter, Some(last)) = (state.parts().moving, state.parts().last_step) {
            return Self {
                state: state.clone(),
                last,
            };
        }
        let outside = -i64::from(policy.window_steps) - 1;
        let before = state.expected(parameters, now).offset(outside);
        let last = state.parts().last_step.map_or(before, |last| last.max(before));
        let state = state.with(|parts| parts.last_step = Some(last));
        Self { state, last }
    }

    /// What the device becomes.
    pub fn into_state(self) -> DeviceState {
        self.state
    }

    /// What the device becomes.
    pub fn state(&self) -> &DeviceState {
        &self.state
    }

    /// The newest of its steps, at most so many before its end, at which this code stood.
    pub fn locate(&self, credential: &Credential, code: &Code, back_steps: u32) -> Option<Step> {
        if code.digits() != credential.parameters().digits {
            return None;
        }
        let window = Window::spanning(self.last, back_steps, 0);
        credential.key().locate(code, window, self.last)
    }

    /// An app that computes with another algorithm, or renews its code at another period, than it was told: its codes of
    /// the last minutes.
    ///
    /// Those of another algorithm are never accepted of this device. Those of another period are its own at another time,
    /// so they count only where that is past.
    pub fn misconfigured(&self, credential: &Credential, code: &Code, now: UnixMs, policy: &Policy) -> Option<Cause> {
        if self.state.parts().moving == Moving::Counter {
            return None;
        }
        diagnosis::misconfigured_in(credential, code, |parameters| {
            let window = minutes_until(now.step(parameters.period), parameters.period, policy);
            let is_past = parameters.algorithm != credential.parameters().algorithm || window.last() <= self.last;
            is_past.then_some(window)
        })
    }
}

/// True if a code of the last minutes is of a secret that no device has and none will get: nothing accepts it.
pub fn shown_by_dead_secret(credential: &Credential, code: &Code, now: UnixMs, policy: &Policy) -> bool {
    let period = credential.parameters().period;
    stands_in(credential, code, minutes_until(now.step(period), period, policy))
}

/// True if a code of the last minutes, and not of the present, is of a secret that waits to be bound by one that is.
///
/// So far that the clock may be set back as much as is borne.
pub fn shown_before_binding(credential: &Credential, code: &Code, now: UnixMs, policy: &Policy) -> bool {
    const SET_BACK_MS: i64 = 2 * UnixMs::MINUTE;
    let period = credential.parameters().period;
    let outside = -i64::from(policy.window_steps) - 1;
    let last = now.plus(-SET_BACK_MS).step(period).offset(outside);
    stands_in(
        credential,
        code,
        Window::spanning(last, diagnosis::late_steps(period), 0),
    )
}

fn stands_in(credential: &Credential, code: &Code, window: Window) -> bool {
    let fits = code.digits() == credential.parameters().digits;
    let found = credential.key().locate(code, window, window.last());
    fits && found.is_some()
}

/// The steps of the minutes in which a code may be typed late, and the window after them.
fn minutes_until(present: Step, period: Period, policy: &Policy) -> Window {
    Window::spanning(present, diagnosis::late_steps(period), policy.window_steps)
}
