//! `POST /v1/tokens/import`

use api::{ImportQuery, ImportReceipt, ImportRefusal, ImportRequest, Problem, ProblemCode, SeedEncoding};
use axum::{body::Body, extract::State, http::Request};
use service::{Encoding, NewImport, OpenedBy, Receipt, Role, SeedFile};

use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, Queried},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[ProblemCode::Conflict]);

/// Takes the tokens of a seed file into the inventory
///
/// Role: inventory. At most 10,000 tokens a call, and 32 MiB: they come in by one commit, all of them or, where one is a
/// duplicate or refused, none; `imported` says which, and of a dry run `remarks`. A secret has at least 128 bits. Neither file nor key ever stands in a URL or a log.
#[utoipa::path(
    post,
    path = "/v1/tokens/import",
    tag = "tokens",
    params(ImportQuery),
    request_body(content = ImportRequest, example = json!({
        "batch": "2026-11", "file_base64": "c2VyaWFsLHNlZWQKQ1MtMDAwMDQyLDMxMzIzMzM0MzUzNjM3MzgzOTMwMzEzMjMzMzQzNTM2MzczODM5MzAK",
        "actor": {"id": "desk-3", "kind": "admin"},
    })),
    responses((status = 200, description = "The receipt, also of an import that took nothing in.", body = ImportReceipt)),
)]
pub(super) async fn import_tokens(
    State(app): State<App>,
    caller: Authorized,
    Queried(ImportQuery { dry_run }): Queried<ImportQuery>,
    request: Request<Body>,
) -> Answer {
    // The role first, for the body may be long.
    caller.0.may(&[Role::Inventory])?;
    let (request, _room): (ImportRequest, _) = app.imports.read(request).await?;
    let (file, wanted, actor) = wanted(request, dry_run)?;
    let receipt = app.service.import_file(&caller.acting(actor), file, &wanted).await?;
    Ok(json(&receipt_of(receipt, dry_run)))
}

fn wanted(request: ImportRequest, dry_run: bool) -> Result<(SeedFile, NewImport, api::Actor), Problem> {
    let opened_by = match (request.password, request.key_base64) {
        (None, None) => OpenedBy::Nothing,
        (Some(password), None) => OpenedBy::Password(password.into_inner()),
        (None, Some(key)) => OpenedBy::Key(key.into_inner()),
        (Some(_), Some(_)) => {
            let detail = "password and key_base64 are both there: a file is opened by one of them";
            return Err(Problem::new(ProblemCode::InvalidRequest, detail).with_field("password"));
        }
    };
    let encoding = request.encoding.map(|encoding| match encoding {
        SeedEncoding::Hex => Encoding::Hex,
        SeedEncoding::Base32 => Encoding::Base32,
    });
    let file = SeedFile {
        bytes: request.file_base64.into_inner(),
        opened_by,
        encoding,
    };
    let wanted = NewImport {
        lot: request.batch.as_str().to_owned(),
        dry_run,
        allow_short_secrets: request.allow_short_secrets,
    };
    Ok((file, wanted, request.actor))
}

fn receipt_of(receipt: Receipt, dry_run: bool) -> ImportReceipt {
    let refusals = receipt.refusals.into_iter().map(|refused| ImportRefusal {
        why: refused.why(),
        serial_number: refused.serial_number,
    });
    ImportReceipt {
        dry_run,
        format: receipt.format.unwrap_or_default().to_owned(),
        count: u32::try_from(receipt.count).unwrap_or(u32::MAX),
        imported: u32::try_from(receipt.imported).unwrap_or(u32::MAX),
        duplicates: receipt.duplicates,
        refusals: refusals.collect(),
        remarks: receipt.remarks.iter().map(ToString::to_string).collect(),
    }
}

#[cfg(test)]
mod tests {
    use api::read_json;
    use serde_json::{Value, json};

    use super::*;

    fn asked(fields: Value) -> Result<(SeedFile, NewImport, api::Actor), Problem> {
        let mut body = json!({"batch": "2026-11", "file_base64": "AAEC", "actor": {"id": "desk-3", "kind": "admin"}});
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        wanted(read_json(body.to_string().as_bytes()).unwrap(), true)
    }

    #[test]
    fn a_file_is_opened_by_nothing_a_password_or_a_key() {
        let (file, wanted, _) = asked(json!({"encoding": "base32"})).unwrap();
        assert!(matches!(file.opened_by, OpenedBy::Nothing));
        assert_eq!((&**file.bytes, file.encoding), (&[0, 1, 2][..], Some(Encoding::Base32)));
        assert!(wanted.dry_run && wanted.lot == "2026-11" && !wanted.allow_short_secrets);
        let (file, ..) = asked(json!({"password": "open"})).unwrap();
        assert!(matches!(file.opened_by, OpenedBy::Password(password) if *password == "open"));
        let (file, ..) = asked(json!({"key_base64": "Aw=="})).unwrap();
        assert!(matches!(file.opened_by, OpenedBy::Key(key) if **key == [3]));
    }

    #[test]
    fn and_not_by_both() {
        let problem = asked(json!({"password": "open", "key_base64": "Aw=="})).err().unwrap();
        assert_eq!(problem.field.as_deref(), Some("password"));
    }
}
