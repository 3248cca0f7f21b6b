//! Whose token is this? Support knows the code it shows, and nothing else.

use std::{collections::VecDeque, sync::Arc};

use otp::{Code, Parameters, Secret, Step};
use serde_json::json;
use store::{Bound, BoundToken, Change, Outcome, Pending, UnreadToken};
use tokio::task::spawn_blocking;
use verify::{DeviceState, NextCode, UnboundToken, UnixMs, recognise, shown_by};
use zeroize::Zeroizing;

use crate::{
    Caller, Core, Input, Service, ServiceError, TokenView,
    access::allowance::{Limit, spend},
    access::caller::Origin,
    attempt::Attempt,
    inventory::DESK_OR_SUPPORT,
    inventory::INVENTORY,
    sealing::{credential_of, secret_of_unbound},
    trail::event::NewEvent,
};

/// Tokens that are read and unsealed at once.
const PAGE: u32 = 4_096;
/// Pages that are looked at while the next one is read: to look takes longer.
const LOOKED_AT: usize = 2;
/// Tokens whose codes are computed at once.
const TOGETHER: usize = 256;
/// A right code of one token in so many is another one's too: more are no answer.
const FOUND_MAX: usize = 20;

/// The clue that a token is searched by.
enum Clue {
    /// Nobody has bound it, and it shows this.
    Unbound(Arc<Code>),
    /// It is bound, and showed these two in a row.
    Bound(Arc<[Code; 2]>),
}

/// Held by whoever looks through all tokens: one at a time.
#[derive(Default)]
pub(crate) struct TokenSearch(tokio::sync::Mutex<()>);

impl Service {
    /// Tokens that nobody has bound and that show this code now. A million tokens have a few codes in common.
    pub async fn find_unbound(
        &self,
        caller: &Caller,
        code: &Zeroizing<String>,
    ) -> Result<Vec<TokenView>, ServiceError> {
        caller.may_for_all(DESK_OR_SUPPORT, INVENTORY)?;
        let origin = caller.origin();
        let code = Code::parse(code).map_err(|_| malformed())?;
        search(&self.core, &Clue::Unbound(code.into()), origin).await
    }

    /// Tokens that are bound, or lost while they were, and that showed these two consecutive codes. Both are burned.
    pub async fn find_bound(
        &self,
        caller: &Caller,
        codes: [&Zeroizing<String>; 2],
    ) -> Result<Vec<TokenView>, ServiceError> {
        caller.may_for_all(DESK_OR_SUPPORT, INVENTORY)?;
        let origin = caller.origin();
        let [Ok(first), Ok(second)] = codes.map(|code| Code::parse(code)) else {
            return Err(malformed());
        };
        search(&self.core, &Clue::Bound([first, second].into()), origin).await
    }
}

/// Counts, looks, burns, and says so in the trail; all of it is durable before the answer.
///
/// Each of these is a change of its own, for they are of several users, and each is safe alone: a question that was counted
/// and came to nothing, a code that was burned and found nobody.
async fn search(core: &Arc<Core>, clue: &Clue, origin: &Origin) -> Result<Vec<TokenView>, ServiceError> {
    // It is all tokens' work: one at a time.
    let _turn = core.token_search.0.lock().await;
    count(core, origin).await?;
    let mut found = Vec::new();
    match clue {
        Clue::Unbound(code) => {
            let now = core.clock.now()?;
            found = unbound(core, code, now).await?;
        }
        Clue::Bound(codes) => burn(core, codes, origin, &mut found).await?,
    }
    let serial_numbers: Vec<_> = found.iter().map(|view| &view.serial_number).collect();
    let outcome = if found.is_empty() { "refused" } else { "done" };
    let entry = NewEvent::new("token.find_by_code", outcome, origin)
        .count(found.len() as u64)
        .detail(json!({"serial_numbers": serial_numbers}));
    let event = core.event(&entry, core.clock.now()?)?;
    core.commit(vec![Change::of(event)]).await?;
    Ok(found)
}

/// Takes the question from its allowances.
async fn count(core: &Core, origin: &Origin) -> Result<(), ServiceError> {
    let limits = Limit::of("find_by_code", core.settings.find_by_code_per_hour, origin);
    let mut attempts = core.attempts(origin);
    loop {
        let counted = spend(core, &limits, attempts.next()?.now).await?;
        let outcomes = core.commit(counted).await?;
        if outcomes.iter().all(|outcome| *outcome == Outcome::Done) {
            return Ok(());
        }
    }
}

/// Finds the devices that showed these codes, and burns them. What a device's user overtakes is looked at again.
async fn burn(
    core: &Arc<Core>,
    codes: &Arc<[Code; 2]>,
    origin: &Origin,
    found: &mut Vec<TokenView>,
) -> Result<(), ServiceError> {
    let mut attempts = core.attempts(origin);
    loop {
        let attempt = attempts.next()?;
        let mut overtaken = false;
        for (token, next) in bound(core, codes, attempt.now).await? {
            match burn_one(&attempt, &token, next).await? {
                Some(view) => found.push(view),
                None => overtaken = true,
            }
        }
        if !overtaken {
            return Ok(());
        }
    }
}

async fn burn_one(
    attempt: &Attempt<'_>,
    BoundToken { token, bound }: &BoundToken,
    next: DeviceState,
) -> Result<Option<TokenView>, ServiceError> {
    let device = bound.device.id;
    let row = attempt.core.store.user(bound.device.owner.clone()).await?;
    let Some(row) = row.filter(|row| row.device(device).is_some_and(|now| now.state == bound.state)) else {
        return Ok(None);
    };
    let entry = attempt
        .entry("token.find_by_code", "recognised")
        .of_user()
        .device(device)
        .detail(json!({"serial_number": token.serial_number}));
    let change = Change::of(attempt.event_of(&row, &entry).await?);
    let change = change.with([row.with_state(device, next.clone()).used()]);
    let burned = Bound {
        state: next,
        ..bound.clone()
    };
    attempt.commit(change, TokenView::of_bound(token, &burned)).await
}

