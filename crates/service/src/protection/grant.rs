//! Grants: short-lived JSON Web Tokens (RFC 7519) that say what a user was checked for, signed with Ed25519 (RFC 8037), so
//! that whoever has the public keys verifies them offline.

use data_encoding::BASE64URL_NOPAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use store::{Id, Owner};
use verify::UnixMs;

use crate::{Core, GrantKey, Service, ServiceError, ports::Signer, protection::purpose::ChallengePurpose};

/// The media type in a grant's header, so that no other token of the same keys passes for one (RFC 8725, 3.11).
const TYPE: &str = "countersign-grant+jwt";
/// Longer texts are no grants of ours.
const LEN_MAX: usize = 8_192;

/// What a grant says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The decision that it came of (`jti`).
    pub id: Id,
    /// Whom it is about.
    pub owner: Owner,
    /// Who is to accept it (`aud`).
    pub audience: String,
    /// What it is for.
    pub purpose: ChallengePurpose,
    /// The session it holds in (`sid`).
    pub session_id: Option<String>,
    /// The one operation that it is for (`op`).
    pub operation: Option<String>,
    /// The one resource of that operation (`res`).
    pub resource: Option<String>,
    /// How the user was checked (`amr`); empty where nothing was asked.
    pub methods: Vec<String>,
    /// `iat`, in whole seconds.
    pub issued_at: UnixMs,
    /// `exp`, in whole seconds.
    pub expires_at: UnixMs,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'a> {
    alg: &'a str,
    typ: &'a str,
    kid: &'a str,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    account: String,
    user: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    purpose: ChallengePurpose,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    op: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    res: Option<String>,
    amr: Vec<String>,
    jti: Id,
    iat: i64,
    exp: i64,
}

/// Account and user as one name: each percent-encoded, so that no other pair reads the same.
pub(crate) fn subject(owner: &Owner) -> String {
    let encoded = |name| utf8_percent_encode(name, NON_ALPHANUMERIC).to_string();
    format!("{}/{}", encoded(&owner.account), encoded(&owner.user))
}

impl Service {
    /// The public keys by which grants are verified now; for everybody.
    pub fn grant_keys(&self) -> Result<Vec<GrantKey>, ServiceError> {
        Ok(self.core.signer.grant_keys(self.core.clock.now()?))
    }
}

impl Core {
    /// The grant of this text, if it is one of ours, not expired, and about this user; whether it is still alive, their row
    /// says ([`GrantMemory`](crate::protection::memory::GrantMemory)).
    pub(crate) fn grant_of(&self, owner: &Owner, text: &str, now: UnixMs) -> Option<Grant> {
        self.verified_grant(text, now).filter(|grant| grant.owner == *owner)
    }

    /// The grant of this text, if it is one of ours and not expired, whoever it is about. One from before users were renamed
    /// is about the user of today's name.
    pub(crate) fn verified_grant(&self, text: &str, now: UnixMs) -> Option<Grant> {
        let grant = Grant::verify(text, &self.settings.grant_issuer, &*self.signer, now)?;
        let Owner { account, user } = &grant.owner;
        let owner = self.user_names.owner(account.clone(), user.clone());
        Some(Grant { owner, ..grant })
    }
}

impl Grant {
    /// The text for its bearer, signed under the current grant key.
    pub(crate) fn sign(&self, issuer: &str, signer: &dyn Signer) -> Result<String, ServiceError> {
        let kid = signer.current_grant_key(self.issued_at)?;
        let header = Header {
            alg: "EdDSA",
            typ: TYPE,
            kid: &kid,
        };
        let claims = Claims {
            iss: issuer.to_owned(),
            aud: self.audience.clone(),
            sub: subject(&self.owner),
            account: self.owner.account.as_ref().to_owned(),
            user: self.owner.user.as_ref().to_owned(),
            sid: self.session_id.clone(),
            purpose: self.purpose,
            op: self.operation.clone(),
            res: self.resource.clone(),
            amr: self.methods.clone(),
            jti: self.id,
            iat: self.issued_at.get().div_euclid(UnixMs::SECOND),
            exp: self.expires_at.get().div_euclid(UnixMs::SECOND),
        };
        let mut text = part(&header)?;
        text.push('.');
        text.push_str(&part(&claims)?);
        let signature = signer.sign_grant(&kid, text.as_bytes())?;
        text.push('.');
        BASE64URL_NOPAD.encode_append(&signature, &mut text);
        Ok(text)
    }

    /// Reads a text that is a grant of this issuer, signed by a key that is not retired, and not expired; `None` for
    /// everything else, whatever is wrong with it.
    pub(crate) fn verify(text: &str, issuer: &str, signer: &dyn Signer, now: UnixMs) -> Option<Self> {
        if text.len() > LEN_MAX {
            return None;
        }
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let decoded = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).ok();
        let header = decoded(header)?;
        let header: Header<'_> = serde_json::from_slice(&header).ok()?;
        if header.alg != "EdDSA" || header.typ != TYPE {
            return None;
        }
        if !signer.verify_grant(header.kid, signed.as_bytes(), &decoded(signature)?, now) {
            return None;
        }
        let claims: Claims = serde_json::from_slice(&decoded(claims)?).ok()?;
        let grant = Self::of(claims, issuer)?;
        (grant.issued_at <= now.plus(UnixMs::MINUTE) && now < grant.expires_at).then_some(grant)
    }

    fn of(claims: Claims, issuer: &str) -> Option<Self> {
        let owner = Owner::new(claims.account, claims.user);
        if claims.iss != issuer || claims.sub != subject(&owner) {
            return None;
        }
        let time = |seconds: i64| Some(UnixMs::new(seconds.checked_mul(UnixMs::SECOND)?));
        Some(Self {
            id: claims.jti,
            owner,
            audience: claims.aud,
            purpose: claims.purpose,
            session_id: claims.sid,
            operation: claims.op,
            resource: claims.res,
            methods: claims.amr,
            issued_at: time(claims.iat)?,
            expires_at: time(claims.exp)?,
        })
    }
}

fn part(of: &impl Serialize) -> Result<String, ServiceError> {
    let json = serde_json::to_vec(of).map_err(|error| ServiceError::Internal(error.to_string()))?;
    Ok(BASE64URL_NOPAD.encode(&json))
}
