//! The token of a trusted browser, which rotates, as a pure machine (P2). The next token is derived, and repeated until it
//! comes back, so that a lost answer is no theft:
//!
//! ```text
//!   issued 1 ── 1 comes back ──► seen 1, given 2 ── 2 comes back ──► seen 2, given 3 …
//!                                  │ 1 once more: 2 is given again
//!   seen 2: 1 comes back within 60 s of 2: what a second tab sends, 3 is given;
//!           later: somebody has a copy, and the trust ends
//! ```

use data_encoding::BASE64URL_NOPAD;
use store::{Id, SeenToken, TrustedDevice};
use subtle::ConstantTimeEq;
use verify::UnixMs;

use crate::ports::{PortError, Sealer};

/// The life of a trust, from the check on; its use does not extend it.
pub(crate) const TRUST_MS: i64 = 7 * UnixMs::DAY;
/// Browsers that a user trusts at once; of more the oldest is asked again.
pub(crate) const TRUSTED_MAX: usize = 20;
/// An older token may still be on its way for so long after the next one came back.
const GRACE_MS: i64 = 60 * UnixMs::SECOND;
/// Tokens whose time is remembered for that.
const SEEN_LATELY_MAX: usize = 8;

const FORMAT: u8 = 1;
const PURPOSE: &str = "trusted_device";

/// The token of this number of a trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TrustToken {
    pub(crate) device: Id,
    pub(crate) number: u32,
}

impl TrustToken {
    /// The first of the trust that this decision gave.
    pub(crate) fn first(decision: Id) -> Self {
        Self {
            device: decision,
            number: 1,
        }
    }

    /// `base64url(format, MAC key, trust, number, HMAC-SHA-256)`.
    pub(crate) fn text(self, sealer: &dyn Sealer) -> Result<String, PortError> {
        let mac_key = sealer.current_mac_key();
        let mut bytes = vec![FORMAT];
        bytes.extend(mac_key.to_be_bytes());
        bytes.extend(self.device.as_bytes());
        bytes.extend(self.number.to_be_bytes());
        let mac = sealer.mac(mac_key, PURPOSE, &bytes)?;
        bytes.extend(mac);
        Ok(BASE64URL_NOPAD.encode(&bytes))
    }

    /// Reads a text that [`text`](Self::text) made; `None` for any other.
    pub(crate) fn read(text: &str, sealer: &dyn Sealer) -> Option<Self> {
        let mut bytes = [0_u8; 57];
        if BASE64URL_NOPAD.decode_len(text.len()).ok()? != bytes.len() {
            return None;
        }
        BASE64URL_NOPAD.decode_mut(text.as_bytes(), &mut bytes).ok()?;
        let (told, mac) = bytes.split_at(25);
        let (&FORMAT, rest) = told.split_first()? else {
            return None;
        };
        let (mac_key, rest) = rest.split_first_chunk()?;
        let (device, number) = rest.split_first_chunk()?;
        let right = sealer.mac(u32::from_be_bytes(*mac_key), PURPOSE, told).ok()?;
        bool::from(right.as_slice().ct_eq(mac)).then_some(())?;
        Some(Self {
            device: Id::from_bytes(*device),
            number: u32::from_be_bytes(number.try_into().ok()?),
        })
    }
}

/// What a token comes to that a browser presents.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Presented {
    /// It is trusted: what is kept of it becomes this.
    Living(Box<TrustedDevice>),
    /// An older token came after the newer one had come: there are two who have it.
    Theft,
    /// It stands for nothing: its time is over, or it was never given.
    Dead,
}

/// Judges a token of this number against the trust that it is of.
pub(crate) fn present(device: &TrustedDevice, number: u32, now: UnixMs) -> Presented {
    if now >= device.until || number == 0 {
        return Presented::Dead;
    }
    let mut next = device.clone();
    next.last_used_at = Some(now);
    let is_lately = |seen: &SeenToken| now.since(seen.at) <= GRACE_MS;
    if Some(number) == device.seen.checked_add(1) {
        next.seen = number;
        next.seen_lately.retain(is_lately);
        next.seen_lately.push(SeenToken { number, at: now });
        if next.seen_lately.len() > SEEN_LATELY_MAX {
            next.seen_lately.remove(0);
        }
        return Presented::Living(Box::new(next));
    }
    if number > device.seen {
        return Presented::Dead;
    }
    let overtaken = device.seen_lately.iter().find(|seen| seen.number == number + 1);
    match overtaken {
        _ if number == device.seen => Presented::Living(Box::new(next)),
        Some(seen) if is_lately(seen) => Presented::Living(Box::new(next)),
        _ => Presented::Theft,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs::new(1_795_219_200_000);

    fn trust() -> TrustedDevice {
        TrustedDevice {
            id: Id::nil(),
            since: NOW,
            until: NOW.plus(TRUST_MS),
            last_used_at: None,
            seen: 0,
            seen_lately: Vec::new(),
            names: None,
            budget: verify::Throttle::default(),
        }
    }

    fn living(device: &TrustedDevice, number: u32, now: UnixMs) -> TrustedDevice {
        match present(device, number, now) {
            Presented::Living(next) => *next,
            Presented::Theft => panic!("{number}: theft"),
            Presented::Dead => panic!("{number}: dead"),
        }
    }

    #[test]
    fn p2_the_next_token_is_repeated_until_it_is_seen() {
        let device = trust();
        let once = living(&device, 1, NOW);
        assert_eq!(once.seen, 1);
        let again = living(&once, 1, NOW.plus(UnixMs::DAY));
        assert_eq!(again.seen, 1, "its answer was lost: no theft, however late");
        let twice = living(&again, 2, NOW.plus(UnixMs::DAY));
        assert_eq!(twice.seen, 2);
    }

    #[test]
    fn p2_an_older_token_is_theft_a_minute_after_the_next_was_seen() {
        let twice = living(&living(&trust(), 1, NOW), 2, NOW.plus(1));
        let third = living(&twice, 3, NOW.plus(2));
        for (number, seen_ms) in [(1, 1), (2, 2)] {
            let at = NOW.plus(seen_ms + GRACE_MS);
            assert_eq!(living(&third, number, at).seen, 3, "a second tab");
            assert!(present(&third, number, at.plus(1)) == Presented::Theft, "{number}");
        }
    }

    #[test]
    fn p2_what_was_never_given_or_is_over_stands_for_nothing() {
        let once = living(&trust(), 1, NOW);
        for number in [0, 3, u32::MAX] {
            assert!(present(&once, number, NOW) == Presented::Dead, "{number}");
        }
        let end = NOW.plus(TRUST_MS);
        assert!(matches!(present(&once, 2, end.plus(-1)), Presented::Living(_)));
        for number in [1, 2] {
            assert!(present(&once, number, end) == Presented::Dead, "use extends nothing");
        }
    }

    #[test]
    fn what_is_remembered_of_tokens_is_bounded() {
        let many = (1..100).fold(trust(), |device, number| living(&device, number, NOW));
        assert_eq!((many.seen, many.seen_lately.len()), (99, SEEN_LATELY_MAX));
    }
}
