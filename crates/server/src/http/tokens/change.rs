//! `PATCH /v1/tokens/{serial_number}`

use api::{Name, Problem, ProblemCode, Token, TokenChangeRequest, TokenGoal, TokenPath};
use axum::extract::State;
use service::{TokenTransition, UserNames};

use super::token;
use crate::{
    answer::json,
    http::{
        app::App,
        document::Problems,
        extract::{Authorized, Json, PathName},
        problem::Answer,
    },
};

pub(super) const PROBLEMS: Problems =
    Problems::keyed(&[ProblemCode::NotFound, ProblemCode::TokenState, ProblemCode::Conflict]);

/// Moves a token on in its life
///
/// Role: inventory or support. Support may only say that it is lost. A bound one is first unbound by its user, or lost.
#[utoipa::path(
    patch,
    path = "/v1/tokens/{serial_number}",
    tag = "tokens",
    params(TokenPath),
    request_body(
        content = TokenChangeRequest,
        examples(
            ("assigned" = (summary = "It is meant for this user", value = json!({
                "state": "assigned", "account": "acme", "user": "alice", "actor": {"id": "desk-3", "kind": "admin"},
            }))),
            ("lost" = (summary = "Its codes are refused from now on", value = json!({
                "state": "lost", "actor": {"id": "desk-14", "kind": "support"},
            }))),
        ),
    ),
    responses((status = 200, description = "The token.", body = Token)),
)]
pub(super) async fn change_token(
    State(app): State<App>,
    caller: Authorized,
    PathName(serial_number): PathName,
    Json(request): Json<TokenChangeRequest>,
) -> Answer {
    let transition = transition(app.user_names(), (request.state, request.account, request.user))?;
    let caller = caller.acting(request.actor);
    let moved = app.service.move_token(&caller, &serial_number, &transition).await?;
    Ok(json(&token(moved)))
}

fn transition(
    names: UserNames,
    (goal, account, user): (TokenGoal, Option<Name>, Option<Name>),
) -> Result<TokenTransition, Problem> {
    Ok(match (goal, account, user) {
        (TokenGoal::Assigned, Some(account), Some(user)) => {
            TokenTransition::Assign(names.owner(account.into_inner(), user.into_inner()))
        }
        (TokenGoal::Assigned, ..) => {
            let detail = "state says assigned and not to whom: give account and user";
            return Err(Problem::new(ProblemCode::InvalidRequest, detail));
        }
        (TokenGoal::Imported, ..) => TokenTransition::Unassign,
        (TokenGoal::Lost, ..) => TokenTransition::Lose,
        (TokenGoal::Returned, ..) => TokenTransition::Return,
        (TokenGoal::Retired, ..) => TokenTransition::Retire,
    })
}

#[cfg(test)]
mod tests {
    use service::Owner;

    use super::*;

    #[test]
    fn a_goal_is_reached_by_one_transition() {
        for (goal, expected) in [
            (TokenGoal::Imported, TokenTransition::Unassign),
            (TokenGoal::Lost, TokenTransition::Lose),
            (TokenGoal::Returned, TokenTransition::Return),
            (TokenGoal::Retired, TokenTransition::Retire),
        ] {
            assert_eq!(transition(UserNames::Exact, (goal, None, None)).unwrap(), expected);
        }
    }

    #[test]
    fn a_token_is_assigned_to_somebody() {
        let name = |text| Some(Name::new(text).unwrap());
        assert_eq!(
            transition(
                UserNames::CaseInsensitive,
                (TokenGoal::Assigned, name("acme"), name("Alice"))
            )
            .unwrap(),
            TokenTransition::Assign(Owner::new("acme", "alice"))
        );
        transition(UserNames::Exact, (TokenGoal::Assigned, name("acme"), None)).unwrap_err();
    }
}
