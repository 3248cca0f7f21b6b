//! Login and operation protection of a user on the wire.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use crate::Text;

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

/// What a binding switches on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// A code is asked for at login.
    LoginProtection,
    /// A code is asked for before a sensitive operation.
    OperationProtection,
}
