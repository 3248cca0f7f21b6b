//! A request to the lane, and its answer.

use std::sync::Arc;

use otp::Code;
use store::{Id, Owner};
use verify::UnixMs;
use zeroize::Zeroizing;

use crate::{ServiceError, access::caller::Origin, devices::factor::wait_s, verification::request_id::RequestTag};

/// A question to the lane.
pub(crate) struct Request {
    pub(crate) owner: Owner,
    pub(crate) typed: Typed,
    pub(crate) tag: Option<RequestTag>,
    pub(crate) origin: Arc<Origin>,
}

/// A typed code, by the way it is to be judged.
pub(crate) enum Typed {
    /// A device's code; `None`: what was typed cannot be one.
    Code(Option<Code>),
    /// A recovery code, in whatever way people write it.
    RecoveryCode(Zeroizing<String>),
}

impl Request {
    /// Whether the user's recovery codes are needed to judge it.
    pub(crate) fn is_recovery_code(&self) -> bool {
        matches!(self.typed, Typed::RecoveryCode(_))
    }
}

/// The answer to a verification: all that a caller may learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Right, and burned.
    Accepted(Acceptance),
    /// Not accepted; there is nothing more to say.
    Refused,
    /// Not judged.
    Locked {
        /// Until then; `None`: until somebody acts.
        until: Option<UnixMs>,
        /// The wait, in seconds from the moment of the answer.
        retry_after_s: Option<u64>,
    },
}

impl Answer {
    pub(crate) fn locked(until: Option<UnixMs>, now: UnixMs) -> Self {
        Self::Locked {
            until,
            retry_after_s: until.map(|until| wait_s(until, now)),
        }
    }
}

/// The decision that accepted a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// Whose code it was; `None`: not a device's but a recovery code.
    pub device: Option<Id>,
    /// UUIDv7, as the trail names it.
    pub decision_id: Id,
    /// Wrong codes between the success before and this one.
    pub wrong_since_last_success: u32,
    /// It was decided before, and is told once more.
    pub repeated: bool,
}

pub(crate) type Answered = Result<Answer, ServiceError>;
