//! Endpoints of the inventory of hardware tokens.

use api::{
    FindByCodeRequest, FoundTokens, ImportQuery, ImportReceipt, ImportRefusal, ImportRequest, Problem, ProblemCode,
    SeedEncoding, TokenChangeRequest, TokenGoal, TokenPage, TokenQuery,
};
use axum::{body::Body, extract::State, http::Request};
use service::{Encoding, NewImport, OpenedBy, Owner, Role, SeedFile, TokenFilter, TokenTransition};

use crate::{
    App, convert,
    extract::{Authorized, Json, PathName, Queried},
    problem::{Answer, json},
};

/// `POST /v1/tokens/import`: the role first, for the body may be long.
pub(crate) async fn import(
    State(app): State<App>,
    caller: Authorized,
    Queried(ImportQuery { dry_run }): Queried<ImportQuery>,
    request: Request<Body>,
) -> Answer {
    caller.0.may(&[Role::Inventory])?;
    let (request, _room): (ImportRequest, _) = app.imports.read(request).await?;
    let opened_by = match (request.password, request.key_base64) {
        (None, None) => OpenedBy::Nothing,
        (Some(password), None) => OpenedBy::Password(password.into_inner()),
        (None, Some(key)) => OpenedBy::Key(key.into_inner()),
        (Some(_), Some(_)) => {
            let detail = "password and key_base64 are both there: a file is opened by one of them";
            return Err(Problem::new(ProblemCode::InvalidRequest, detail)
                .with_field("password")
                .into());
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
        batch: request.batch.as_str().to_owned(),
        dry_run,
        allow_short_secrets: request.allow_short_secrets,
    };
    let caller = caller.acting(request.actor);
    let receipt = app.service.import_file(&caller, file, &wanted).await?;
    let refusals = receipt.refusals.into_iter().map(|refused| ImportRefusal {
        serial_number: refused.serial_number,
        why: refused.why,
    });
    Ok(json(&ImportReceipt {
        dry_run,
        format: receipt.format.unwrap_or_default().to_owned(),
        count: u32::try_from(receipt.count).unwrap_or(u32::MAX),
        imported: u32::try_from(receipt.imported).unwrap_or(u32::MAX),
        duplicates: receipt.duplicates,
        refusals: refusals.collect(),
        remarks: receipt.remarks,
    }))
}

/// `GET /v1/tokens`
pub(crate) async fn list(State(app): State<App>, caller: Authorized, Queried(query): Queried<TokenQuery>) -> Answer {
    let limit = query.limit.get();
    let filter = TokenFilter {
        stage: query.state.map(convert::stage),
        batch: query.batch,
    };
    let (found, next_cursor) = if query.drifting {
        if filter != TokenFilter::default() {
            let detail = "drifting tokens are bound ones of all batches: leave out state and batch";
            return Err(Problem::new(ProblemCode::InvalidRequest, detail)
                .with_field("drifting")
                .into());
        }
        app.service.drifting_tokens(&caller.0, query.cursor, limit).await?
    } else {
        let found = app.service.tokens(&caller.0, filter, query.cursor, limit).await?;
        let full = found.len() == limit as usize;
        let last = found.last().filter(|_| full).map(|token| token.serial_number.clone());
        (found, last)
    };
    let items = found.into_iter().map(convert::token).collect();
    Ok(json(&TokenPage { items, next_cursor }))
}

/// `GET /v1/tokens/{serial_number}`
pub(crate) async fn get(State(app): State<App>, caller: Authorized, PathName(serial_number): PathName) -> Answer {
    Ok(json(&convert::token(
        app.service.token(&caller.0, &serial_number).await?,
    )))
}

/// `PATCH /v1/tokens/{serial_number}`
pub(crate) async fn change(
    State(app): State<App>,
    caller: Authorized,
    PathName(serial_number): PathName,
    Json(request): Json<TokenChangeRequest>,
) -> Answer {
    let passage = match (request.state, request.account, request.user) {
        (TokenGoal::Assigned, Some(account), Some(user)) => {
            TokenTransition::Assign(Owner::new(account.into_inner(), user.into_inner()))
        }
        (TokenGoal::Assigned, ..) => {
            let detail = "state says assigned and not to whom: give account and user";
            return Err(Problem::new(ProblemCode::InvalidRequest, detail).into());
        }
        (TokenGoal::Imported, ..) => TokenTransition::Unassign,
        (TokenGoal::Lost, ..) => TokenTransition::Lose,
        (TokenGoal::Returned, ..) => TokenTransition::Return,
        (TokenGoal::Retired, ..) => TokenTransition::Retire,
    };
    let caller = caller.acting(request.actor);
    let moved = app.service.move_token(&caller, &serial_number, &passage).await?;
    Ok(json(&convert::token(moved)))
}

/// `POST /v1/tokens/find-by-code`
pub(crate) async fn find_by_code(
    State(app): State<App>,
    caller: Authorized,
    Json(request): Json<FindByCodeRequest>,
) -> Answer {
    let caller = caller.acting(request.actor);
    let codes: Vec<_> = request.codes.into_inner().into_iter().map(convert::typed).collect();
    let found = match &codes[..] {
        [first, second] => app.service.find_bound(&caller, [first, second]).await?,
        [code] => app.service.find_unbound(&caller, code).await?,
        _ => {
            let detail = "codes has neither one code nor two";
            return Err(Problem::new(ProblemCode::InvalidRequest, detail)
                .with_field("codes")
                .into());
        }
    };
    let items = found.into_iter().map(convert::token).collect();
    Ok(json(&FoundTokens { items }))
}
