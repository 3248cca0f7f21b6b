//! Grant keys: the Ed25519 keys of grants, published before they sign and for as long as a grant of theirs may live.

use data_encoding::BASE64URL_NOPAD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use service::{GrantKey, PortError, UnixMs};
use sha2::{Digest as _, Sha256};

use crate::{
    KeyringError,
    lines::{Lines, Material},
};

/// A new key is published for so long before it signs: verifiers fetch the keys every five minutes.
const LEAD_MS: i64 = 10 * UnixMs::MINUTE;
/// An old key is published for so long after the next one signs: grants live half of it at most.
const OVERLAP_MS: i64 = UnixMs::HOUR;

/// The grant keys of a keyring, the oldest first.
pub(crate) struct GrantKeys(Vec<Key>);

struct Key {
    public: GrantKey,
    pair: Ed25519KeyPair,
    made_at: UnixMs,
}

/// A grant key that stands in no file yet.
pub struct NewGrantKey {
    seed: Material,
    id: String,
}

impl NewGrantKey {
    pub(crate) fn of(seed: Material) -> Result<Self, KeyringError> {
        let (_, public) = pair_of(&seed)?;
        Ok(Self { seed, id: public.id })
    }

    /// Its `kid`.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn seed(&self) -> &Material {
        &self.seed
    }
}

fn pair_of(seed: &Material) -> Result<(Ed25519KeyPair, GrantKey), KeyringError> {
    let unusable = |_| KeyringError::Damaged {
        line: 0,
        what: "a grant key cannot be used",
    };
    let pair = Ed25519KeyPair::from_seed_unchecked(&**seed).map_err(unusable)?;
    let mut public = [0; 32];
    public.copy_from_slice(pair.public_key().as_ref());
    let id = thumbprint(&public);
    Ok((pair, GrantKey { id, public }))
}

impl GrantKeys {
    pub(crate) fn of(lines: &Lines) -> Result<Self, KeyringError> {
        let mut found: Vec<(u32, Key)> = Vec::with_capacity(lines.grants.len());
        for ((id, seed), made_at) in lines.grants.iter().zip(&lines.grants_made_at) {
            let (pair, public) = pair_of(seed)?;
            let made_at = *made_at;
            found.push((*id, Key { public, pair, made_at }));
        }
        found.sort_by_key(|(id, _)| *id);
        Ok(Self(found.into_iter().map(|(_, key)| key).collect()))
    }

    /// The newest that verifiers have had time to fetch; the first one signs at once.
    pub(crate) fn current(&self, now: UnixMs) -> Result<String, PortError> {
        let known = |key: &&Key| now.since(key.made_at) >= LEAD_MS;
        let current = self.0.iter().rev().find(known).or(self.0.first());
        current.map(|key| key.public.id.clone()).ok_or(PortError::NoGrantKey)
    }

    pub(crate) fn sign(&self, id: &str, statement: &[u8]) -> Result<Vec<u8>, PortError> {
        let key = self.0.iter().find(|key| key.public.id == id);
        let key = key.ok_or(PortError::NoGrantKey)?;
        Ok(key.pair.sign(statement).as_ref().to_vec())
    }

    pub(crate) fn verify(&self, id: &str, statement: &[u8], signature: &[u8], now: UnixMs) -> bool {
        let of_id = |key: &&Key| key.public.id == id;
        self.living(now).find(of_id).is_some_and(|key| {
            UnparsedPublicKey::new(&ED25519, key.public.public)
                .verify(statement, signature)
                .is_ok()
        })
    }

    pub(crate) fn published(&self, now: UnixMs) -> Vec<GrantKey> {
        self.living(now).map(|key| key.public.clone()).collect()
    }

    /// All but those whose successor has signed for so long that no grant of theirs is alive.
    fn living(&self, now: UnixMs) -> impl Iterator<Item = &Key> {
        let next = self.0.iter().skip(1).map(Some).chain([None]);
        let is_retired =
            move |next: Option<&Key>| next.is_some_and(|next| now.since(next.made_at) >= LEAD_MS + OVERLAP_MS);
        self.0
            .iter()
            .zip(next)
            .filter(move |(_, next)| !is_retired(*next))
            .map(|(key, _)| key)
    }
}

/// RFC 7638, with the members that RFC 8037 requires of such a key.
fn thumbprint(public: &[u8; 32]) -> String {
    let x = BASE64URL_NOPAD.encode(public);
    let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    BASE64URL_NOPAD.encode(&Sha256::digest(jwk.as_bytes()))
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn keys(made_at: &[i64]) -> GrantKeys {
        let lines = Lines {
            grants: (1..)
                .zip(made_at)
                .map(|(id, _)| (id, Zeroizing::new([id as u8; 32])))
                .collect(),
            grants_made_at: made_at.iter().map(|at| UnixMs::new(*at)).collect(),
            ..Lines::default()
        };
        GrantKeys::of(&lines).expect("keys")
    }

    /// RFC 8037, appendix A.3.
    #[test]
    fn the_thumbprint_is_the_standards() {
        let x = BASE64URL_NOPAD
            .decode(b"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
            .expect("base64");
        let x: [u8; 32] = x.try_into().expect("32 bytes");
        assert_eq!(thumbprint(&x), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_new_key_is_published_before_it_signs_and_an_old_one_while_its_grants_live() {
        let now = 100 * UnixMs::HOUR;
        let at = |ms: i64| UnixMs::new(now + ms);
        let keys = keys(&[0, now]);
        let [old, new] = [0, 1].map(|place| keys.0[place].public.id.clone());
        assert_eq!(keys.current(at(0)).as_ref(), Ok(&old));
        assert_eq!(keys.published(at(0)).len(), 2);
        assert_eq!(keys.current(at(LEAD_MS)).as_ref(), Ok(&new));
        let signed = keys.sign(&old, b"grant").expect("signed");
        let last = at(LEAD_MS + OVERLAP_MS - 1);
        assert!(keys.verify(&old, b"grant", &signed, last) && !keys.verify(&new, b"grant", &signed, last));
        assert!(!keys.verify(&old, b"grant", &signed, at(LEAD_MS + OVERLAP_MS)));
        assert_eq!(keys.published(at(LEAD_MS + OVERLAP_MS)).len(), 1);
    }

    #[test]
    fn the_first_key_signs_at_once_and_none_signs_nothing() {
        let one = keys(&[1_000]);
        assert_eq!(one.current(UnixMs::new(1_000)), Ok(one.0[0].public.id.clone()));
        assert_eq!(keys(&[]).current(UnixMs::new(0)), Err(PortError::NoGrantKey));
    }
}
