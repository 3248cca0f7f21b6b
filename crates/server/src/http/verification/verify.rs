//! `POST /v1/verify`

use api::{ProblemCode, VerifyRequest, VerifyResponse};
use axum::extract::State;

use super::{question, response};
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, Json},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::FirstFactorRequired]);

/// Is this code right?
///
/// Role: verify. A refused code is a 200 with `accepted: false`. An unknown user, a user without a device and a wrong
/// code get the same answer. Let the user pass only on `accepted: true`: no answer, and every problem, is a no.
#[utoipa::path(
    post,
    path = "/v1/verify",
    tag = "verification",
    request_body(
        content = VerifyRequest,
        examples(
            ("totp" = (summary = "A code of a device", value = json!({
                "account": "acme", "user": "alice", "code": "492 039", "first_factor": true,
                "request_id": "q8Zr2nTVx0uYbWkJ4mPdSg",
                "client": {"ip": "203.0.113.7", "user_agent": "Mozilla/5.0 (X11; Linux x86_64)"},
            }))),
            ("recovery_code" = (summary = "A recovery code", value = json!({
                "account": "acme", "user": "alice", "code": "K4VQ 6J2M XWTA 7N3B", "first_factor": true,
                "method": "recovery_code",
            }))),
        ),
    ),
    responses((
        status = 200,
        description = "The decision, already on disk.",
        body = VerifyResponse,
        examples(
            ("accepted" = (value = json!({
                "accepted": true, "outcome": "accepted", "device_id": "019a9ef4-4f60-7c1e-9d4b-2f6b8f0a7c11",
                "decision_id": "019aa06b-93e4-7d02-8b3f-5a1c9e7f2d60", "wrong_since_last_success": 0,
            }))),
            ("repeated" = (summary = "The same request again, after its answer was lost", value = json!({
                "accepted": true, "outcome": "accepted", "device_id": "019a9ef4-4f60-7c1e-9d4b-2f6b8f0a7c11",
                "decision_id": "019aa06b-93e4-7d02-8b3f-5a1c9e7f2d60", "wrong_since_last_success": 0, "repeated": true,
            }))),
            ("refused" = (value = json!({"accepted": false, "outcome": "refused"}))),
            ("locked" = (value = json!({"accepted": false, "outcome": "locked", "retry_after_s": 840}))),
        ),
    )),
)]
pub(super) async fn verify(State(app): State<App>, caller: Authorized, Json(request): Json<VerifyRequest>) -> Answer {
    let question = question(app.user_names(), request)?;
    Ok(json(&response(app.service.verify_one(&caller.0, question).await?)))
}
