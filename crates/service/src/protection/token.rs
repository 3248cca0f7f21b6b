//! The challenge token: an unanswered challenge, sealed into the id that its caller keeps. Nothing of it is stored.

use data_encoding::BASE64URL_NOPAD;
use otp::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Id, Owner, User};
use verify::UnixMs;

use crate::{
    ChallengeState, Client, Core, NewChallenge, ServiceError,
    attempt::Attempt,
    ports::{PortError, Sealer},
    protection::{
        decision::{Ground, OfferedMethod},
        grant::Grant,
        purpose::ChallengePurpose,
    },
    verification::memo::Memo,
};

/// The life of an unanswered challenge.
const CHALLENGE_MS: i64 = 5 * UnixMs::MINUTE;

const FORMAT: u8 = 1;
/// Longer texts are no tokens of ours.
const LEN_MAX: usize = 8_192;

/// A challenge that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PendingChallenge {
    /// UUIDv7, by which the trail and the user's row mean it.
    pub(crate) id: Id,
    /// The API key that asked for it, and that may answer.
    pub(crate) api_key: Option<Id>,
    pub(crate) account: String,
    pub(crate) user: String,
    pub(crate) purpose: ChallengePurpose,
    pub(crate) audience: String,
    pub(crate) session_id: Option<String>,
    pub(crate) operation: Option<String>,
    pub(crate) resource: Option<String>,
    /// The ground on which it was asked for.
    pub(crate) ground: String,
    /// The methods that may answer it.
    pub(crate) methods: Vec<String>,
    pub(crate) expires_at_ms: i64,
    /// The user's address and agent. Field by field: what this is sealed as leaves nothing out.
    pub(crate) ip: Option<String>,
    pub(crate) user_agent: Option<String>,
    /// The city of that address.
    pub(crate) city: Option<String>,
    /// The trust that the browser presented, though it is asked.
    pub(crate) trusted_device: Option<Id>,
}

impl PendingChallenge {
    /// The challenge that is asked for now, before it is decided.
    pub(crate) fn of(wanted: &NewChallenge, attempt: &Attempt<'_>, audience: String) -> Result<Self, ServiceError> {
        let client = wanted.client.clone().unwrap_or_default();
        Ok(Self {
            id: attempt.core.new_id(attempt.now)?,
            api_key: attempt.origin.api_key,
            account: wanted.owner.account.as_ref().to_owned(),
            user: wanted.owner.user.as_ref().to_owned(),
            purpose: wanted.purpose,
            audience,
            session_id: wanted.session_id.clone(),
            operation: wanted.operation.clone(),
            resource: wanted.resource.clone(),
            ground: String::new(),
            methods: Vec::new(),
            expires_at_ms: attempt.now.plus(CHALLENGE_MS).get(),
            ip: client.ip,
            user_agent: client.user_agent,
            city: None,
            trusted_device: None,
        })
    }

    /// What was decided of it.
    pub(crate) fn becomes(&mut self, ground: Ground, methods: &[OfferedMethod]) {
        self.ground = ground.name().to_owned();
        self.methods = methods.iter().map(|offered| offered.method.clone()).collect();
    }

    pub(crate) fn owner(&self) -> Owner {
        Owner::new(&*self.account, &*self.user)
    }

    pub(crate) fn expires_at(&self) -> UnixMs {
        UnixMs::new(self.expires_at_ms)
    }

    /// Where it stands, as its user's row says; never its decision.
    pub(crate) fn state(&self, user: Option<&User>, now: UnixMs) -> ChallengeState {
        let is_answered = user.is_some_and(|user| Memo::read(&user.memo).grants.is_answered(self.id));
        match () {
            () if is_answered => ChallengeState::Answered,
            () if now >= self.expires_at() => ChallengeState::Expired,
            () => ChallengeState::Open,
        }
    }

    /// When it was asked for.
    pub(crate) fn asked_at(&self) -> UnixMs {
        self.expires_at().plus(-CHALLENGE_MS)
    }

