//! `GET /v1/tokens`

use api::{Problem, ProblemCode, TokenPage, TokenQuery, TokenState};
use axum::extract::State;
use service::{TokenFilter, TokenStatus};

use super::token;
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, Queried},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems = Problems::keyed(&[]);

/// The inventory, by serial number
///
/// Role: inventory. Never shows a secret.
#[utoipa::path(
    get,
    path = "/v1/tokens",
    tag = "tokens",
    params(TokenQuery),
    responses((status = 200, description = "A page of it.", body = TokenPage)),
)]
pub(super) async fn list_tokens(
    State(app): State<App>,
    caller: Authorized,
    Queried(query): Queried<TokenQuery>,
) -> Answer {
    let limit = query.limit.get();
    let filter = TokenFilter {
        status: query.state.map(status),
        lot: query.batch,
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
    let items = found.into_iter().map(token).collect();
    Ok(json(&TokenPage { items, next_cursor }))
}

fn status(state: TokenState) -> TokenStatus {
    match state {
        TokenState::Imported => TokenStatus::Imported,
        TokenState::Assigned => TokenStatus::Assigned,
        TokenState::Bound => TokenStatus::Bound,
        TokenState::Lost => TokenStatus::Lost,
        TokenState::Returned => TokenStatus::Returned,
        TokenState::Retired => TokenStatus::Retired,
    }
}
