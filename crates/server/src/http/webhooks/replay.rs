//! `POST /v1/webhooks/{id}/deliveries/{delivery}/replay`

use api::{Delivery, DeliveryPath, ProblemCode, ReplayRequest};
use axum::extract::State;
use service::ServiceError;

use super::delivery;
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, DeliveryIds, Json},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::NotFound, ProblemCode::Conflict]);

/// Has a notice sent again, whatever became of it
///
/// Role: admin. At once, under the same `webhook-id`, before others of its user that wait.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/deliveries/{delivery}/replay",
    tag = "webhooks",
    params(DeliveryPath),
    request_body(content = ReplayRequest, example = json!({"actor": {"id": "ops-1", "kind": "admin"}})),
    responses((status = 200, description = "The delivery, pending.", body = Delivery)),
)]
pub(super) async fn replay_delivery(
    State(app): State<App>,
    caller: Authorized,
    DeliveryIds { webhook, id }: DeliveryIds,
    Json(request): Json<ReplayRequest>,
) -> Answer {
    let caller = caller.acting(request.actor);
    let replayed = app.service.replay_delivery(&caller, webhook, id).await?;
    let replayed = delivery(&replayed).ok_or(ServiceError::NotFound("delivery"))?;
    Ok(json(&replayed))
}
