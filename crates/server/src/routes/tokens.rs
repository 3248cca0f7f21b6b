use api::{FindByCodeRequest, FoundTokens, Problem, ProblemCode, TokenChangeRequest, TokenGoal, TokenPage, TokenQuery};
use axum::extract::{Query, State, rejection::QueryRejection};
use service::{Owner, Passage, Role, ServiceError, TokenFilter};

use crate::{
    App, convert,
    extract::{Authorized, Json, PathName},
    problem::{Answer, Rejection, json},
};

const DESK: &[Role] = &[Role::Inventory];
const DESK_OR_SUPPORT: &[Role] = &[Role::Inventory, Role::Support];

/// The inventory is of all accounts, so a key that is limited to some does not see it.
pub(super) fn may(caller: &Authorized, roles: &[Role]) -> Result<(), Rejection> {
    caller.caller.has(roles)?;
    if caller.caller.limited() {
        let why = "this key is limited to some accounts, and the inventory is of all";
        return Err(ServiceError::Forbidden(why.into()).into());
    }
    Ok(())
}

/// `GET /v1/tokens`
pub(crate) async fn list(
    State(app): State<App>,
    caller: Authorized,
    query: Result<Query<TokenQuery>, QueryRejection>,
) -> Answer {
    let Query(query) = query.map_err(|error| Problem::new(ProblemCode::InvalidRequest, error.body_text()))?;
    may(&caller, DESK)?;
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
        app.service.drifting_tokens(query.cursor, limit).await?
    } else {
        let found = app.service.tokens(filter, query.cursor, limit).await?;
        let full = found.len() == limit as usize;
        let last = found.last().filter(|_| full).map(|token| token.serial_number.clone());
        (found, last)
    };
    let items = found.into_iter().map(convert::token).collect();
    Ok(json(&TokenPage { items, next_cursor }))
}

/// `GET /v1/tokens/{serial_number}`
pub(crate) async fn get(State(app): State<App>, caller: Authorized, PathName(serial_number): PathName) -> Answer {
    may(&caller, DESK_OR_SUPPORT)?;
    Ok(json(&convert::token(app.service.token(&serial_number).await?)))
}

/// `PATCH /v1/tokens/{serial_number}`
pub(crate) async fn change(
    State(app): State<App>,
    caller: Authorized,
    PathName(serial_number): PathName,
    Json(request): Json<TokenChangeRequest>,
) -> Answer {
    may(&caller, DESK_OR_SUPPORT)?;
    if request.state != TokenGoal::Lost {
        may(&caller, DESK)?;
    }
    let passage = match (request.state, request.account, request.user) {
        (TokenGoal::Assigned, Some(account), Some(user)) => {
            Passage::Assign(Owner::new(account.into_inner(), user.into_inner()))
        }
        (TokenGoal::Assigned, ..) => {
            let detail = "state says assigned and not to whom: give account and user";
            return Err(Problem::new(ProblemCode::InvalidRequest, detail).into());
        }
        (TokenGoal::Imported, ..) => Passage::Unassign,
        (TokenGoal::Lost, ..) => Passage::Lose,
        (TokenGoal::Returned, ..) => Passage::Return,
        (TokenGoal::Retired, ..) => Passage::Retire,
    };
    let origin = caller.acting(request.actor);
    let moved = app.service.move_token(&serial_number, &passage, &origin).await?;
    Ok(json(&convert::token(moved)))
}

/// `POST /v1/tokens/find-by-code`
pub(crate) async fn find_by_code(
    State(app): State<App>,
    caller: Authorized,
    Json(request): Json<FindByCodeRequest>,
) -> Answer {
    may(&caller, DESK_OR_SUPPORT)?;
    let origin = caller.acting(request.actor);
    let codes: Vec<_> = request.codes.into_inner().into_iter().map(convert::typed).collect();
    let found = match &codes[..] {
        [first, second] => app.service.find_bound([first, second], &origin).await?,
        [code] => app.service.find_unbound(code, &origin).await?,
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
