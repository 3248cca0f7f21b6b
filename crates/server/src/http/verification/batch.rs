//! `POST /v1/verify/batch`

use api::{BatchFailure, BatchResult, VerifyBatchRequest, VerifyBatchResponse, VerifyResponse};
use axum::{body::Body, extract::State, http::Request};
use service::Role;

use super::{question, response};
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::Authorized,
        problem::{Answer, problem},
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[]);

/// Up to 4,096 checks at once
///
/// Role: verify. Each item is decided by itself; those of one user in their order. A batch that cannot be read is
/// refused as a whole.
#[utoipa::path(
    post,
    path = "/v1/verify/batch",
    tag = "verification",
    request_body(content = VerifyBatchRequest, example = json!({"items": [
        {"account": "acme", "user": "alice", "code": "492 039", "first_factor": true},
        {"account": "acme", "user": "bob", "code": "004711", "first_factor": false},
    ]})),
    responses((
        status = 200,
        description = "The results, in the order of the items.",
        body = VerifyBatchResponse,
        example = json!({"results": [
            {
                "accepted": true, "outcome": "accepted", "device_id": "019a9ef4-4f60-7c1e-9d4b-2f6b8f0a7c11",
                "decision_id": "019aa06b-93e4-7d02-8b3f-5a1c9e7f2d60", "wrong_since_last_success": 0,
            },
            {"accepted": false, "problem": {
                "type": "/problems/first_factor_required", "title": "The first factor was not vouched for", "status": 400,
                "detail": "codes are judged only after the first factor was right: send first_factor: true once it was",
                "code": "first_factor_required", "field": "first_factor",
            }},
        ]}),
    )),
)]
pub(super) async fn verify_batch(State(app): State<App>, caller: Authorized, request: Request<Body>) -> Answer {
    // The role first, for the body may be long.
    caller.0.may(&[Role::Verify])?;
    let (request, _room): (VerifyBatchRequest, _) = app.bodies.read(request).await?;
    let mut results = Vec::new();
    let mut places = Vec::new();
    let mut questions = Vec::new();
    for (place, item) in request.items.into_inner().into_iter().enumerate() {
        match question(app.user_names(), item) {
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
