//! A request to the lane, and its answer.

use std::sync::Arc;

use otp::Code;
use serde_json::Value;
use store::{Id, Owner};
use verify::{Lock, Purpose, UnixMs};
use zeroize::Zeroizing;

use crate::{
    ServiceError,
    access::caller::Origin,
    devices::factor::{stops, wait_s},
    protection::{purpose::ChallengePurpose, token::PendingChallenge},
    trail::event::NewEvent,
    verification::request_id::RequestTag,
};

/// A question to the lane.
pub(crate) struct Request {
    pub(crate) owner: Owner,
    pub(crate) typed: Typed,
    pub(crate) tag: Option<RequestTag>,
    pub(crate) origin: Arc<Origin>,
    /// The challenge that it answers; `None` where it is only asked whether the code is right.
    pub(crate) challenge: Option<Arc<PendingChallenge>>,
    /// The browser is to be trusted once it is answered.
    pub(crate) trusts_device: bool,
}

/// A typed code, by the way it is to be judged.
pub(crate) enum Typed {
    /// A device's code; `None`: what was typed cannot be one.
    Code(Option<Code>),
    /// A recovery code, in whatever way people write it.
    RecoveryCode(Zeroizing<String>),
    /// A temporary passcode, which answers a login's challenge alone; `None`: what was typed cannot be one.
    Passcode(Option<Code>),
}

impl Request {
    /// Whether there is a next code to wait for, where somebody else was faster every time.
    pub(crate) fn has_next_code(&self) -> bool {
        matches!(self.typed, Typed::Code(_))
    }

    /// Whether the user's recovery codes are needed to judge it.
    pub(crate) fn is_recovery_code(&self) -> bool {
        matches!(self.typed, Typed::RecoveryCode(_))
    }

    /// The road on which its code is counted.
    pub(crate) fn road(&self) -> Purpose {
        match &self.challenge {
            Some(challenge) => challenge.purpose.road(),
            None => Purpose::Verification,
        }
    }

    /// The answer to a wrong code that was counted, after which this lock is in force, if any is.
    pub(crate) fn refused(&self, lock: Option<Option<UnixMs>>) -> Answer {
        match lock {
            Some(until) if self.challenge.is_some() => Answer::Locking { until },
            _ => Answer::Refused,
        }
    }

    /// An event of its judgement.
    pub(crate) fn event(&self, outcome: &'static str) -> NewEvent<'_> {
        let event = match &self.challenge {
            Some(challenge) => NewEvent::new("challenge.answer", outcome, &self.origin).detail(challenge.detail()),
            None => NewEvent::new("verify", outcome, &self.origin),
        };
        event.of_user()
    }

    /// The same, of a wrong code that suspended its road, or locked it until then.
    pub(crate) fn stopping<'a>(&self, event: NewEvent<'a>, lock: Lock) -> NewEvent<'a> {
        self.detailed(event, stops(lock, self.road()))
    }

    /// An event of something else that it brought about.
    pub(crate) fn event_of(&self, action: &'static str, outcome: &'static str) -> NewEvent<'_> {
        NewEvent::new(action, outcome, &self.origin).of_user()
    }

    /// The same, with what else is to be said.
    pub(crate) fn detailed<'a>(&self, event: NewEvent<'a>, mut detail: Value) -> NewEvent<'a> {
        if let (Some(challenge), Some(detail)) = (&self.challenge, detail.as_object_mut())
            && let Value::Object(more) = challenge.detail()
        {
            detail.extend(more);
        }
        event.detail(detail)
    }

    /// Whether it completes a login.
    pub(crate) fn is_login(&self) -> bool {
        let purpose = self.challenge.as_ref().map(|challenge| challenge.purpose);
        purpose == Some(ChallengePurpose::Login)
    }
}

/// The answer to a verification: all that a caller may learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Right, and burned.
    Accepted(Acceptance),
    /// Not accepted; there is nothing more to say.
    Refused,
    /// Not accepted, and by it the road is locked: the answer to a challenge alone, whose asker is told of locks.
    Locking {
        /// Until then; `None`: until somebody acts.
        until: Option<UnixMs>,
    },
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
