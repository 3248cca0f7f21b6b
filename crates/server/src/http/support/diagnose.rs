//! `POST /v1/support/diagnose`

use api::{DiagnoseRequest, Diagnosis, ProblemCode, Words};
use axum::extract::State;
use service::DiagnosedCause;

use crate::{
    answer::json,
    http::{
        app::App,
        convert::{time, typed},
        document::Problems,
        extract::{Authorized, Json},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::Conflict]);

/// Why was this code refused?
///
/// Role: support. Says only what is of a time that is over: whatever is looked at is not accepted any more once it is told.
/// Of the present and of what is still to come, right or wrong, the answer is `wrong`. 20 times an hour for each actor, and
/// for each user.
#[utoipa::path(
    post,
    path = "/v1/support/diagnose",
    tag = "support",
    request_body(content = DiagnoseRequest, example = json!({
        "account": "acme", "user": "alice", "code": "492 039", "actor": {"id": "desk-14", "kind": "support"},
    })),
    responses((status = 200, description = "The cause, as far as it may be told.", body = Diagnosis)),
)]
pub(super) async fn diagnose(
    State(app): State<App>,
    caller: Authorized,
    Json(request): Json<DiagnoseRequest>,
) -> Answer {
    let owner = app.user_names().owner(request.account.as_str(), request.user.as_str());
    let caller = caller.acting(request.actor);
    let told = app.service.diagnose(&caller, &owner, &typed(request.code)).await?;
    Ok(json(&diagnosis(told)))
}

fn diagnosis(told: service::Diagnosis) -> Diagnosis {
    let service::Words { en, zh } = told.text;
    Diagnosis {
        cause: cause(told.cause),
        text: Words { en, zh },
        device_id: told.device,
        clock_off_s: told.clock_off_s,
        used_at: told.used_at.map(time),
        locked_until: told.locked_until.map(time),
        asks_left: told.asks_left,
    }
}

fn cause(cause: DiagnosedCause) -> api::DiagnosedCause {
    match cause {
        DiagnosedCause::ClockOff => api::DiagnosedCause::ClockOff,
        DiagnosedCause::Used => api::DiagnosedCause::Used,
        DiagnosedCause::OtherEntry => api::DiagnosedCause::OtherEntry,
        DiagnosedCause::OlderEnrollment => api::DiagnosedCause::OlderEnrollment,
        DiagnosedCause::OtherAlgorithm => api::DiagnosedCause::OtherAlgorithm,
        DiagnosedCause::OtherPeriod => api::DiagnosedCause::OtherPeriod,
        DiagnosedCause::RightButLocked => api::DiagnosedCause::RightButLocked,
        DiagnosedCause::Wrong => api::DiagnosedCause::Wrong,
        DiagnosedCause::NoDevice => api::DiagnosedCause::NoDevice,
    }
}
