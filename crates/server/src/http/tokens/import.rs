//! `POST /v1/tokens/import`

use api::{
    HintAlgorithm, ImportQuery, ImportReceipt, ImportRefusal, ImportRequest, Problem, ProblemCode, SeedEncoding,
};
use axum::{body::Body, extract::State, http::Request};
use service::{Algorithm, Digits, Encoding, NewImport, OpenedBy, Period, Receipt, Role, SeedFile, SeedOptions};

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
/// duplicate or refused, none, unless `skip_unusable` says to take the rest. `usable` says how many can come in, `imported` how
/// many did, `remarks` why not the others. A secret has at least 128 bits. Neither file nor key ever stands in a URL or a log.
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
    let options = options(&request)?;
    let opened_by = match (request.password, request.key_base64) {
        (None, None) => OpenedBy::Nothing,
        (Some(password), None) => OpenedBy::Password(password.into_inner()),
        (None, Some(key)) => OpenedBy::Key(key.into_inner()),
        (Some(_), Some(_)) => {
            let detail = "password and key_base64 are both there: a file is opened by one of them";
            return Err(unfit("password", detail));
        }
    };
    let file = SeedFile {
        bytes: request.file_base64.into_inner(),
        opened_by,
        options,
    };
    let wanted = NewImport {
        lot: request.batch.as_str().to_owned(),
        dry_run,
        allow_short_secrets: request.allow_short_secrets,
        skip_unusable: request.skip_unusable,
    };
    Ok((file, wanted, request.actor))
}

/// What is known of the tokens beside the file.
fn options(request: &ImportRequest) -> Result<SeedOptions, Problem> {
    let digits = request.digits.map(|digits| {
        Digits::new(digits).ok_or_else(|| unfit("digits", "digits is not 6, 7 or 8, which is what tokens show"))
    });
    let period = request
        .period_s
        .map(|period_s| Period::new_s(period_s).ok_or_else(|| unfit("period_s", "period_s is not 1 to 3600 seconds")));
    Ok(SeedOptions {
        encoding: request.encoding.map(|encoding| match encoding {
            SeedEncoding::Hex => Encoding::Hex,
            SeedEncoding::Base32 => Encoding::Base32,
        }),
        hash: request.hash.map(|hash| match hash {
            HintAlgorithm::Sha1 => Algorithm::Sha1,
            HintAlgorithm::Sha256 => Algorithm::Sha256,
            HintAlgorithm::Sha512 => Algorithm::Sha512,
        }),
        digits: digits.transpose()?,
        period: period.transpose()?,
    })
}

fn unfit(field: &str, detail: &'static str) -> Problem {
    Problem::new(ProblemCode::InvalidRequest, detail).with_field(field)
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
        usable: u32::try_from(receipt.usable).unwrap_or(u32::MAX),
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
        let encoding = Some(Encoding::Base32);
        let options = SeedOptions {
            encoding,
            ..SeedOptions::default()
        };
        assert_eq!((&**file.bytes, file.options), (&[0, 1, 2][..], options));
        assert!(wanted.dry_run && wanted.lot == "2026-11");
        assert!(!wanted.allow_short_secrets && !wanted.skip_unusable);
        let (file, ..) = asked(json!({"password": "open"})).unwrap();
        assert!(matches!(file.opened_by, OpenedBy::Password(password) if *password == "open"));
        let (file, ..) = asked(json!({"key_base64": "Aw=="})).unwrap();
        assert!(matches!(file.opened_by, OpenedBy::Key(key) if **key == [3]));
    }

    #[test]
    fn what_is_known_beside_the_file_is_told_to_its_reader() {
        let fields = json!({"hash": "SHA512", "digits": 8, "period_s": 60, "skip_unusable": true});
        let (file, wanted, _) = asked(fields).unwrap();
        assert_eq!(file.options.hash, Some(Algorithm::Sha512));
        assert_eq!(file.options.digits, Digits::new(8));
        assert_eq!(file.options.period, Period::new_s(60));
        assert!(wanted.skip_unusable);
        for (field, value) in [("digits", 5), ("digits", 9), ("period_s", 0), ("period_s", 3_601)] {
            let problem = asked(json!({field: value})).err().unwrap();
            assert_eq!(problem.field.as_deref(), Some(field), "{value}");
        }
    }

    #[test]
    fn and_not_by_both() {
        let problem = asked(json!({"password": "open", "key_base64": "Aw=="})).err().unwrap();
        assert_eq!(problem.field.as_deref(), Some("password"));
    }
}
