//! The session token: which session, until when at most, and a MAC of that. It says nothing of its user.

use data_encoding::BASE64URL_NOPAD;
use store::Id;
use verify::UnixMs;
use zeroize::Zeroizing;

use crate::{ServiceError, ports::Signer};

/// Before every token, so that one that leaked is recognised.
const PREFIX: &str = "css_";
const FORMAT: u8 = 1;
const STATEMENT_LEN: usize = 1 + 16 + 8;
const MAC_LEN: usize = 32;
/// Statement, id of the key, MAC.
const LEN: usize = STATEMENT_LEN + 4 + MAC_LEN;
const TEXT_LEN: usize = (LEN * 8).div_ceil(6);

/// What a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionToken {
    pub(crate) id: Id,
    pub(crate) expires_at: UnixMs,
}

impl SessionToken {
    fn statement(&self) -> [u8; STATEMENT_LEN] {
        let mut statement = [0; STATEMENT_LEN];
        statement[0] = FORMAT;
        statement[1..17].copy_from_slice(self.id.as_bytes());
        statement[17..].copy_from_slice(&self.expires_at.get().to_be_bytes());
        statement
    }

    /// The text for its bearer.
    pub(crate) fn sign(&self, signer: &dyn Signer) -> Result<Zeroizing<String>, ServiceError> {
        let statement = self.statement();
        let (key_id, mac) = signer.sign_session(&statement)?;
        let mut bytes = Zeroizing::new([0; LEN]);
        bytes[..STATEMENT_LEN].copy_from_slice(&statement);
        bytes[STATEMENT_LEN..STATEMENT_LEN + 4].copy_from_slice(&key_id.to_be_bytes());
        bytes[STATEMENT_LEN + 4..].copy_from_slice(&mac);
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + TEXT_LEN));
        text.push_str(PREFIX);
        BASE64URL_NOPAD.encode_append(&*bytes, &mut text);
        Ok(text)
    }

    /// Reads a text that [`sign`](Self::sign) made under a key that is not retired; `None` for any other.
    pub(crate) fn open(text: &str, signer: &dyn Signer, now: UnixMs) -> Option<Self> {
        let encoded: &[u8; TEXT_LEN] = text.strip_prefix(PREFIX)?.as_bytes().try_into().ok()?;
        let mut bytes = [0; LEN];
        BASE64URL_NOPAD.decode_mut(encoded, &mut bytes).ok()?;
        let (statement, rest) = bytes.split_first_chunk::<STATEMENT_LEN>()?;
        let (key_id, mac) = rest.split_first_chunk::<4>()?;
        let mac: &[u8; MAC_LEN] = mac.try_into().ok()?;
        let is_ours = signer.verify_session(u32::from_be_bytes(*key_id), statement, mac, now);
        (is_ours && statement[0] == FORMAT).then_some(())?;
        let (id, expires_at) = statement[1..].split_first_chunk()?;
        Some(Self {
            id: Id::from_bytes(*id),
            expires_at: UnixMs::new(i64::from_be_bytes(expires_at.try_into().ok()?)),
        })
    }
}
