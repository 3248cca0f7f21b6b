//! Endpoints of verification, one code or a batch.

use api::{
    BatchFailure, BatchResult, Problem, ProblemCode, VerifyBatchRequest, VerifyBatchResponse, VerifyMethod,
    VerifyRequest, VerifyResponse,
};
use axum::{body::Body, extract::State, http::Request};
use service::{Answer as Decision, Method, Owner, Question, Role, ServiceError};

use crate::{
    App, convert,
    extract::{Authorized, Json},
    problem::{Answer, json, problem},
};

/// `POST /v1/verify`
pub(crate) async fn verify(State(app): State<App>, caller: Authorized, Json(request): Json<VerifyRequest>) -> Answer {
    let question = question(request)?;
    let decided = app.service.verify(&caller.0, vec![question]).await.pop();
    let decision = decided.unwrap_or_else(|| Err(ServiceError::Internal("no answer to a question".into())))?;
    Ok(json(&response(decision)))
}

/// `POST /v1/verify/batch`: the role first, for the body may be long.
pub(crate) async fn batch(State(app): State<App>, caller: Authorized, request: Request<Body>) -> Answer {
    caller.0.may(&[Role::Verify])?;
    let (request, _room): (VerifyBatchRequest, _) = app.bodies.read(request).await?;
    let mut results = Vec::new();
    let mut places = Vec::new();
    let mut questions = Vec::new();
    for (place, item) in request.items.into_inner().into_iter().enumerate() {
        match question(item) {
            Ok(question) => {
                places.push(place);
                questions.push(question);
                results.push(BatchResult::Decided(VerifyResponse::refused()));
            }
            Err(problem) => results.push(BatchResult::Failed(BatchFailure::new(problem))),
        }
    }
    let decided = app.service.verify(&caller.0, questions).await;
    for (place, decision) in places.into_iter().zip(decided) {
        results[place] = match decision {
            Ok(decision) => BatchResult::Decided(response(decision)),
            Err(error) => BatchResult::Failed(BatchFailure::new(problem(&error))),
        };
    }
    Ok(json(&VerifyBatchResponse { results }))
}

fn question(request: VerifyRequest) -> Result<Question, Problem> {
    let owner = Owner::new(request.account.into_inner(), request.user.into_inner());
    let method = match request.method {
        VerifyMethod::Totp => Method::Totp,
        VerifyMethod::RecoveryCode => Method::RecoveryCode,
        VerifyMethod::Passcode => {
            let detail = "passcodes are not issued by this version: use totp or recovery_code";
            return Err(Problem::new(ProblemCode::InvalidRequest, detail).with_field("method"));
        }
    };
    Ok(Question {
        owner,
        code: request.code.into_inner(),
        first_factor: request.first_factor,
        method,
        request_id: request.request_id.map(|id| id.as_str().to_owned()),
        client: request.client.map(convert::client),
    })
}

fn response(decision: Decision) -> VerifyResponse {
    match decision {
        Decision::Accepted(accepted) => {
            let told =
                VerifyResponse::accepted(accepted.device, accepted.decision_id, accepted.wrong_since_last_success);
            if accepted.repeated { told.repeated() } else { told }
        }
        Decision::Refused => VerifyResponse::refused(),
        Decision::Locked { retry_after_s, .. } => VerifyResponse::locked(retry_after_s),
    }
}
