//! Verification: is this code right? One check a request, or a batch of them.

mod batch;
mod verify;

use api::{Problem, ProblemCode, VerifyMethod, VerifyRequest, VerifyResponse};
use service::{Answer as Decision, Method, Question, UserNames};
use utoipa_axum::router::OpenApiRouter;

use crate::http::convert;
use crate::http::{app::App, document::endpoints};

pub(super) fn endpoints() -> OpenApiRouter<App> {
    endpoints![verify::verify, batch::verify_batch]
}

fn question(names: UserNames, request: VerifyRequest) -> Result<Question, Problem> {
    let owner = names.owner(request.account.into_inner(), request.user.into_inner());
    let method = match request.method {
        VerifyMethod::Totp => Method::Totp,
        VerifyMethod::RecoveryCode => Method::RecoveryCode,
        VerifyMethod::Passcode => {
            let detail = "a passcode answers the challenge of a login: here use totp or recovery_code";
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
        // The lock that a code brings is told by the next answer: here only challenges say more.
        Decision::Refused | Decision::Locking { .. } => VerifyResponse::refused(),
        Decision::Locked { retry_after_s, .. } => VerifyResponse::locked(retry_after_s),
    }
}

#[cfg(test)]
mod tests {
    use api::read_json;
    use serde_json::json;

    use super::*;

    fn asked(method: &str) -> Result<Question, Problem> {
        let body = json!({
            "account": "acme", "user": "alice", "code": " 492 039", "first_factor": true, "method": method,
            "client": {"ip": "2001:DB8::7"},
        });
        question(UserNames::Exact, read_json(body.to_string().as_bytes()).unwrap())
    }

    #[test]
    fn a_question_is_the_request_as_it_was_typed() {
        let question = asked("recovery_code").unwrap();
        assert_eq!((&*question.owner.account, &*question.owner.user), ("acme", "alice"));
        assert_eq!(*question.code, " 492 039");
        assert!(question.first_factor && question.method == Method::RecoveryCode);
        assert_eq!(question.client.unwrap().ip.as_deref(), Some("2001:db8::7"));
    }

    #[test]
    fn a_passcode_is_refused_by_the_name_of_its_field() {
        let problem = asked("passcode").err().unwrap();
        assert_eq!(problem.code, ProblemCode::InvalidRequest);
        assert_eq!(problem.field.as_deref(), Some("method"));
    }

    #[test]
    fn whoever_is_locked_is_told_how_long_and_no_more() {
        let locked = Decision::Locked {
            until: None,
            retry_after_s: Some(840),
        };
        let said = serde_json::to_value(response(locked)).unwrap();
        assert_eq!(
            said,
            json!({"accepted": false, "outcome": "locked", "retry_after_s": 840})
        );
    }
}
