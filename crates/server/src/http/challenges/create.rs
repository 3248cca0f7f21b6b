//! `POST /v1/challenges`

use api::{Challenge, ChallengeRequest, OfferedMethod, ProblemCode, Text};
use axum::extract::State;
use service::{NewChallenge, UserNames};

use super::{decision, purpose};
use crate::{
    answer::created,
    http::{
        app::App,
        convert,
        document::Problems,
        extract::{Authorized, Json},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::Conflict]);

/// Must this user be checked, and by which method?
///
/// Role: verify. `allow` comes with a grant at once; `challenge` wants an answer within five minutes, and nothing of it is
/// stored: its id is the challenge, sealed; `deny` is final. Only the key that asked may answer. Each decision rests on one
/// ground, which the audit trail keeps. A pass for operations is valid for 30 minutes, in its own session, for the operation
/// and resource that it was asked for; one that names no operation covers all but those that are checked always.
///
/// A field that means nothing with the purpose is refused, and so is an `operation` that has not the shape of the catalogue's
/// keys. One that has it and is in no catalogue follows `policy.unknown_operations`, and the answer says `unknown_operation`:
/// a misspelt key of an operation that is always checked would not be asked for.
///
/// A browser that is trusted sends `trusted_device` with its login, and keeps the one that the answer has, each time: an old one
/// that comes again is a copy, and ends the trust. It stands in for login protection alone, never where the login is unusual or
/// risky.
#[utoipa::path(
    post,
    path = "/v1/challenges",
    tag = "protection",
    request_body(
        content = ChallengeRequest,
        examples(
            ("login" = (summary = "After the password was right", value = json!({
                "account": "acme", "user": "alice", "purpose": "login", "first_factor": {"method": "password"},
                "client": {"ip": "203.0.113.7", "user_agent": "Mozilla/5.0 (X11; Linux x86_64)"},
            }))),
            ("operation" = (summary = "Before a sensitive operation", value = json!({
                "account": "acme", "user": "alice", "purpose": "operation", "session_id": "session-7f3a",
                "operation": "cloud-virtual-machine/shutting-down-instances", "resource": "ins-1a2b3c4d",
            }))),
        ),
    ),
    responses((
        status = 201,
        description = "The decision.",
        body = Challenge,
        headers(("Cache-Control" = String, description = "`no-store`")),
    )),
)]
pub(super) async fn create_challenge(
    State(app): State<App>,
    caller: Authorized,
    Json(request): Json<ChallengeRequest>,
) -> Answer {
    let decided = app
        .service
        .create_challenge(&caller.0, &wanted(app.user_names(), request))
        .await?;
    Ok(created(&challenge(decided)))
}

fn wanted(names: UserNames, request: ChallengeRequest) -> NewChallenge {
    fn owned<const MAX: usize>(text: Option<Text<MAX>>) -> Option<String> {
        text.map(|text| text.as_str().to_owned())
    }
    NewChallenge {
        owner: names.owner(request.account.into_inner(), request.user.into_inner()),
        purpose: purpose(request.purpose),
        audience: owned(request.audience),
        operation: owned(request.operation),
        resource: owned(request.resource),
        session_id: owned(request.session_id),
        first_factor: request.first_factor.map(|factor| factor.method.as_str().to_owned()),
        client: request.client.map(convert::client),
        is_risky: request.risk.is_some(),
        trusted_device: owned(request.trusted_device),
    }
}

fn challenge(challenge: service::Challenge) -> Challenge {
    let (grant, grant_expires_at) = match challenge.grant {
        Some(grant) => (Some(grant.text), Some(convert::time(grant.expires_at))),
        None => (None, None),
    };
    let offered = |offered: service::OfferedMethod| OfferedMethod {
        method: offered.method,
        alternative: offered.alternative,
    };
    Challenge {
        id: challenge.id,
        decision: decision(challenge.decision),
        ground: challenge.ground.name().to_owned(),
        methods: challenge.methods.into_iter().map(offered).collect(),
        expires_at: convert::time(challenge.expires_at),
        locked_until: challenge.locked_until.map(convert::time),
        grant,
        grant_expires_at,
        contact: challenge.contact,
        trusted_device: challenge.trusted_device,
        unknown_operation: challenge.is_unknown_operation,
    }
}