    pub(crate) fn client(&self) -> Option<Client> {
        let client = Client {
            ip: self.ip.clone(),
            user_agent: self.user_agent.clone(),
        };
        (client != Client::default()).then_some(client)
    }

    /// What the trail says of it.
    pub(crate) fn detail(&self) -> Value {
        json!({
            "challenge": self.id,
            "purpose": self.purpose.name(),
            "ground": self.ground,
            "operation": self.operation,
            "resource": self.resource,
            "session": self.session_id,
        })
    }

    /// The grant that this decision gives, whose id tells its time.
    pub(crate) fn grant(&self, decision: Id, method: &str) -> Grant {
        let issued_at = time_of(decision);
        Grant {
            id: decision,
            owner: self.owner(),
            audience: self.audience.clone(),
            purpose: self.purpose,
            session_id: self.session_id.clone(),
            operation: self.operation.clone(),
            resource: self.resource.clone(),
            methods: vec![method.to_owned()],
            issued_at,
            expires_at: issued_at.plus(self.purpose.grant_ms()),
        }
    }

    /// `base64url(format, MAC key, id, AES-256-GCM(…))`: the key is derived for this id alone, so that a nonce is used once.
    pub(crate) fn seal(&self, sealer: &dyn Sealer) -> Result<String, ServiceError> {
        let mac_key = sealer.current_mac_key();
        let plain = postcard::to_allocvec(self).map_err(|error| ServiceError::Internal(error.to_string()))?;
        let sealed = sealer.seal_under(&key_of(sealer, mac_key, self.id)?, [0; 12], plain)?;
        let mut bytes = Vec::with_capacity(21 + sealed.len());
        bytes.push(FORMAT);
        bytes.extend(mac_key.to_be_bytes());
        bytes.extend(self.id.as_bytes());
        bytes.extend(sealed);
        Ok(BASE64URL_NOPAD.encode(&bytes))
    }

    /// Opens a text that [`seal`](Self::seal) made; `None` for any other.
    pub(crate) fn open(text: &str, sealer: &dyn Sealer) -> Option<Self> {
        if text.len() > LEN_MAX {
            return None;
        }
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (&FORMAT, rest) = bytes.split_first()? else {
            return None;
        };
        let (mac_key, rest) = rest.split_first_chunk()?;
        let (id, sealed) = rest.split_first_chunk()?;
        let id = Id::from_bytes(*id);
        let key = key_of(sealer, u32::from_be_bytes(*mac_key), id).ok()?;
        let plain = sealer.open_under(&key, [0; 12], sealed.to_vec()).ok()?;
        let challenge: Self = postcard::from_bytes(&plain).ok()?;
        (challenge.id == id).then_some(challenge)
    }
}

fn key_of(sealer: &dyn Sealer, mac_key: u32, id: Id) -> Result<Secret, PortError> {
    let key = sealer.mac(mac_key, "challenge", id.as_bytes())?;
    Secret::from_slice(&key).map_err(|_| PortError::DoesNotOpen)
}

/// The whole second of a UUIDv7, which is what a grant's `iat` has.
pub(crate) fn time_of(id: Id) -> UnixMs {
    let (seconds, _) = id.get_timestamp().map_or((0, 0), |time| time.to_unix());
    UnixMs::new(i64::try_from(seconds).unwrap_or(0).saturating_mul(UnixMs::SECOND))
}

impl Core {
    /// The challenge of this text, whoever presents it: another caller's is none.
    pub(crate) fn pending_challenge(&self, text: &str, api_key: Option<Id>) -> Result<PendingChallenge, ServiceError> {
        let found = PendingChallenge::open(text, &*self.sealer).filter(|challenge| challenge.api_key == api_key);
        let found = found.ok_or(ServiceError::NotFound("challenge"))?;
        // It may be from before users were renamed.
        let user = self.user_names.user(&*found.user).as_ref().to_owned();
        Ok(PendingChallenge { user, ..found })
    }
}
