//! The use case `verify`.

use std::sync::Arc;

use otp::Code;
use store::{Owner, Role};
use zeroize::Zeroizing;

use crate::{
    Answer, Caller, Client, Method, Service, ServiceError,
    access::caller::Origin,
    verification::request::{Request, Typed},
    verification::request_id::RequestTag,
};

/// Is this code right?
pub struct Question {
    /// The user who is to be verified.
    pub owner: Owner,
    /// The code as it was typed.
    pub code: Zeroizing<String>,
    /// The caller's word that the password, or its like, was right.
    pub first_factor: bool,
    /// The kind of the code.
    pub method: Method,
    /// Makes an exact repeat of it, once accepted, be told the same answer.
    pub request_id: Option<String>,
    /// The user's address and browser, as the caller says.
    pub client: Option<Client>,
}

impl Service {
    /// Decides each question; the answers stand in their order. An accepted code is burned, a wrong one
    /// counted, before this returns.
    pub async fn verify(&self, caller: &Caller, questions: Vec<Question>) -> Vec<Result<Answer, ServiceError>> {
        let mut answers: Vec<_> = questions
            .iter()
            .map(|_| Err(ServiceError::FirstFactorRequired))
            .collect();
        let mut places = Vec::with_capacity(questions.len());
        let mut requests = Vec::with_capacity(questions.len());
        for (place, question) in questions.into_iter().enumerate() {
            if let Err(error) = caller.may_for(&[Role::Verify], &question.owner) {
                answers[place] = Err(error);
                continue;
            }
            if !question.first_factor {
                continue;
            }
            let origin = Origin {
                client: question.client.clone(),
                ..caller.origin().clone()
            };
            let tag = match self.tag(&question, &origin) {
                Ok(tag) => tag,
                Err(error) => {
                    answers[place] = Err(error);
                    continue;
                }
            };
            places.push(place);
            requests.push(Request {
                typed: match question.method {
                    Method::Totp => Typed::Code(Code::parse(&question.code).ok()),
                    Method::RecoveryCode => Typed::RecoveryCode(question.code),
                },
                owner: question.owner,
                tag,
                origin: Arc::new(origin),
                challenge: None,
                trusts_device: false,
            });
        }
        if !requests.is_empty() {
            let judged = self.lane.decide(requests, self.core.settings.waiting_per_user).await;
            places
                .into_iter()
                .zip(judged)
                .for_each(|(place, answer)| answers[place] = answer);
        }
        answers
    }

    fn tag(&self, question: &Question, origin: &Origin) -> Result<Option<RequestTag>, ServiceError> {
        let Some(request_id) = &question.request_id else {
            return Ok(None);
        };
        let sealer = &*self.core.sealer;
        RequestTag::new(sealer, origin, &question.owner, request_id, &question.code).map(Some)
    }
}
