//! Login and operation protection of a user on the wire.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use crate::{Actor, Factor, Text, Timestamp};

/// Where a user's second factor is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Protection {
    /// At login, after the password was right.
    pub login_protection: ProtectionMethod,
    /// Before a sensitive operation.
    pub operation_protection: ProtectionMethod,
}

/// By what a user is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProtectionMethod {
    /// Nothing is asked.
    None,
    /// A code of a bound device, or a recovery code.
    Mfa,
    /// An external method of the operator's list.
    External(Text<64>),
}

impl ProtectionMethod {
    /// As it stands in JSON.
    pub fn name(&self) -> &str {
        match self {
            Self::None => "none",
            Self::Mfa => "mfa",
            Self::External(name) => name.as_str(),
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
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = ProtectionMethod;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("none, mfa or an external method's name")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<ProtectionMethod, E> {
                match name {
                    "none" => Ok(ProtectionMethod::None),
                    "mfa" => Ok(ProtectionMethod::Mfa),
                    name => Text::new(name).map(ProtectionMethod::External).map_err(E::custom),
                }
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

impl PartialSchema for ProtectionMethod {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(64))
            .description(Some(
                "By what a user is protected: `none`, `mfa` (a code of a bound device, or a recovery code), or the name of an \
                 external method.",
            ))
            .examples(["mfa"])
            .into()
    }
}

impl ToSchema for ProtectionMethod {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ProtectionMethod")
    }
}

/// A user's settings of protection, and what is in force of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProtectionSettings {
    /// At login, after the password was right.
    pub login_protection: ProtectionMethod,
    /// Before a sensitive operation.
    pub operation_protection: ProtectionMethod,
    /// At a login that is unusual, or that the caller reports as risky.
    pub suspicious_login_protection: ProtectionMethod,
    /// A browser may be trusted for 7 days after a check.
    pub allow_trusted_devices: bool,
    /// A session ends when it was idle for so long.
    #[schema(example = 120)]
    pub session_idle_minutes: u16,
    /// A session ends after so long.
    #[schema(example = 48)]
    pub session_total_hours: u16,
    /// What the user is asked for by these settings, or by their account's requirements.
    pub in_force: InForce,
    /// When a change counts.
    pub takes_effect: TakesEffect,
}

/// What a user is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InForce {
    /// At login, after the password was right.
    pub login_protection: InForceProtection,
    /// Before a sensitive operation.
    pub operation_protection: InForceProtection,
    /// At a login that is unusual, or that the caller reports as risky.
    pub suspicious_login_protection: InForceProtection,
}

/// One protection as it is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InForceProtection {
    /// What is asked.
    pub method: ProtectionMethod,
    /// Since when, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Why.
    pub ground: InForceGround,
}

/// Why a protection is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InForceGround {
    /// The user's own choice, be it `none`.
    Own,
    /// The account requires it of a user who chose less: neither the same nor `mfa`.
    RequiredByAccount,
    /// It is asked, and the user has nothing to answer with: they are denied until they have.
    NoMethod,
    /// Suspicious-login protection is chosen, and the service has no database of cities: no login is from an unusual one.
    /// Only one that the caller reports as risky is asked, by the method that was chosen.
    NoCityDatabase,
}

/// When a change of settings counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TakesEffect {
    /// At the next login, and the next operation: who is logged in stays so.
    NextLogin,
}

/// Changes a user's settings of protection, all of them.
// No `Debug`: it may carry a code.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProtectionSettingsRequest {
    /// At login, after the password was right.
    pub login_protection: ProtectionMethod,
    /// Before a sensitive operation.
    pub operation_protection: ProtectionMethod,
    /// At a login that is unusual, or that the caller reports as risky.
    pub suspicious_login_protection: ProtectionMethod,
    /// A browser may be trusted for 7 days after a check.
    pub allow_trusted_devices: bool,
    /// A session ends when it was idle for so long.
    #[schema(minimum = 15, maximum = 720, example = 120)]
    pub session_idle_minutes: u16,
    /// A session ends after so long.
    #[schema(minimum = 1, maximum = 48, example = 48)]
    pub session_total_hours: u16,
    /// A fresh factor of the user, needed where less is asked than before; it is used up only there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<Factor>,
    /// On whose behalf.
    pub actor: Actor,
}

/// What a binding switches on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// A code is asked for at login.
    LoginProtection,
    /// A code is asked for before a sensitive operation.
    OperationProtection,
}
