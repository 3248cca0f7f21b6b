//! Answering a challenge, once, by a code of a device or a recovery code: it is judged on the lane like any code.

use std::sync::Arc;

use otp::Code;
use store::{Id, Role};
use verify::UnixMs;
use zeroize::Zeroizing;

use crate::{
    Answer, Caller, Decision, Input, Service, ServiceError, SignedGrant,
    access::caller::Origin,
    protection::{
        decision::{PASSCODE, RECOVERY_CODE, TOTP},
        grant::Grant,
        token::PendingChallenge,
    },
    verification::request::{Request, Typed},
};

/// An answer to a challenge.
pub struct ChallengeAnswer {
    /// One of the methods that the challenge offered.
    pub method: String,
    /// As it was typed.
    pub code: Zeroizing<String>,
    /// The browser needs no check at login for 7 days, where the user's settings permit that.
    pub trust_device: bool,
}

/// What an answer came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnsweredChallenge {
    /// Allowed, or still to be answered.
    pub decision: Decision,
    /// How the user was checked, or is to be.
    pub method: String,
    /// No code is judged before.
    pub locked_until: Option<UnixMs>,
    /// With [`Decision::Allow`].
    pub grant: Option<SignedGrant>,
    /// Wrong codes between the success before and this one.
    pub wrong_since_last_success: Option<u32>,
    /// The first token of a browser that is trusted now.
    pub trusted_device: Option<String>,
}

impl Service {
    /// Judges the answer of a challenge. A right one burns its code and ends the challenge in one commit, and gives the
    /// grant; a wrong one is counted, and leaves the challenge open.
    pub async fn answer_challenge(
        &self,
        caller: &Caller,
        id: &str,
        answer: ChallengeAnswer,
    ) -> Result<AnsweredChallenge, ServiceError> {
        let method = answer.method.clone();
        match self.judged_answer(caller, id, answer).await? {
            JudgedAnswer::Right(right) => self.core.told(&right).await,
            JudgedAnswer::Wrong { locked_until } => Ok(AnsweredChallenge {
                decision: Decision::Challenge,
                method,
                locked_until,
                grant: None,
                wrong_since_last_success: None,
                trusted_device: None,
            }),
        }
    }

    /// Judges the answer of a challenge, and makes nothing of it yet.
    pub(crate) async fn judged_answer(
        &self,
        caller: &Caller,
        id: &str,
        answer: ChallengeAnswer,
    ) -> Result<JudgedAnswer, ServiceError> {
        caller.may(&[Role::Verify])?;
        let core = &*self.core;
        let pending = core.pending_challenge(id, caller.origin().api_key)?;
        let owner = pending.owner();
        caller.may_for(&[Role::Verify], &owner)?;
        if core.clock.now()? >= pending.expires_at() {
            return Err(ServiceError::ChallengeExpired);
        }
        let method = answer.method.clone();
        // A passcode opens one login, and no later one.
        let trusts_device = answer.trust_device && answer.method != PASSCODE;
        let origin = Origin {
            client: pending.client(),
            ..caller.origin().clone()
        };
        let request = Request {
            owner,
            typed: typed(&pending, answer)?,
            tag: None,
            origin: Arc::new(origin),
            challenge: Some(Arc::new(pending.clone())),
            trusts_device,
        };
        match self.lane.decide_one(request, core.settings.waiting_per_user).await? {
            Answer::Accepted(accepted) => Ok(JudgedAnswer::Right(Box::new(RightAnswer {
                pending,
                decision: accepted.decision_id,
                method,
                wrong_since_last_success: Some(accepted.wrong_since_last_success),
                trusts_device,
            }))),
            Answer::Refused => Ok(JudgedAnswer::Wrong { locked_until: None }),
            Answer::Locked { until: None, .. } | Answer::Locking { until: None } => Err(ServiceError::Locked {
                until: None,
                retry_after_s: None,
            }),
            Answer::Locked { until, .. } | Answer::Locking { until } => Ok(JudgedAnswer::Wrong { locked_until: until }),
        }
    }
}

/// The judgement of an answer.
pub(crate) enum JudgedAnswer {
    /// It ended its challenge.
    Right(Box<RightAnswer>),
    /// The challenge is open still.
    Wrong {
        /// No code is judged before.
        locked_until: Option<UnixMs>,
    },
}

/// A right answer: all that its caller is told is made of this.
pub(crate) struct RightAnswer {
    pub(crate) pending: PendingChallenge,
    pub(crate) decision: Id,
    pub(crate) method: String,
    pub(crate) wrong_since_last_success: Option<u32>,
    pub(crate) trusts_device: bool,
}

fn typed(pending: &PendingChallenge, answer: ChallengeAnswer) -> Result<Typed, ServiceError> {
    if !pending.methods.contains(&answer.method) {
        return Err(ServiceError::Invalid {
            input: Input::Method,
            why: format!("it is none of the challenge's: {}", pending.methods.join(", ")),
        });
    }
    match &*answer.method {
        TOTP => Ok(Typed::Code(Code::parse(&answer.code).ok())),
        RECOVERY_CODE => Ok(Typed::RecoveryCode(answer.code)),
        PASSCODE => Ok(Typed::Passcode(Code::parse(&answer.code).ok())),
        _ => Err(ServiceError::Invalid {
            input: Input::Method,
            why: "it is reported, not typed: send `report` in place of `code`".into(),
        }),
    }
}

impl crate::Core {
    /// What the caller of a challenge is told of its right answer, as often as it is asked for.
    pub(crate) async fn told(&self, right: &RightAnswer) -> Result<AnsweredChallenge, ServiceError> {
        Ok(AnsweredChallenge {
            decision: Decision::Allow,
            method: right.method.clone(),
            locked_until: None,
            grant: Some(self.signed(&right.pending.grant(right.decision, &right.method))?),
            wrong_since_last_success: right.wrong_since_last_success,
            trusted_device: match right.trusts_device {
                true => self.first_trust_token(&right.pending.owner(), right.decision).await?,
                false => None,
            },
        })
    }

    /// The grant as its bearer has it.
    pub(crate) fn signed(&self, grant: &Grant) -> Result<SignedGrant, ServiceError> {
        Ok(SignedGrant {
            text: grant.sign(&self.settings.grant_issuer, &*self.signer)?,
            expires_at: grant.expires_at,
        })
    }
}
