use crate::Step;

/// Proof that a code was right at a step that was still free.
///
/// Only [`Key::check`](crate::Key::check), [`Key::check_pair`](crate::Key::check_pair) and
/// [`check_all`](crate::check_all()) make one.
/// It is neither `Copy` nor `Clone`: whoever records the step consumes the proof, so that one right
/// code is not spent twice. It proves nothing about other racers: that the step was free is what the
/// caller said, and only the store's conditional change makes it true.
///
/// ```compile_fail,E0451
/// use countersign_otp::{Accepted, Step};
///
/// let forged = Accepted { step: Step::new(1) };
/// ```
///
/// ```compile_fail,E0382
/// use countersign_otp::Accepted;
///
/// fn spend(accepted: Accepted) {}
/// fn twice(accepted: Accepted) {
///     spend(accepted);
///     spend(accepted);
/// }
/// ```
#[must_use = "a right code counts only once its step is recorded"]
#[derive(Debug, PartialEq, Eq)]
pub struct Accepted {
    step: Step,
}

impl Accepted {
    pub(crate) const fn new(step: Step) -> Self {
        Self { step }
    }

    /// The step to record as the last accepted one: it and every earlier one are burned.
    pub const fn step(&self) -> Step {
        self.step
    }
}

/// The outcome of a check over a window.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub enum Match {
    /// Right, at a step later than the last accepted one.
    Accepted(Accepted),
    /// Right, but only at steps that are burned already (RFC 6238 section 5.2).
    Used {
        /// The latest step of the window at which the code stands.
        step: Step,
    },
    /// The code stands nowhere in the window.
    None,
}
