use otp::Parameters;
use serde::{Deserialize, Serialize};
use verify::UnixMs;

use crate::{Bound, Id, Key, List, Lookup, Noun, Owner, Pending, Sealed, Store, document, shape};

/// A hardware token in the inventory: one serial number, one record, whatever secrets it had in its life.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// What stands on its back.
    pub serial_number: String,
    /// UUIDv7; another one with each secret, so that what was sealed for an older one opens for nothing.
    pub id: Id,
    /// Raised by every change.
    pub version: u64,
    /// The batch it came in.
    pub batch: String,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// What it is.
    pub model: Option<String>,
    /// What its user will call it.
    pub label: Option<String>,
    /// Algorithm, digits, period.
    #[serde(with = "shape::parameters")]
    pub parameters: Parameters,
    /// By which its secret is known again after it was erased.
    pub fingerprint: Fingerprint,
    /// The key that sets the token's clock and wipes it; `None` once retired.
    pub management: Option<Sealed>,
    /// Steps by which its clock was ahead (behind: negative), as the seed file said, then as binding measured.
    pub measured_offset_steps: i32,
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
    /// Where it stands in its life.
    pub state: TokenState,
}

impl Token {
    /// The next version of it, in another state.
    #[must_use]
    pub fn become_state(self, state: TokenState, at: UnixMs) -> Self {
        Self {
            version: self.version + 1,
            management: self.management.filter(|_| state.stage() != TokenStatus::Retired),
            changed_at: at,
            state,
            ..self
        }
    }
}

/// A life. Its secret stands only where it can still be bound; a bound one's is its device's.
///
/// ```text
/// imported ◄──► assigned ──► bound ──► returned ──► (imported, with a new secret) or retired
///     │             │          │           ▲
///     └─────────────┴──────────┴──► lost ──┘        and from everywhere but bound ──► retired
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    /// In the drawer: free for whom its batch is open to.
    Imported {
        /// The secret.
        #[serde(rename = "secret")]
        sealed: Sealed,
    },
    /// Meant for this user and nobody else.
    Assigned {
        /// The secret.
        #[serde(rename = "secret")]
        sealed: Sealed,
        /// Whom it is for.
        owner: Owner,
    },
    /// It is this device.
    Bound {
        /// Whose.
        owner: Owner,
        /// The device, which holds the secret now.
        device: Id,
    },
    /// Nobody knows where it is.
    Lost {
        /// Whose device it still is, until they unbind it.
        bound: Option<(Owner, Id)>,
    },
    /// Unbound, or found: without a secret until it is provisioned anew.
    Returned,
    /// The end.
    Retired,
}

/// The names of [`TokenState`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenStatus {
    /// [`TokenState::Imported`].
    Imported,
    /// [`TokenState::Assigned`].
    Assigned,
    /// [`TokenState::Bound`].
    Bound,
    /// [`TokenState::Lost`].
    Lost,
    /// [`TokenState::Returned`].
    Returned,
    /// [`TokenState::Retired`].
    Retired,
}

impl TokenStatus {
    /// Every stage, in the order of a life.
    pub const ALL: [Self; 6] = [
        Self::Imported,
        Self::Assigned,
        Self::Bound,
        Self::Lost,
        Self::Returned,
        Self::Retired,
    ];

    /// The name on the wire and in storage.
    pub fn name(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Assigned => "assigned",
            Self::Bound => "bound",
            Self::Lost => "lost",
            Self::Returned => "returned",
            Self::Retired => "retired",
        }
    }

    /// The stage of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }
}

impl TokenState {
    /// Its name.
    pub fn stage(&self) -> TokenStatus {
        match self {
            Self::Imported { .. } => TokenStatus::Imported,
            Self::Assigned { .. } => TokenStatus::Assigned,
            Self::Bound { .. } => TokenStatus::Bound,
            Self::Lost { .. } => TokenStatus::Lost,
            Self::Returned => TokenStatus::Returned,
            Self::Retired => TokenStatus::Retired,
        }
    }

