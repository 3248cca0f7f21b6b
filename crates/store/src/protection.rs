//! Protection: the settings of a user, where and by which method their second factor is asked for.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use verify::UnixMs;

use crate::{Key, Noun, Owner, Pending, Store, shape};

/// The settings of a user: where a second factor is asked for, and by which method (P1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    /// Whose.
    pub owner: Owner,
    /// Raised by every change.
    pub version: u64,
    /// Asked at login.
    pub login_protection: ProtectionSetting,
    /// Asked before a sensitive operation.
    pub operation_protection: ProtectionSetting,
    /// Asked at a login that is unusual or risky (P5).
    #[serde(default)]
    pub suspicious_login_protection: ProtectionSetting,
    /// A browser may be trusted for 7 days after a check (P2).
    #[serde(default = "yes")]
    pub allow_trusted_devices: bool,
    /// A session ends when it was idle for so long, 15 to 720 minutes (P6).
    #[serde(default = "default_idle")]
    pub session_idle_minutes: u16,
    /// A session ends after so long, 1 to 48 hours (P6).
    #[serde(default = "default_total")]
    pub session_total_hours: u16,
}

fn yes() -> bool {
    true
}

fn default_idle() -> u16 {
    Protection::IDLE_MINUTES
}

fn default_total() -> u16 {
    Protection::TOTAL_HOURS
}

/// One protection: its method, and since when that is the user's own choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProtectionSetting {
    /// By what the user is checked.
    pub method: ProtectionMethod,
    /// When it became so; `None` where it always was, or was set before this was kept.
    pub since: Option<UnixMs>,
}

/// The method of a protection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum ProtectionMethod {
    /// Nothing is asked.
    #[default]
    None,
    /// A code of a bound device, or a recovery code.
    Mfa,
    /// An external method of the operator's list, which the caller performs itself and reports.
    External(Arc<str>),
}

impl ProtectionMethod {
    /// The name on the wire and in storage.
    pub fn name(&self) -> &str {
        match self {
            Self::None => "none",
            Self::Mfa => "mfa",
            Self::External(name) => name,
        }
    }

    /// The method of this name; any name that is not one of ours is an external method's.
    pub fn named(name: &str) -> Self {
        match name {
            "none" => Self::None,
            "mfa" => Self::Mfa,
            name => Self::External(name.into()),
        }
    }
}

impl Serialize for ProtectionMethod {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for ProtectionMethod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::named(&String::deserialize(deserializer)?))
    }
}

#[derive(Serialize, Deserialize)]
struct WrittenSetting {
    method: ProtectionMethod,
    #[serde(
        rename = "since_ms",
        default,
        with = "shape::optional_ms",
        skip_serializing_if = "Option::is_none"
    )]
    since: Option<UnixMs>,
}

impl Serialize for ProtectionSetting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { method, since } = self.clone();
        WrittenSetting { method, since }.serialize(serializer)
    }
}

