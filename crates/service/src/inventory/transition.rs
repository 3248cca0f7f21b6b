//! Transitions of a token's status: assigned, lost, returned, retired.

use serde_json::json;
use store::{Change, EnrollmentState, Outcome, Owner, Token, TokenState, TokenStatus, Write};

use crate::{
    Caller, Core, Service, ServiceError, TokenView, access::caller::Origin, attempt::Attempt,
    devices::ending::without_grants, enrollment::state::becomes, inventory::DESK, inventory::DESK_OR_SUPPORT,
    inventory::INVENTORY, inventory::tokens::find, trail::event::NewEvent,
};

/// A transition of a token's status, by the desk or support.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenTransition {
    /// It is meant for this user and nobody else.
    Assign(Owner),
    /// It is nobody's again.
    Unassign,
    /// Nobody knows where it is: its codes are refused from now on.
    Lose,
    /// It is here, to be provisioned anew.
    Return,
    /// It will not be used again.
    Retire,
}

/// A kind of transition, whoever it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenMove {
    /// [`TokenTransition::Assign`].
    Assign,
    /// [`TokenTransition::Unassign`].
    Unassign,
    /// [`TokenTransition::Lose`].
    Lose,
    /// [`TokenTransition::Return`].
    Return,
    /// [`TokenTransition::Retire`].
    Retire,
}

impl TokenView {
    /// The transitions that its state allows.
    pub fn moves(&self) -> &'static [TokenMove] {
        use TokenMove::{Assign, Lose, Retire, Return, Unassign};
        match (self.status, self.device) {
            (TokenStatus::Imported, _) => &[Assign, Lose, Return, Retire],
            (TokenStatus::Assigned, _) => &[Assign, Unassign, Lose, Return, Retire],
            (TokenStatus::Bound, _) => &[Lose],
            (TokenStatus::Lost, None) => &[Return, Retire],
            (TokenStatus::Returned, _) => &[Retire],
            (TokenStatus::Lost, Some(_)) | (TokenStatus::Retired, _) => &[],
        }
    }
}

impl TokenTransition {
    fn action(&self) -> &'static str {
        match self {
            Self::Assign(_) => "token.assign",
            Self::Unassign => "token.unassign",
            Self::Lose => "token.lose",
            Self::Return => "token.return",
            Self::Retire => "token.retire",
        }
    }

    fn taken(&self, from: TokenState) -> Option<TokenState> {
        match self {
            Self::Assign(owner) => from.assigned(owner.clone()),
            Self::Unassign => from.unassigned(),
            Self::Lose => from.lost(),
            Self::Return => from.returned(),
            Self::Retire => from.retired(),
        }
    }
}

impl Service {
    /// Moves a token on in its life. A lost one's device is judged no more, by the same change, and what its codes may have
    /// opened ends: grants, trust in browsers, bindings under way.
    pub async fn move_token(
        &self,
        caller: &Caller,
        serial_number: &str,
        passage: &TokenTransition,
    ) -> Result<TokenView, ServiceError> {
        let roles = if *passage == TokenTransition::Lose {
            DESK_OR_SUPPORT
        } else {
            DESK
        };
        caller.may_for_all(roles, INVENTORY)?;
        // Whoever erases a user leaves no token that waits for them.
        let _turn = match passage {
            TokenTransition::Assign(owner) => Some(self.core.lock_user(owner).await?),
            _ => None,
        };
        pass(&self.core, serial_number, passage, caller.origin()).await
    }
}

/// Moves a token to another status; its caller has checked the right.
pub(crate) async fn pass(
    core: &Core,
    serial_number: &str,
    passage: &TokenTransition,
    origin: &Origin,
) -> Result<TokenView, ServiceError> {
    let mut attempts = core.attempts(origin);
    loop {
        if let Some(done) = try_move(&attempts.next()?, serial_number, passage).await? {
            return Ok(done);
        }
    }
}

async fn try_move(
    attempt: &Attempt<'_>,
    serial_number: &str,
    passage: &TokenTransition,
) -> Result<Option<TokenView>, ServiceError> {
    let Attempt { core, origin, now } = *attempt;
    let token = find(core, serial_number).await?;
    let from = token.state.status();
    let Some(state) = passage.taken(token.state.clone()) else {
        return Err(ServiceError::TokenState {
            status: from.name(),
            why: why_not(&token),
        });
    };
    let mut writes = Vec::new();
    if *passage == TokenTransition::Lose
        && let Some((owner, device)) = Option::zip(token.state.owner(), token.state.device())
    {
        let user = core.store.user(owner.clone()).await?;
        let lost = user.and_then(|user| {
            let state = user.device(device)?.state.lost();
            Some(without_grants(user.with_state(device, state), now))
        });
        // Unbound since the token was read.
        let Some(lost) = lost else { return Ok(None) };
        // Whoever has it may have been at work.
        writes.push(core.end_trusted_devices(&lost).await?);
        for enrollment in core.store.open_enrollments(owner.clone()).await? {
            writes.push(becomes(&enrollment, EnrollmentState::abandoned)?);
        }
        writes.push(lost.used());
    }
    let detail = json!({"serial_number": token.serial_number, "batch": token.lot, "from": from.name()});
    let entry = NewEvent::new(passage.action(), "done", origin).detail(detail);
    // Whose it is, or was meant to be.
    let owner = state.owner().or(token.state.owner()).cloned();
    let entry = if owner.is_some() { entry.of_user() } else { entry };
    let entry = match token.state.device() {
        Some(device) => entry.device(device),
        None => entry,
    };
    let event = match &owner {
        Some(owner) => core.event_of(&core.row(owner, now).await?, &entry, now).await?,
        None => core.event(&entry, now)?,
    };
    let next = token.clone().become_state(state, now);
    let moved = TokenView::of(&next);
    writes.push(Write::put(Some(token.version), &next));
    let done = core.commit(vec![Change::of(event).with(writes)]).await? == [Outcome::Done];
    Ok(done.then_some(moved))
}

fn why_not(token: &Token) -> &'static str {
    match &token.state {
        TokenState::Bound { .. } => "its user unbinds it first, or support marks it lost",
        TokenState::Lost { bound: Some(_) } => "its user unbinds it first, by a recovery code",
        TokenState::Imported { .. } | TokenState::Assigned { .. } => "it is not assigned to anybody",
        TokenState::Lost { bound: None } => "once found it can be returned, then imported with a new secret",
        TokenState::Returned => "import it with a new secret first, or retire it",
        TokenState::Retired => "a retired token has no further life",
    }
}
