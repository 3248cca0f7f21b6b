//! Session keys: the HMAC-SHA-256 keys of session tokens, good for as long as a session of theirs may live.

use ring::hmac;
use service::{PortError, UnixMs};

use crate::lines::Lines;

/// An old key is good for so long after the next one was made: the longest session.
const OVERLAP_MS: i64 = 48 * UnixMs::HOUR;

/// The session keys of a keyring, the oldest first.
pub(crate) struct SessionKeys(Vec<Key>);

struct Key {
    id: u32,
    /// With its pads hashed in already, so that a short statement costs two compressions.
    key: hmac::Key,
    /// When the next one was made, after which it signs nothing.
    followed_at: Option<UnixMs>,
}

impl SessionKeys {
    pub(crate) fn of(lines: &Lines) -> Self {
        let mut found: Vec<_> = lines.sessions.iter().zip(&lines.sessions_made_at).collect();
        found.sort_by_key(|((id, _), _)| *id);
        let next = found.iter().skip(1).map(|(_, made_at)| Some(**made_at)).chain([None]);
        let keys = found.iter().zip(next).map(|(((id, material), _), followed_at)| Key {
            id: *id,
            key: hmac::Key::new(hmac::HMAC_SHA256, &**material),
            followed_at,
        });
        Self(keys.collect())
    }

    /// Under the newest, with its id.
    pub(crate) fn sign(&self, statement: &[u8]) -> Result<(u32, [u8; 32]), PortError> {
        let newest = self.0.last().ok_or(PortError::NoSessionKey)?;
        let mut mac = [0; 32];
        mac.copy_from_slice(hmac::sign(&newest.key, statement).as_ref());
        Ok((newest.id, mac))
    }

    /// In constant time.
    pub(crate) fn verify(&self, id: u32, statement: &[u8], mac: &[u8; 32], now: UnixMs) -> bool {
        let is_good = |key: &&Key| key.followed_at.is_none_or(|at| now.since(at) < OVERLAP_MS);
        let key = self.0.iter().find(|key| key.id == id).filter(is_good);
        key.is_some_and(|key| hmac::verify(&key.key, statement, mac).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn keys(made_at: &[i64]) -> SessionKeys {
        SessionKeys::of(&Lines {
            sessions: (1..)
                .zip(made_at)
                .map(|(id, _)| (id, Zeroizing::new([id as u8; 32])))
                .collect(),
            sessions_made_at: made_at.iter().map(|at| UnixMs::new(*at)).collect(),
            ..Lines::default()
        })
    }

    #[test]
    fn the_newest_key_signs_and_an_old_one_is_good_for_the_longest_session() {
        let now = 100 * UnixMs::HOUR;
        let old = keys(&[0]).sign(b"token").expect("signed");
        let both = keys(&[0, now]);
        let new = both.sign(b"token").expect("signed");
        assert_eq!((old.0, new.0), (1, 2));
        let is_good = |(id, mac): &(u32, [u8; 32]), at| both.verify(*id, b"token", mac, UnixMs::new(at));
        assert!(is_good(&old, now + OVERLAP_MS - 1) && is_good(&new, now + OVERLAP_MS));
        assert!(!is_good(&old, now + OVERLAP_MS));
        assert!(!both.verify(2, b"other", &new.1, UnixMs::new(now)), "another statement");
        assert!(!is_good(&(3, new.1), now) && !is_good(&(1, new.1), now), "another key");
    }

    #[test]
    fn without_a_key_nothing_is_signed() {
        assert_eq!(keys(&[]).sign(b"token"), Err(PortError::NoSessionKey));
    }
}
