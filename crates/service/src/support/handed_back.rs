//! A token that was handed back to support: the code that it shows now is evidence, and is burned.

use store::{Id, User};
use verify::Kind;

use crate::{
    Factor, Input, Method, ServiceError,
    attempt::Attempt,
    devices::factor::paid_by,
    support::{
        evidence::{NewEvidence, TOKEN_RETURNED},
        unbind_request::{OPEN, invalid},
    },
};

/// The user's row, with the code of the token burned that was handed back, if one was; `None`: somebody was faster.
pub(super) async fn handed_back(
    attempt: &Attempt<'_>,
    user: User,
    wanted: Option<Id>,
    evidence: &[NewEvidence],
) -> Result<Option<User>, ServiceError> {
    let Some((device, code)) = returned(&user, wanted, evidence)? else {
        return Ok(Some(user));
    };
    let spent = paid_by(attempt, &user, Some(device), &code, OPEN).await?;
    Ok(spent.map(|spent| spent.user))
}

/// The token that was handed back, and the code that it shows now.
fn returned(user: &User, wanted: Option<Id>, evidence: &[NewEvidence]) -> Result<Option<(Id, Factor)>, ServiceError> {
    let mut returned = evidence.iter().filter(|piece| piece.kind == TOKEN_RETURNED);
    let Some(statement) = returned.next().and_then(|piece| piece.statement.as_ref()) else {
        return Ok(None);
    };
    if returned.next().is_some() {
        return Err(invalid(Input::Evidence, "one token is handed back".into()));
    }
    let tokens = user.devices.iter().map(|bound| &bound.device);
    // Nothing else ends at once with it.
    let is_named = wanted.is_some() || user.devices.len() == 1;
    let mut tokens =
        tokens.filter(|device| is_named && device.kind == Kind::Hardware && wanted.is_none_or(|id| id == device.id));
    let (Some(token), None) = (tokens.next(), tokens.next()) else {
        let why = format!("{TOKEN_RETURNED} is of a bound hardware token, which `device_id` names");
        return Err(invalid(Input::Evidence, why));
    };
    let code = Factor::Code {
        code: statement.clone(),
        method: Method::Totp,
    };
    Ok(Some((token.id, code)))
}
