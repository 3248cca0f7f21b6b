//! `POST /v1/webhooks`

use api::{IdempotencyHeader, NewWebhook, ProblemCode, WebhookRequest};
use axum::extract::State;

use super::{kinds, webhook};
use crate::{
    answer::created,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, Creating},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[
    ProblemCode::Conflict,
    ProblemCode::AlreadyCreated,
    ProblemCode::IdempotencyKeyReused,
]);

/// Makes a webhook, which is told what happens to users from now on
///
/// Role: admin. Each notice is posted as JSON (`Notice`) and signed as
/// [Standard Webhooks](https://www.standardwebhooks.com) has it: headers `webhook-id`, which is the same at every try,
/// `webhook-timestamp` in seconds, and `webhook-signature`, `v1,` and the base64 of the HMAC-SHA-256 of
/// `ID.TIMESTAMP.BODY`; after a rotation two of them, with a blank between. An answer of 2xx within 10 seconds takes it.
/// Anything else is tried again for three days, later and later; notices of one user keep their order. A key that is
/// limited to accounts makes webhooks of their users. At most 100 webhooks.
#[utoipa::path(
    post,
    path = "/v1/webhooks",
    tag = "webhooks",
    params(IdempotencyHeader),
    request_body(content = WebhookRequest, example = json!({
        "url": "https://console.example.org/mfa-notices",
        "events": ["device.bound", "device.unbound", "device.suspended"],
        "actor": {"id": "ops-1", "kind": "admin"},
    })),
    responses((status = 201, description = "The webhook, and its secret.", body = NewWebhook,
        headers(("Cache-Control" = String, description = "`no-store`")))),
)]
pub(super) async fn create_webhook(
    State(app): State<App>,
    caller: Authorized,
    Creating { request, key }: Creating<WebhookRequest>,
) -> Answer {
    let names = |accounts: Vec<api::Name>| accounts.iter().map(|name| name.as_str().to_owned()).collect();
    let wanted = service::NewWebhook {
        url: request.url.as_str().to_owned(),
        events: kinds(&request.events),
        accounts: request.accounts.map(names),
    };
    let caller = caller.acting(request.actor).with_idempotency_key(key);
    let (made, secret) = app.service.create_webhook(&caller, &wanted).await?;
    let api::Webhook {
        id,
        url,
        events,
        accounts,
        created_at,
    } = webhook(made);
    Ok(created(&NewWebhook {
        id,
        url,
        events,
        accounts,
        created_at,
        secret,
    }))
}
