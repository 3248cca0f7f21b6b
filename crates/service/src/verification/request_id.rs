//! Request ids: an exact repeat of an accepted request is told the same answer.

use serde::{Deserialize, Serialize};
use store::{Id, Owner};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{Client, ServiceError, ports::Sealer};

/// A `request_id` and the request it came with, as keyed hashes.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RequestTag {
    /// Id of the API key that asks; requests of another one leave this standing.
    api_key: [u8; 16],
    /// Of API key, account, user and `request_id`.
    id: [u8; 16],
    /// Of the same, the user's client and the code.
    body: [u8; 16],
}

impl RequestTag {
    /// Keyed, because a six-digit code under a bare hash is no secret.
    pub(crate) fn new(
        sealer: &dyn Sealer,
        (api_key, client): (Option<Id>, Option<&Client>),
        owner: &Owner,
        request_id: &str,
        code: &str,
    ) -> Result<Self, ServiceError> {
        let api_key = api_key.unwrap_or_default().into_bytes();
        let id = [
            &api_key[..],
            owner.account.as_bytes(),
            owner.user.as_bytes(),
            request_id.as_bytes(),
        ];
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

    /// Whether it is that request once more, id, client, code and all.
    pub(crate) fn is_repeat_of(&self, other: &Self) -> bool {
        bool::from(self.id.ct_eq(&other.id) & self.body.ct_eq(&other.body))
    }

    /// Whether it has the id of that request.
    pub(crate) fn has_id_of(&self, other: &Self) -> bool {
        self.id.ct_eq(&other.id).into()
    }

    /// Whether the same API key asked.
    pub(crate) fn is_of_key_of(&self, other: &Self) -> bool {
        self.api_key == other.api_key
    }
}