    /// The sealed secret, while it is the inventory's.
    pub fn sealed(&self) -> Option<&Sealed> {
        match self {
            Self::Imported { sealed } | Self::Assigned { sealed, .. } => Some(sealed),
            Self::Bound { .. } | Self::Lost { .. } | Self::Returned | Self::Retired => None,
        }
    }

    /// Whom it is meant for, or whose it is.
    pub fn owner(&self) -> Option<&Owner> {
        match self {
            Self::Assigned { owner, .. } | Self::Bound { owner, .. } => Some(owner),
            Self::Lost { bound } => bound.as_ref().map(|(owner, _)| owner),
            Self::Imported { .. } | Self::Returned | Self::Retired => None,
        }
    }

    /// The device that it is.
    pub fn device(&self) -> Option<Id> {
        match self {
            Self::Bound { device, .. } => Some(*device),
            Self::Lost { bound } => bound.as_ref().map(|(_, device)| *device),
            Self::Imported { .. } | Self::Assigned { .. } | Self::Returned | Self::Retired => None,
        }
    }

    /// Set aside for this user; from the drawer, or from another user who did not bind it.
    pub fn assigned(self, owner: Owner) -> Option<Self> {
        match self {
            Self::Imported { sealed } | Self::Assigned { sealed, .. } => Some(Self::Assigned { sealed, owner }),
            _ => None,
        }
    }

    /// Back in the drawer, nobody's.
    pub fn unassigned(self) -> Option<Self> {
        match self {
            Self::Assigned { sealed, .. } => Some(Self::Imported { sealed }),
            _ => None,
        }
    }

    /// It became this device of this user, unless it is meant for somebody else.
    pub fn bound(self, owner: Owner, device: Id) -> Option<Self> {
        match self {
            Self::Imported { .. } => Some(Self::Bound { owner, device }),
            Self::Assigned { owner: meant, .. } if meant == owner => Some(Self::Bound { owner, device }),
            _ => None,
        }
    }

    /// This device of it has ended: a token without a secret, lost or not.
    pub fn unbound(self, device: Id) -> Option<Self> {
        match self {
            Self::Bound { device: its, .. } if its == device => Some(Self::Returned),
            Self::Lost { bound: Some((_, its)) } if its == device => Some(Self::Lost { bound: None }),
            _ => None,
        }
    }

    /// Nobody knows where it is. What its secret opened, it opens no more.
    pub fn lost(self) -> Option<Self> {
        match self {
            Self::Imported { .. } | Self::Assigned { .. } => Some(Self::Lost { bound: None }),
            Self::Bound { owner, device } => Some(Self::Lost {
                bound: Some((owner, device)),
            }),
            Self::Lost { .. } | Self::Returned | Self::Retired => None,
        }
    }

    /// It is here again, without a secret. A device of it has to be unbound first.
    pub fn returned(self) -> Option<Self> {
        match self {
            Self::Imported { .. } | Self::Assigned { .. } | Self::Lost { bound: None } => Some(Self::Returned),
            _ => None,
        }
    }

