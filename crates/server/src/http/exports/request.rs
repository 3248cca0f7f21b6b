//! `POST /v1/exports`

use api::{Export, ExportRequest, IdempotencyHeader, Name, Problem, ProblemCode};
use axum::extract::State;
use service::{ExportedTokens, NewExport};

use super::export;
use crate::{
    answer::created,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, Creating},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::Conflict, ProblemCode::IdempotencyKeyReused]);

/// Asks that seeds leave
///
/// Role: admin. Only of tokens that nobody has bound. Nothing leaves before another person has approved: another actor,
/// whose key another owner answers for. It waits for 24 hours.
#[utoipa::path(
    post,
    path = "/v1/exports",
    tag = "tokens",
    params(IdempotencyHeader),
    request_body(content = ExportRequest, example = json!({
        "serial_numbers": ["CS-000042"], "recipient": "Branch office, 2026",
        "key_base64": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "actor": {"id": "desk-3", "kind": "admin"},
    })),
    responses((status = 201, description = "The export, to be approved.", body = Export)),
)]
pub(super) async fn request_export(
    State(app): State<App>,
    caller: Authorized,
    Creating { request, key }: Creating<ExportRequest>,
) -> Answer {
    let wanted = NewExport {
        tokens: tokens(request.serial_numbers, request.batch)?,
        recipient: request.recipient.as_str().to_owned(),
        key: request.key_base64.into_inner(),
    };
    let caller = caller.acting(request.actor).with_idempotency_key(key);
    let requested = app.service.request_export(&caller, wanted).await?;
    Ok(created(&export(requested)))
}

fn tokens(serial_numbers: Option<Vec<Name>>, batch: Option<Name>) -> Result<ExportedTokens, Problem> {
    match (serial_numbers, batch) {
        (Some(named), None) => {
            let text = |name: &Name| name.as_str().to_owned();
            Ok(ExportedTokens::Named(named.iter().map(text).collect()))
        }
        (None, Some(batch)) => Ok(ExportedTokens::UnboundOf(batch.as_str().to_owned())),
        (None, None) | (Some(_), Some(_)) => {
            let detail = "tokens are named by serial_numbers, or by batch: give one of them";
            Err(Problem::new(ProblemCode::InvalidRequest, detail).with_field("serial_numbers"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_named_one_by_one_or_by_their_batch() {
        let name = |text| Name::new(text).unwrap();
        let named = tokens(Some(vec![name("CS-000042")]), None).unwrap();
        assert_eq!(named, ExportedTokens::Named(vec!["CS-000042".into()]));
        let of_a_batch = tokens(None, Some(name("2026-11"))).unwrap();
        assert_eq!(of_a_batch, ExportedTokens::UnboundOf("2026-11".into()));
        for problem in [tokens(None, None), tokens(Some(vec![]), Some(name("2026-11")))] {
            assert_eq!(problem.unwrap_err().field.as_deref(), Some("serial_numbers"));
        }
    }
}