fn malformed() -> ServiceError {
    let why = "codes of 6 to 8 digits: one of an unbound token, two consecutive ones of a bound token".into();
    ServiceError::Invalid {
        input: Input::Codes,
        why,
    }
}

/// Looks at pages of tokens, each on a thread of its own, while further ones are read; until enough are found.
async fn look_through<'a, T: Send + 'static, F: Send + 'static>(
    read: impl Fn(Option<String>) -> Pending<'a, Vec<T>>,
    serial_number: impl Fn(&T) -> &str,
    look: impl Fn(Vec<T>) -> Vec<F> + Clone + Send + 'static,
) -> Result<Vec<F>, ServiceError> {
    let stopped = |error| ServiceError::Internal(format!("the search stopped: {error}"));
    let mut found = Vec::new();
    let mut looking = VecDeque::new();
    let mut after = None;
    while found.len() < FOUND_MAX {
        let page = read(after).await?;
        let Some(last) = page.last() else { break };
        after = Some(serial_number(last).to_owned());
        let look = look.clone();
        looking.push_back(spawn_blocking(move || look(page)));
        if looking.len() > LOOKED_AT
            && let Some(oldest) = looking.pop_front()
        {
            found.extend(oldest.await.map_err(stopped)?);
        }
    }
    for rest in looking {
        found.extend(rest.await.map_err(stopped)?);
    }
    found.truncate(FOUND_MAX);
    Ok(found)
}

async fn unbound(core: &Arc<Core>, code: &Arc<Code>, now: UnixMs) -> Result<Vec<TokenView>, ServiceError> {
    let read = |after| core.store.unread_tokens(after, PAGE);
    let (of, code) = (core.clone(), code.clone());
    let shown = move |page: Vec<UnreadToken>| shown_among(&of, &page, &code, now);
    let found = look_through(read, UnreadToken::serial_number, shown).await?;
    let tokens = core.store.tokens_of(found).await?;
    // Whoever has bound one meanwhile has used another code of it.
    let unbound = tokens.iter().flatten().filter(|token| token.state.sealed().is_some());
    Ok(unbound.map(TokenView::of).collect())
}

/// The serial numbers of those that show this code.
fn shown_among(core: &Core, page: &[UnreadToken], code: &Code, now: UnixMs) -> Vec<String> {
    let mut found = Vec::new();
    for tokens in page.chunks(TOGETHER) {
        let opened: Vec<Opened<'_>> = tokens.iter().filter_map(|token| Opened::of(core, token)).collect();
        let unbound: Vec<_> = opened.iter().map(Opened::unbound).collect();
        let shown = shown_by(&unbound, code, now, &core.settings.policy);
        let shown = opened.iter().zip(shown).filter(|(_, shown)| *shown);
        found.extend(shown.map(|(opened, _)| opened.serial_number.to_owned()));
    }
    found
}

/// A token that nobody has bound, and its secret.
struct Opened<'a> {
    serial_number: &'a str,
    secret: Secret,
    parameters: Parameters,
    next: NextCode,
}

impl<'a> Opened<'a> {
    /// `None` for a token that is spoiled: it must not hide all others.
    fn of(core: &Core, token: &'a UnreadToken) -> Option<Self> {
        let spoiled = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, serial_number = token.serial_number(), "a token's secret does not open");
        };
        let unbound = token.read().inspect_err(|error| spoiled(error)).ok()?;
        let secret = secret_of_unbound(&unbound, &*core.sealer).inspect_err(|error| spoiled(error));
        let measured_offset_steps = unbound.measured_offset_steps;
        let time = NextCode::Time { measured_offset_steps };
        Some(Self {
            serial_number: unbound.serial_number,
            secret: secret.ok()?,
            parameters: unbound.parameters,
            next: unbound.counter.map_or(time, |next| NextCode::Counter(Step::new(next))),
        })
    }

    fn unbound(&self) -> UnboundToken<'_> {
        UnboundToken {
            secret: &self.secret,
            parameters: self.parameters,
            next: self.next,
        }
    }
}

type Recognised = Vec<(BoundToken, DeviceState)>;

async fn bound(core: &Arc<Core>, codes: &Arc<[Code; 2]>, now: UnixMs) -> Result<Recognised, ServiceError> {
    let read = |after| core.store.bound_tokens(after, PAGE);
    let (of, codes) = (core.clone(), codes.clone());
    let recognised = move |page: Vec<BoundToken>| {
        let tokens = page.into_iter();
        tokens.filter_map(|token| recognised(&of, token, &codes, now)).collect()
    };
    look_through(read, |token| &token.token.serial_number, recognised).await
}

fn recognised(core: &Core, token: BoundToken, codes: &[Code; 2], now: UnixMs) -> Option<(BoundToken, DeviceState)> {
    let bound = &token.bound;
    let [first, second] = codes;
    match credential_of(&bound.device, &*core.sealer) {
        Ok(credential) => {
            let next = recognise(&bound.state, &credential, [first, second], now, &core.settings.policy)?;
            Some((token, next))
        }
        Err(error) => {
            tracing::error!(%error, serial_number = token.token.serial_number, "a device's secret does not open");
            None
        }
    }
}
