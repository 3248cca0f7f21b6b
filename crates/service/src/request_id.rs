use store::{Id, Owner};
use subtle::ConstantTimeEq;
use verify::{LastRequest, UnixMs};
use zeroize::Zeroizing;

use crate::{Acceptance, ServiceError, caller::Origin, ports::Sealer};

/// A `request_id` and the request it came with, as keyed hashes; see [`LastRequest`].
#[derive(Clone, Copy)]
pub(crate) struct RequestTag {
    api_key: [u8; 16],
    id: [u8; 16],
    body: [u8; 16],
}

impl RequestTag {
    /// Keyed, because a six-digit code under a bare hash is no secret.
    pub(crate) fn new(
        sealer: &dyn Sealer,
        origin: &Origin,
        owner: &Owner,
        request_id: &str,
        code: &str,
    ) -> Result<Self, ServiceError> {
        let api_key = origin.api_key.unwrap_or_default().into_bytes();
        let id = [
            &api_key[..],
            owner.account.as_bytes(),
            owner.user.as_bytes(),
            request_id.as_bytes(),
        ];
        let client = origin.client.as_ref();
        let ip = client.and_then(|client| client.ip.as_deref());
        let agent = client.and_then(|client| client.user_agent.as_deref());
        let body = [Some(code), ip, agent];
        let length = |part: &[u8]| part.len() + 5;
        let room = id.iter().map(|part| length(part)).sum::<usize>()
            + body
                .iter()
                .map(|part| length(part.unwrap_or_default().as_bytes()))
                .sum::<usize>();
        // Room for all of it at once, so that no copy is left behind by growing.
        let mut data = Zeroizing::new(Vec::with_capacity(room));
        let tag = |data: &[u8]| -> Result<[u8; 16], ServiceError> {
            let mac = sealer.mac(sealer.current_mac_key(), "request_id", data)?;
            let mut tag = [0; 16];
            tag.copy_from_slice(&mac[..16]);
            Ok(tag)
        };
        for part in id {
            data.extend((part.len() as u32).to_be_bytes());
            data.extend(part);
        }
        let id = tag(&data)?;
        for part in body {
            // What is absent is not what is empty.
            data.push(part.is_some().into());
            let part = part.unwrap_or_default();
            data.extend((part.len() as u32).to_be_bytes());
            data.extend(part.as_bytes());
        }
        Ok(Self {
            api_key,
            id,
            body: tag(&data)?,
        })
    }

    /// Whether this is the accepted request that is remembered, once more.
    pub(crate) fn repeats(&self, last: Option<LastRequest>, now: UnixMs, remembered_ms: i64) -> Option<Acceptance> {
        let last = last.filter(|last| last.is_fresh(now, remembered_ms))?;
        let same = self.id.ct_eq(&last.id) & self.body.ct_eq(&last.body);
        bool::from(same).then(|| Acceptance {
            device: None,
            decision_id: Id::from_bytes(last.decision_id),
            wrong_since_last_success: last.wrong_since_last_success,
            repeated: true,
        })
    }
}

/// What is remembered once a request that repeated nothing was judged.
///
/// A request of another API key leaves standing what is there; one with the same id, whose code or client is another,
/// ends it, or it would be a way to try codes.
pub(crate) fn remembered(
    last: Option<LastRequest>,
    request: Option<&RequestTag>,
    accepted: Option<&Acceptance>,
    now: UnixMs,
    remembered_ms: i64,
) -> Option<LastRequest> {
    let Some(request) = request else { return last };
    let theirs = |last: &LastRequest| last.api_key != request.api_key && last.is_fresh(now, remembered_ms);
    if last.as_ref().is_some_and(theirs) {
        return last;
    }
    match accepted {
        Some(accepted) => Some(LastRequest {
            api_key: request.api_key,
            id: request.id,
            body: request.body,
            decided_at: now,
            decision_id: accepted.decision_id.into_bytes(),
            wrong_since_last_success: accepted.wrong_since_last_success,
        }),
        None => last.filter(|last| !bool::from(last.id.ct_eq(&request.id))),
    }
}
