use std::sync::Arc;

use otp::Code;
use store::{Id, Owner};
use verify::UnixMs;

use crate::{Origin, ServiceError, request_id::RequestTag};

/// A question to the lane.
pub(crate) struct Ask {
    pub(crate) owner: Owner,
    /// `None`: what was typed cannot be a code.
    pub(crate) code: Option<Code>,
    pub(crate) request: Option<RequestTag>,
    pub(crate) origin: Arc<Origin>,
}

/// What a caller may learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Right, and burned. `None`: not by a device but by a recovery code.
    Accepted(Option<Id>),
    /// Not accepted; there is nothing more to say.
    Refused,
    /// Not judged, until then or until somebody acts.
    Locked(Option<UnixMs>),
}

pub(crate) type Answered = Result<Answer, ServiceError>;
