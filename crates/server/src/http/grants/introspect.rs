//! `POST /v1/grants/introspect`

use api::{ChallengePurpose, IntrospectRequest, Introspection, Text};
use axum::extract::State;
use service::{Grant, GrantUse};

use crate::{
    answer::json,
    http::{
        app::App,
        convert,
        document::Problems,
        extract::{Authorized, Json},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[]);

/// Is this grant alive, and does it pass here?
///
/// Role: verify. For keys of the grant's audience. Learns of a revocation at once, which offline verifiers do when the
/// grant expires. A grant of a session is active in that session alone, one of an operation or a resource for those alone;
/// everything else is `active: false`, whatever is wrong with it.
#[utoipa::path(
    post,
    path = "/v1/grants/introspect",
    tag = "protection",
    request_body(content = IntrospectRequest, example = json!({
        "grant": "eyJhbGciOiJFZERTQSIs…", "session_id": "session-7f3a",
        "operation": "cloud-virtual-machine/shutting-down-instances",
    })),
    responses((status = 200, description = "What it says, if it is active.", body = Introspection)),
)]
pub(super) async fn introspect_grant(
    State(app): State<App>,
    caller: Authorized,
    Json(request): Json<IntrospectRequest>,
) -> Answer {
    let owned = |text: Option<Text<256>>| text.map(|text| text.as_str().to_owned());
    let at = GrantUse {
        session_id: owned(request.session_id),
        operation: owned(request.operation),
        resource: owned(request.resource),
    };
    let found = app
        .service
        .introspect_grant(&caller.0, request.grant.as_str(), &at)
        .await?;
    Ok(json(&found.map_or_else(inactive, active)))
}

fn inactive() -> Introspection {
    Introspection {
        active: false,
        purpose: None,
        account: None,
        user: None,
        session_id: None,
        operation: None,
        resource: None,
        amr: None,
        expires_at: None,
        decision_id: None,
    }
}

fn active(grant: Grant) -> Introspection {
    Introspection {
        active: true,
        purpose: Some(match grant.purpose {
            service::ChallengePurpose::Login => ChallengePurpose::Login,
            service::ChallengePurpose::Operation => ChallengePurpose::Operation,
            service::ChallengePurpose::Identity => ChallengePurpose::Identity,
        }),
        account: Some(grant.owner.account.as_ref().to_owned()),
        user: Some(grant.owner.user.as_ref().to_owned()),
        session_id: grant.session_id,
        operation: grant.operation,
        resource: grant.resource,
        amr: Some(grant.methods),
        expires_at: Some(convert::time(grant.expires_at)),
        decision_id: Some(grant.id),
    }
}
