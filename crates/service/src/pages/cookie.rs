//! Texts of browsers: the token of a page link, and the cookie of a page session with when it was last seen.

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};
use store::Id;
use subtle::ConstantTimeEq;
use verify::UnixMs;
use zeroize::Zeroizing;

use crate::{Core, PortError, ServiceError};

const LINK_LEN: usize = 48;
const COOKIE_LEN: usize = 92;

/// A public id and a secret of 256 random bits.
pub(super) struct Bearer {
    pub(super) id: Id,
    secret: Zeroizing<[u8; 32]>,
}

impl Bearer {
    /// A new one.
    pub(super) fn new(core: &Core, now: UnixMs) -> Result<Self, ServiceError> {
        let mut secret = Zeroizing::new([0; 32]);
        core.entropy.fill(&mut *secret)?;
        Ok(Self {
            id: core.new_id(now)?,
            secret,
        })
    }

    /// The same once more.
    pub(super) fn again(&self) -> Self {
        Self {
            id: self.id,
            secret: self.secret.clone(),
        }
    }

    /// Reads the token of a link.
    pub(super) fn of_token(text: &str) -> Option<Self> {
        Self::read(&decoded(text, LINK_LEN)?)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (id, rest) = bytes.split_first_chunk()?;
        let (secret, _) = rest.split_first_chunk()?;
        Some(Self {
            id: Id::from_bytes(*id),
            secret: Zeroizing::new(*secret),
        })
    }

    /// The hash that is kept.
    pub(super) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.secret.as_slice()).into()
    }

    /// Whether it is the one of this hash.
    pub(super) fn is(&self, hash: &[u8; 32]) -> bool {
        self.hash().ct_eq(hash).into()
    }

    /// The token of a link, for its address.
    pub(super) fn token(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(LINK_LEN));
        self.write(&mut bytes);
        Zeroizing::new(BASE64URL_NOPAD.encode(&bytes))
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.id.as_bytes());
        bytes.extend(self.secret.as_slice());
    }

    /// The one-time code of the answer that is given in this session: derived, so that a form that is sent twice is answered
    /// with the same one, and good for nothing before the answer is kept.
    pub(super) fn answer_code(&self) -> Zeroizing<String> {
        let digest = Sha256::new()
            .chain_update("answer")
            .chain_update(self.secret.as_slice())
            .finalize();
        Zeroizing::new(BASE64URL_NOPAD.encode(&digest))
    }

    /// What each form of this session carries, so that no other site can make one: derived, and no secret of the cookie.
    pub(super) fn form_token(&self) -> Zeroizing<String> {
        let digest = Sha256::new()
            .chain_update("form")
            .chain_update(self.secret.as_slice())
            .finalize();
        Zeroizing::new(BASE64URL_NOPAD.encode(&digest[..16]))
    }
}

/// The cookie of a session, as a browser has it.
pub(super) struct Cookie {
    pub(super) bearer: Bearer,
    pub(super) seen_at: UnixMs,
}

impl Cookie {
    /// Reads one that this service made, whenever that was.
    pub(super) fn read(core: &Core, text: &str, now: UnixMs) -> Option<Self> {
        let bytes = decoded(text, COOKIE_LEN)?;
        let bearer = Bearer::read(&bytes)?;
        let (seen, rest) = bytes.get(LINK_LEN..)?.split_first_chunk()?;
        let (key_id, mac) = rest.split_first_chunk()?;
        let seen_at = UnixMs::new(i64::from_be_bytes(*seen));
        let mac: &[u8; 32] = mac.try_into().ok()?;
        let statement = statement(bearer.id, seen_at);
        let key_id = u32::from_be_bytes(*key_id);
        let is_ours = core.signer.verify_session(key_id, &statement, mac, now);
        is_ours.then_some(Self { bearer, seen_at })
    }

    /// Its text: whoever shows it was last seen then.
    pub(super) fn text(&self, core: &Core) -> Result<Zeroizing<String>, PortError> {
        let (key_id, mac) = core.signer.sign_session(&statement(self.bearer.id, self.seen_at))?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(COOKIE_LEN));
        self.bearer.write(&mut bytes);
        bytes.extend(self.seen_at.get().to_be_bytes());
        bytes.extend(key_id.to_be_bytes());
        bytes.extend(mac);
        Ok(Zeroizing::new(BASE64URL_NOPAD.encode(&bytes)))
    }
}

fn statement(id: Id, seen_at: UnixMs) -> Vec<u8> {
    [b"page session" as &[u8], id.as_bytes(), &seen_at.get().to_be_bytes()].concat()
}

fn decoded(text: &str, len: usize) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok().map(Zeroizing::new)?;
    (bytes.len() == len).then_some(bytes)
}
