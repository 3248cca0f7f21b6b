//! The token by which an applicant finishes an unbind request, once: kept as a keyed hash alone.

use data_encoding::HEXLOWER;
use store::{Fingerprint, Id, UnbindRequest};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{Caller, Core, Role, ServiceError, support::unbind_standing::find};

/// The purpose of its keyed hash.
const PURPOSE: &str = "applicant_token";
const PREFIX: &str = "ut_";

/// The request that this token finishes, of a user whom the caller reaches.
pub(crate) async fn of_token(core: &Core, caller: &Caller, token: &str) -> Result<UnbindRequest, ServiceError> {
    const NONE: ServiceError = ServiceError::NotFound("approved unbind request that this token finishes");
    let parts = token
        .trim()
        .strip_prefix(PREFIX)
        .and_then(|token| token.split_once('_'));
    let (id, secret) = parts.ok_or(NONE)?;
    let id = Id::try_parse(id).map_err(|_| NONE)?;
    let request = find(core, caller, Role::Enroll, id)
        .await
        .map_err(|error| match error {
            ServiceError::NotFound(_) => NONE,
            error => error,
        })?;
    let Some(approval) = request.state.approval() else {
        return Err(NONE);
    };
    let known = approval.applicant_token;
    let given = mac(core, known.key_id, id, secret)?;
    match bool::from(given.ct_eq(&known.mac)) {
        true => Ok(request),
        false => Err(NONE),
    }
}

/// The token of this request, for its applicant, and what is kept of it.
pub(super) fn issue(core: &Core, id: Id) -> Result<(Zeroizing<String>, Fingerprint), ServiceError> {
    let mut random = Zeroizing::new([0; 32]);
    core.entropy.fill(&mut *random)?;
    // Room for all of it at once, so that no copy is left behind by growing.
    let mut secret = Zeroizing::new(String::with_capacity(64));
    HEXLOWER.encode_append(&*random, &mut secret);
    let key_id = core.sealer.current_mac_key();
    let mac = mac(core, key_id, id, &secret)?;
    let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 32 + 1 + 64));
    text.push_str(PREFIX);
    text.push_str(&id.simple().to_string());
    text.push('_');
    text.push_str(&secret);
    Ok((text, Fingerprint { mac, key_id }))
}

fn mac(core: &Core, mac_key: u32, id: Id, secret: &str) -> Result<[u8; 32], ServiceError> {
    let mut data = Zeroizing::new(Vec::with_capacity(16 + secret.len()));
    data.extend(id.as_bytes());
    data.extend(secret.as_bytes());
    Ok(core.sealer.mac(mac_key, PURPOSE, &data)?)
}
