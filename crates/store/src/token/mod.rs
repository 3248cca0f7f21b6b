//! Hardware tokens: the inventory's records, their states, and the fingerprints of their secrets.

mod codes;
mod reading;
mod state;

use otp::Parameters;
use serde::{Deserialize, Serialize};
use verify::UnixMs;

use crate::{Id, Key, Lookup, Noun, Sealed, shape};

pub use codes::{UnboundToken, UnreadToken};
pub use reading::{BoundToken, TokenFilter};
pub use state::{TokenState, TokenStatus};

/// A hardware token in the inventory: one serial number, one record, whatever secrets it had in its life.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The serial number on its back.
    pub serial_number: String,
    /// UUIDv7; another one with each secret, so that what was sealed for an older one opens for nothing.
    pub id: Id,
    /// Raised by every change.
    pub version: u64,
    /// The lot it came in; `batch` in storage and on the wire.
    #[serde(rename = "batch")]
    pub lot: String,
    /// Its manufacturer.
    pub manufacturer: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// The name that its user will see.
    pub label: Option<String>,
    /// Algorithm, digits, period.
    #[serde(with = "shape::parameters")]
    pub parameters: Parameters,
    /// The fingerprint by which its secret is known again after it was erased.
    pub fingerprint: Fingerprint,
    /// The key that sets the token's clock and wipes it; `None` once retired.
    pub management: Option<Sealed>,
    /// Steps by which its clock was ahead (behind: negative), as the seed file said, then as binding measured.
    pub measured_offset_steps: i32,
    /// The counter of its next code, as the seed file said, then as binding found; of a counter token (HOTP) alone, whose period
    /// in [`parameters`](Self::parameters) means nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<u64>,
    /// Not to be bound before.
    #[serde(rename = "starts_at_ms", with = "shape::optional_ms")]
    pub starts_at: Option<UnixMs>,
    /// Not to be bound afterwards.
    #[serde(rename = "expires_at_ms", with = "shape::optional_ms")]
    pub expires_at: Option<UnixMs>,
    /// When it came in with its present secret.
    #[serde(rename = "imported_at_ms", with = "shape::ms")]
    pub imported_at: UnixMs,
    /// The last change.
    #[serde(rename = "changed_at_ms", with = "shape::ms")]
    pub changed_at: UnixMs,
    /// When its present secret left in an export, last.
    #[serde(rename = "exported_at_ms", with = "shape::optional_ms")]
    pub exported_at: Option<UnixMs>,
    /// Its state.
    pub state: TokenState,
}

impl Token {
    /// The next version of it, in another state.
    #[must_use]
    pub fn become_state(self, state: TokenState, at: UnixMs) -> Self {
        Self {
            version: self.version + 1,
            management: self.management.filter(|_| state.status() != TokenStatus::Retired),
            changed_at: at,
            state,
            ..self
        }
    }
}

/// A keyed hash of a secret: no secret comes in twice, under whatever serial number, not even long after it was
/// erased. Once written, it stays for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint {
    /// HMAC-SHA-256 under a MAC key of the keyring.
    #[serde(with = "shape::hex")]
    pub mac: [u8; 32],
    /// The MAC key's id.
    pub key_id: u32,
}

const STATUS: &str = "stage";
const LOT: &str = "batch";
const LOT_STATUS: &str = "batch_stage";
const BOUND: &str = "bound";
const ASSIGNED_TO: &str = "assigned_to";

impl Token {
    fn key_of(serial_number: &str) -> Key {
        Key::global(Self::NAME, serial_number)
    }
}

impl Noun for Token {
    const NAME: &'static str = "token";

    fn key(&self) -> Key {
        Self::key_of(&self.serial_number)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn lookups(&self) -> Vec<Lookup> {
        let (lot, status, serial_number) = (&*self.lot, self.state.status().name(), &*self.serial_number);
        let mut lookups = vec![
            Lookup::listed(STATUS, &[status, serial_number]),
            Lookup::listed(LOT, &[lot, serial_number]),
            Lookup::listed(LOT_STATUS, &[lot, status, serial_number]),
        ];
        lookups.extend(self.state.device().map(|_| Lookup::listed(BOUND, &[serial_number])));
        if let TokenState::Assigned { owner, .. } = &self.state {
            let parts = [&*owner.account, &*owner.user, serial_number];
            lookups.push(Lookup::listed(ASSIGNED_TO, &parts));
        }
        lookups
    }

    fn summary(&self) -> Option<String> {
        self.codes()
    }

    fn secrets(&self) -> Vec<&Sealed> {
        self.management.iter().chain(self.state.sealed()).collect()
    }

    fn secrets_mut(&mut self) -> Vec<&mut Sealed> {
        let of_state = match &mut self.state {
            TokenState::Imported { sealed } | TokenState::Assigned { sealed, .. } => Some(sealed),
            TokenState::Bound { .. } | TokenState::Lost { .. } | TokenState::Returned | TokenState::Retired => None,
        };
        self.management.iter_mut().chain(of_state).collect()
    }
}

impl Fingerprint {
    fn key_of(mac: &[u8; 32]) -> Key {
        Key::global(Self::NAME, data_encoding::HEXLOWER.encode(mac))
    }
}

impl Noun for Fingerprint {
    const NAME: &'static str = "token_fingerprint";

    fn key(&self) -> Key {
        Self::key_of(&self.mac)
    }

    fn version(&self) -> u64 {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{NOW, golden, id, owner, sealed};

    #[test]
    fn golden_files() {
        let token = |state, management| Token {
            serial_number: "CS-000001".into(),
            id: id(8),
            version: 3,
            lot: "2026-03".into(),
            manufacturer: Some("Wolke".into()),
            model: Some("M1".into()),
            label: None,
            parameters: Parameters::DEFAULT,
            fingerprint: Fingerprint {
                mac: [9; 32],
                key_id: 1,
            },
            management,
            measured_offset_steps: -2,
            counter: None,
            starts_at: Some(NOW),
            expires_at: None,
            imported_at: NOW,
            changed_at: NOW.plus(1),
            exported_at: Some(NOW.plus(2)),
            state,
        };
        golden(
            "imported",
            &token(TokenState::Imported { sealed: sealed(1) }, Some(sealed(2))),
        );
        let assigned = TokenState::Assigned {
            sealed: sealed(1),
            owner: owner(),
        };
        golden("assigned", &token(assigned, None));
        let bound = TokenState::Bound {
            owner: owner(),
            device: id(4),
        };
        golden("bound", &token(bound, Some(sealed(2))));
        let bound = Some((owner(), id(4)));
        golden("lost", &token(TokenState::Lost { bound }, None));
        golden("found", &token(TokenState::Lost { bound: None }, None));
        golden("returned", &token(TokenState::Returned, None));
        golden("retired", &token(TokenState::Retired, None));
        let counter = Token {
            measured_offset_steps: 0,
            counter: Some(42),
            ..token(TokenState::Imported { sealed: sealed(1) }, None)
        };
        golden("counter", &counter);
    }

    #[test]
    fn token_fingerprint() {
        golden(
            "any",
            &Fingerprint {
                mac: [9; 32],
                key_id: 1,
            },
        );
    }
}
