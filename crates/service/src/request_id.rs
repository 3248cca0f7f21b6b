use store::Owner;
use verify::{LastRequest, UnixMs};

use crate::{ServiceError, caller::Origin, ports::Sealer};

/// A `request_id` and the request it came with, as keyed hashes; see [`LastRequest`].
#[derive(Clone, Copy)]
pub(crate) struct RequestTag {
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
        let caller = origin.api_key.unwrap_or_default();
        let mut data = zeroize::Zeroizing::new(Vec::with_capacity(512));
        for part in [
            caller.as_bytes().as_slice(),
            owner.account.as_bytes(),
            owner.user.as_bytes(),
            request_id.as_bytes(),
        ] {
            data.extend((part.len() as u32).to_be_bytes());
            data.extend(part);
        }
        let tag = |data: &[u8]| -> Result<[u8; 16], ServiceError> {
            let mac = sealer.mac(sealer.current_key(), "request_id", data)?;
            let mut tag = [0; 16];
            tag.copy_from_slice(&mac[..16]);
            Ok(tag)
        };
        let id = tag(&data)?;
        data.extend(code.as_bytes());
        Ok(Self { id, body: tag(&data)? })
    }

    /// What was answered to this request before, if it was, and is still remembered.
    pub(crate) fn answered(
        &self,
        last: Option<LastRequest>,
        now: UnixMs,
        remembered_ms: i64,
    ) -> Option<Result<bool, ServiceError>> {
        let last = last.filter(|last| last.id == self.id && now.since(last.decided_at) < remembered_ms)?;
        Some(if last.body == self.body {
            Ok(last.accepted)
        } else {
            Err(ServiceError::RequestIdReused)
        })
    }

    /// What is kept of it with its decision.
    pub(crate) fn remembered(&self, now: UnixMs, accepted: bool) -> LastRequest {
        LastRequest {
            id: self.id,
            body: self.body,
            decided_at: now,
            accepted,
        }
    }
}