/// In format 1 a setting was a boolean: a code, or nothing.
impl<'de> Deserialize<'de> for ProtectionSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = ProtectionSetting;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a setting")
            }

            fn visit_bool<E: de::Error>(self, is_on: bool) -> Result<ProtectionSetting, E> {
                let method = if is_on {
                    ProtectionMethod::Mfa
                } else {
                    ProtectionMethod::None
                };
                Ok(ProtectionSetting { method, since: None })
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<ProtectionSetting, A::Error> {
                let written = WrittenSetting::deserialize(de::value::MapAccessDeserializer::new(map))?;
                let WrittenSetting { method, since } = written;
                Ok(ProtectionSetting { method, since })
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

impl ProtectionSetting {
    /// Asks by this method since then.
    pub fn of(method: ProtectionMethod, since: UnixMs) -> Self {
        Self {
            method,
            since: Some(since),
        }
    }

    /// Something is asked.
    pub fn is_on(&self) -> bool {
        self.method != ProtectionMethod::None
    }
}

impl Protection {
    /// The default of [`session_idle_minutes`](Self::session_idle_minutes).
    pub const IDLE_MINUTES: u16 = 120;
    /// The default of [`session_total_hours`](Self::session_total_hours).
    pub const TOTAL_HOURS: u16 = 48;

    /// Of a user who never set anything.
    pub fn none(owner: Owner) -> Self {
        Self {
            owner,
            version: 0,
            login_protection: ProtectionSetting::default(),
            operation_protection: ProtectionSetting::default(),
            suspicious_login_protection: ProtectionSetting::default(),
            allow_trusted_devices: true,
            session_idle_minutes: Self::IDLE_MINUTES,
            session_total_hours: Self::TOTAL_HOURS,
        }
    }

    fn all(&self) -> [&ProtectionSetting; 3] {
        [
            &self.login_protection,
            &self.operation_protection,
            &self.suspicious_login_protection,
        ]
    }

    /// Something is asked for.
    pub fn asks(&self) -> bool {
        self.all().iter().any(|setting| setting.is_on())
    }

    /// Something is asked for that only a device, or a recovery code, gives.
    pub fn asks_for_mfa(&self) -> bool {
        self.all().iter().any(|setting| setting.method == ProtectionMethod::Mfa)
    }

    /// Something is not as it is for a user who never set anything: whoever set all of it back has no setting.
    pub fn is_set(&self) -> bool {
        let nothing = Self::none(self.owner.clone());
        let methods = |settings: &Self| {
            let all = [
                &settings.login_protection,
                &settings.operation_protection,
                &settings.suspicious_login_protection,
            ];
            all.map(|setting| setting.method.clone())
        };
        let limits = |settings: &Self| (settings.session_idle_minutes, settings.session_total_hours);
        methods(self) != methods(&nothing)
            || self.allow_trusted_devices != nothing.allow_trusted_devices
            || limits(self) != limits(&nothing)
    }

    fn key_of(owner: &Owner) -> Key {
        Key::of_user(owner, Self::NAME, "")
    }
}

impl Noun for Protection {
    const NAME: &'static str = "protection";
    // 1: settings were booleans.
    const FORMAT: u32 = 2;

    fn key(&self) -> Key {
        Self::key_of(&self.owner)
    }

    fn version(&self) -> u64 {
        self.version
    }
}

/// Reading protections.
impl dyn Store + '_ {
    /// The protection of this owner; `None` for one who never set anything.
    pub fn protection(&self, owner: Owner) -> Pending<'_, Option<Protection>> {
        self.one(Protection::key_of(&owner))
    }

    /// The protection of each owner, in the order asked.
    pub fn protections_of(&self, owners: &[Owner]) -> Pending<'_, Vec<Option<Protection>>> {
        self.each(owners.iter().map(Protection::key_of).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Document,
        golden::{NOW, golden, owner},
    };

    fn login(since: Option<UnixMs>) -> Protection {
        Protection {
            version: 4,
            login_protection: ProtectionSetting {
                method: ProtectionMethod::Mfa,
                since,
            },
            ..Protection::none(owner())
        }
    }

    #[test]
    fn golden_files() {
        golden("login", &login(Some(NOW)));
        golden(
            "external",
            &Protection {
                operation_protection: ProtectionSetting::of(ProtectionMethod::External("sms".into()), NOW),
                allow_trusted_devices: false,
                session_idle_minutes: 15,
                session_total_hours: 1,
                ..login(Some(NOW))
            },
        );
    }

    #[test]
    fn what_was_written_in_format_1_is_read() {
        let file = include_str!("../tests/documents/protection-1-login.json");
        let file: serde_json::Value = serde_json::from_str(file).expect("JSON");
        let document = Document {
            body: file["body"].to_string(),
            ..Document::of(&login(None))
        };
        assert!(document.read::<Protection>().expect("it is read") == login(None));
    }
}
