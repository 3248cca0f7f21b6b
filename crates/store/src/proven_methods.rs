//! The external methods that were proven for a user: their telephone number, their address, their name at somebody else's.

use serde::{Deserialize, Serialize};
use verify::UnixMs;

use crate::{Key, Noun, Owner, Pending, Sealed, Store, shape};

/// The register of a user's proven methods, all of them in one document, so that it ends as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenMethods {
    /// Whose.
    pub owner: Owner,
    /// Raised by every change.
    pub version: u64,
    /// One of each name at most, in the order of names.
    pub methods: Vec<ProvenMethod>,
}

/// An external method that was proven for a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenMethod {
    /// The operator's name of it: `sms`.
    pub name: String,
    /// What the method reaches them by, opaque: it is personal data.
    pub identity: Sealed,
    /// When the caller proved that it is theirs.
    #[serde(rename = "verified_at_ms", with = "shape::ms")]
    pub verified_at: UnixMs,
    /// When it last answered a challenge.
    #[serde(
        rename = "last_used_at_ms",
        default,
        with = "shape::optional_ms",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_used_at: Option<UnixMs>,
}

impl ProvenMethods {
    /// Of a user for whom nothing was proven.
    pub fn none(owner: Owner) -> Self {
        Self {
            owner,
            version: 0,
            methods: Vec::new(),
        }
    }

    /// The one of this name.
    pub fn named(&self, name: &str) -> Option<&ProvenMethod> {
        self.methods.iter().find(|method| method.name == name)
    }

    /// With this one, in place of the one of its name.
    #[must_use]
    pub fn with(mut self, method: ProvenMethod) -> Self {
        self = self.without(&method.name);
        self.methods.push(method);
        self.methods.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        self
    }

    /// Without the one of this name.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.methods.retain(|method| method.name != name);
        self
    }

    fn key_of(owner: &Owner) -> Key {
        Key::of_user(owner, Self::NAME, "")
    }
}

impl Noun for ProvenMethods {
    const NAME: &'static str = "proven_methods";

    fn key(&self) -> Key {
        Self::key_of(&self.owner)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn secrets(&self) -> Vec<&Sealed> {
        self.methods.iter().map(|method| &method.identity).collect()
    }

    fn secrets_mut(&mut self) -> Vec<&mut Sealed> {
        self.methods.iter_mut().map(|method| &mut method.identity).collect()
    }
}

/// Reading proven methods.
impl dyn Store + '_ {
    /// The register of this owner; `None` for one for whom nothing was ever proven.
    pub fn proven_methods(&self, owner: Owner) -> Pending<'_, Option<ProvenMethods>> {
        self.one(ProvenMethods::key_of(&owner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{NOW, golden, owner, sealed};

    #[test]
    fn golden_files() {
        let proven = |name: &str, byte, last_used_at| ProvenMethod {
            name: name.into(),
            identity: sealed(byte),
            verified_at: NOW,
            last_used_at,
        };
        let none = ProvenMethods::none(owner());
        golden(
            "none",
            &ProvenMethods {
                version: 3,
                ..none.clone()
            },
        );
        let two = none
            .with(proven("wechat", 1, Some(NOW.plus(5))))
            .with(proven("email", 2, None))
            .with(proven("email", 3, None));
        assert_eq!(two.named("email").map(|method| &method.identity), Some(&sealed(3)));
        golden("two", &ProvenMethods { version: 2, ..two });
    }
}
