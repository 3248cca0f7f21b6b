//! `PUT /v1/operations/{product}/{operation}`

use api::{NewWords, Operation, OperationPath, OperationRequest, ProblemCode};
use axum::extract::State;
use service::{NewOperation, Words};

use super::operation;
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, Json, OperationKey},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::Conflict]);

/// Adds an operation to the catalogue, or changes what stands there
///
/// Role: admin. Of a shipped operation the words and `protected` change; one that is always checked stays so. In force at
/// once, and in other processes within two seconds. Told the same again, it changes nothing.
#[utoipa::path(
    put,
    path = "/v1/operations/{product}/{operation}",
    tag = "protection",
    params(OperationPath),
    request_body(content = OperationRequest, example = json!({
        "category": {"en": "Finance", "zh": "财务"},
        "product": {"en": "Billing", "zh": "账单"},
        "operation": {"en": "Refund", "zh": "退款"},
        "identity_always": false, "protected": true,
        "actor": {"id": "ops-1", "kind": "admin"},
    })),
    responses((status = 200, description = "The operation.", body = Operation)),
)]
pub(super) async fn set_operation(
    State(app): State<App>,
    caller: Authorized,
    OperationKey(key): OperationKey,
    Json(request): Json<OperationRequest>,
) -> Answer {
    let wanted = NewOperation {
        category: words(&request.category),
        product: words(&request.product),
        operation: words(&request.operation),
        identity_always: request.identity_always,
        protected: request.protected,
    };
    let caller = caller.acting(request.actor);
    let set = app.service.set_operation(&caller, &key, &wanted).await?;
    Ok(json(&operation(set)))
}

fn words(words: &NewWords) -> Words {
    Words {
        en: words.en.as_str().to_owned(),
        zh: words.zh.as_str().to_owned(),
    }
}