    /// It will not be used again. A device of it has to be unbound first.
    pub fn retired(self) -> Option<Self> {
        match self {
            Self::Bound { .. } | Self::Lost { bound: Some(_) } | Self::Retired => None,
            _ => Some(Self::Retired),
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

/// Which tokens a list is of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenFilter {
    /// Those at this stage of their life.
    pub stage: Option<TokenStatus>,
    /// Those of this batch.
    pub batch: Option<String>,
}

/// A token and the device that it is, as read together.
#[derive(Clone)]
pub struct BoundToken {
    /// The inventory's record.
    pub token: Token,
    /// The device's.
    pub bound: Bound,
}

const STAGE: &str = "stage";
const BATCH: &str = "batch";
const BATCH_STAGE: &str = "batch_stage";
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
        let (batch, stage, serial_number) = (&*self.batch, self.state.stage().name(), &*self.serial_number);
        let mut lookups = vec![
            Lookup::listed(STAGE, &[stage, serial_number]),
            Lookup::listed(BATCH, &[batch, serial_number]),
            Lookup::listed(BATCH_STAGE, &[batch, stage, serial_number]),
        ];
        lookups.extend(self.state.device().map(|_| Lookup::listed(BOUND, &[serial_number])));
        if let TokenState::Assigned { owner, .. } = &self.state {
            let parts = [&*owner.account, &*owner.user, serial_number];
            lookups.push(Lookup::listed(ASSIGNED_TO, &parts));
        }
        lookups
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

/// Reading the inventory.
impl dyn Store + '_ {
    /// The token of each serial number, in the order asked.
    pub fn tokens_of(&self, serial_numbers: Vec<String>) -> Pending<'_, Vec<Option<Token>>> {
        let keys = serial_numbers.iter().map(|serial_number| Token::key_of(serial_number));
        self.each(keys.collect())
    }

    /// Up to `limit` tokens after this serial number, in the order of serial numbers.
    pub fn tokens(&self, filter: TokenFilter, after: Option<String>, limit: u32) -> Pending<'_, Vec<Token>> {
        let stage = filter.stage.map(TokenStatus::name);
        let after = after.unwrap_or_default();
        let lookup = |name, parts: &[&str], after| List::Lookup {
            name,
            prefix: document::value(parts),
            after,
        };
        let list = match (&filter.batch, stage) {
            (None, None) => List::Global { after },
            (None, Some(stage)) => lookup(STAGE, &[stage], after),
            (Some(batch), None) => lookup(BATCH, &[batch], after),
            (Some(batch), Some(stage)) => lookup(BATCH_STAGE, &[batch, stage], after),
        };
        self.list(list, limit)
    }

    /// Up to `limit` tokens that are somebody's device, lost ones too, after this serial number and in that order; those
    /// that are unbound at this moment may be left out already.
    pub fn bound_tokens(&self, after: Option<String>, limit: u32) -> Pending<'_, Vec<BoundToken>> {
        let list = |after| List::Lookup {
            name: BOUND,
            prefix: String::new(),
            after,
        };
        let mut after = after.unwrap_or_default();
        Box::pin(async move {
            loop {
                let tokens: Vec<Token> = self.list(list(after), limit).await?;
                let Some(last) = tokens.last() else {
                    return Ok(Vec::new());
                };
                after = last.serial_number.clone();
                let owner_of = |token: &Token| token.state.device().and(token.state.owner().cloned());
                let owners: Vec<Owner> = tokens.iter().filter_map(owner_of).collect();
                let users = self.users(owners).await?;
                let of_users = tokens.into_iter().filter(|token| owner_of(token).is_some()).zip(users);
                let found: Vec<_> = of_users
                    .filter_map(|(token, user)| {
                        let bound = user?.device(token.state.device()?)?.clone();
                        Some(BoundToken { token, bound })
                    })
                    .collect();
                // A page without any would look like the last one.
                if !found.is_empty() {
                    return Ok(found);
                }
            }
        })
    }

    /// Up to `limit` tokens that are set aside for this user, in the order of serial numbers.
    pub fn tokens_assigned_to(&self, owner: Owner, limit: u32) -> Pending<'_, Vec<Token>> {
        let list = List::Lookup {
            name: ASSIGNED_TO,
            prefix: document::value(&[&owner.account, &owner.user]),
            after: String::new(),
        };
        self.list(list, limit)
    }

    /// Which of these are of a secret that some token has or had, in the order asked.
    pub fn known_fingerprints(&self, macs: Vec<[u8; 32]>) -> Pending<'_, Vec<bool>> {
        let asked = self.documents(macs.iter().map(Fingerprint::key_of).collect());
        Box::pin(async move { Ok(asked.await?.iter().map(Option::is_some).collect()) })
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
            batch: "2026-03".into(),
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
