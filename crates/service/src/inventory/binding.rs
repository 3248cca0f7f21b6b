//! The inventory as the other use cases meet it: who may bind a token, and what binding makes of it.

use store::{Bound, Lot, Owner, Token, Write};
use verify::{Kind, Moving, UnixMs};

use crate::{Core, ServiceError};

/// The token of this serial number and its lot, if this user may bind it now; else why not, for the trail.
///
/// Whatever the cause, two records are looked for.
pub(crate) async fn available(
    core: &Core,
    serial_number: &str,
    owner: &Owner,
    now: UnixMs,
) -> Result<Result<(Token, Lot), &'static str>, ServiceError> {
    let serial_number = serial_number.trim().to_owned();
    let token = core.store.tokens_of(vec![serial_number]).await?.pop().flatten();
    // No lot is called nothing.
    let name = token.as_ref().map(|token| token.lot.clone()).unwrap_or_default();
    let lot = core.store.lot(name).await?;
    Ok(judge(token, lot, owner, now))
}

fn judge(token: Option<Token>, lot: Option<Lot>, owner: &Owner, now: UnixMs) -> Result<(Token, Lot), &'static str> {
    let open = lot.filter(|lot| lot.open_to.includes(owner));
    let token = token.ok_or("token_unknown")?;
    let cause = match token.state.owner() {
        _ if token.state.sealed().is_none() => match token.state.device() {
            Some(_) => "token_bound",
            None => "token_without_secret",
        },
        Some(other) if other != owner => "token_assigned",
        _ if open.is_none() => "batch_not_open",
        _ if token.starts_at.is_some_and(|start| now < start) => "token_not_yet_valid",
        _ if token.expires_at.is_some_and(|end| now >= end) => "token_expired",
        _ => return open.map(|lot| (token, lot)).ok_or("batch_not_open"),
    };
    Err(cause)
}

/// The condition that this lot is as it was read; else the change misses.
pub(crate) fn stays(lot: Lot) -> Write {
    Write::require(&lot)
}

/// A token that has become this device. Its clock was measured, or its counter found, by the codes that bound it.
pub(crate) fn becomes_bound(token: Token, bound: &Bound, now: UnixMs) -> Result<Write, ServiceError> {
    let device = &bound.device;
    let state = token.state.clone().bound(device.owner.clone(), device.id);
    let state = state.ok_or(ServiceError::TokenUnavailable)?;
    let next = Token {
        measured_offset_steps: bound.state.parts().measured_offset_steps,
        counter: next_counter(bound),
        ..token
    };
    Ok(becomes(next, state, now))
}

/// The counter of the next code of a device that has one.
pub(crate) fn next_counter(bound: &Bound) -> Option<u64> {
    let parts = bound.state.parts();
    let next = parts.last_step.map_or(0, |last| last.offset(1).get());
    (parts.moving == Moving::Counter).then_some(next)
}

/// A token whose device ends with this change; `None` for another device's.
pub(crate) fn becomes_unbound(token: Token, bound: &Bound, now: UnixMs) -> Option<Write> {
    let state = token.state.clone().unbound(bound.device.id)?;
    Some(becomes(token, state, now))
}

/// The next version of a token.
pub(crate) fn becomes(token: Token, state: store::TokenState, now: UnixMs) -> Write {
    Write::put(Some(token.version), &token.become_state(state, now))
}

/// The tokens among these devices.
pub(crate) async fn its_tokens(core: &Core, devices: &[Bound]) -> Result<Vec<Token>, ServiceError> {
    let tokens = devices.iter().filter(|bound| bound.device.kind == Kind::Hardware);
    let serial_numbers: Vec<String> = tokens.filter_map(|bound| bound.device.serial_number.clone()).collect();
    if serial_numbers.is_empty() {
        return Ok(Vec::new());
    }
    let found = core.store.tokens_of(serial_numbers).await?;
    Ok(found.into_iter().flatten().collect())
}
