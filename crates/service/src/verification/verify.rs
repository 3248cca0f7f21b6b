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
    /// Decides this question. An accepted code is burned, a wrong one counted, before this returns.
    pub async fn verify_one(&self, caller: &Caller, question: Question) -> Result<Answer, ServiceError> {
        let request = self.request(caller, question)?;
        self.lane.decide_one(request, self.core.settings.waiting_per_user).await
    }

    /// Decides each question, as [`verify_one`](Self::verify_one) does; the answers stand in their order.
    pub async fn verify(&self, caller: &Caller, questions: Vec<Question>) -> Vec<Result<Answer, ServiceError>> {
        let mut answers: Vec<Result<Answer, ServiceError>> = Vec::with_capacity(questions.len());
        let mut places = Vec::with_capacity(questions.len());
        let mut requests = Vec::with_capacity(questions.len());
        for (place, question) in questions.into_iter().enumerate() {
            answers.push(match self.request(caller, question) {
                Ok(request) => {
                    places.push(place);
                    requests.push(request);
                    Ok(Answer::Refused)
                }
                Err(error) => Err(error),
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

    /// The question as it goes to a lane, of a caller who may ask it.
    fn request(&self, caller: &Caller, question: Question) -> Result<Request, ServiceError> {
        caller.may_for(&[Role::Verify], &question.owner)?;
        if !question.first_factor {
            return Err(ServiceError::FirstFactorRequired);
        }
        let tag = self.tag(&question, caller.origin())?;
        Ok(Request {
            typed: match question.method {
                Method::Totp => Typed::Code(Code::parse(&question.code).ok()),
                Method::RecoveryCode => Typed::RecoveryCode(question.code),
            },
            owner: question.owner,
            tag,
            origin: Arc::new(Origin {
                client: question.client,
                ..caller.origin().clone()
            }),
            challenge: None,
            trusts_device: false,
        })
    }

    fn tag(&self, question: &Question, origin: &Origin) -> Result<Option<RequestTag>, ServiceError> {
        let Some(request_id) = &question.request_id else {
            return Ok(None);
        };
        let sealer = &*self.core.sealer;
        let client = question.client.as_ref();
        RequestTag::new(
            sealer,
            (origin.api_key, client),
            &question.owner,
            request_id,
            &question.code,
        )
        .map(Some)
    }
}
