//! Enrollments on the wire: a binding is started, shown as a QR code, confirmed or abandoned.

use std::{fmt, net::IpAddr};

use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{ArrayBuilder, KnownFormat, ObjectBuilder, Ref, RefOr, Schema, SchemaFormat, Type},
};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{Actor, ActorKind, CodeText, Device, FactorMethod, GrantText, IdentityProof, Name, PresentedGrant, Scope};

/// Where an enrollment is found; for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct EnrollmentPath {
    /// The account.
    pub account: Name,
    /// The user under it.
    pub user: Name,
    /// The enrollment.
    pub id: Uuid,
}

/// Starts a binding.
// No `Debug`: it may carry a code.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields, try_from = "Fields")]
pub enum EnrollmentRequest {
    /// An authenticator app.
    #[schema(title = "VirtualEnrollmentRequest")]
    Virtual {
        /// The service's name in the app, without a colon; a setting of the service when absent.
        #[serde(skip_serializing_if = "Option::is_none")]
        issuer: Option<Name>,
        /// The account's name in the app, without a colon; the user's name when absent.
        #[serde(skip_serializing_if = "Option::is_none")]
        label: Option<Name>,
        /// How the caller made sure of the user's identity.
        identity_proof: IdentityProof,
        /// Changing phones: the device that ends in the moment the new one is bound.
        #[serde(skip_serializing_if = "Option::is_none")]
        replaces: Option<Replaces>,
        /// A further device, where more than one is allowed: the fresh factor of a user who has one. Not with `replaces`.
        #[serde(skip_serializing_if = "Option::is_none")]
        factor: Option<Factor>,
        /// On whose behalf.
        actor: Actor,
    },
    /// A hardware token of the inventory.
    #[schema(title = "HardwareEnrollmentRequest")]
    Hardware {
        /// What stands on its back.
        serial_number: Name,
        /// What people will call it; the token's own label, or its serial number, when absent.
        #[serde(skip_serializing_if = "Option::is_none")]
        label: Option<Name>,
        /// How the caller made sure of the user's identity.
        identity_proof: IdentityProof,
        /// The device that ends in the moment the token is bound.
        #[serde(skip_serializing_if = "Option::is_none")]
        replaces: Option<Replaces>,
        /// A further device, where more than one is allowed: the fresh factor of a user who has one. Not with `replaces`.
        #[serde(skip_serializing_if = "Option::is_none")]
        factor: Option<Factor>,
        /// On whose behalf.
        actor: Actor,
    },
}

/// The device that a new one replaces, and a code that allows it.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Replaces {
    /// The device.
    pub device_id: Uuid,
    /// A fresh code of that device, or one of the user's recovery codes.
    pub code: CodeText,
    /// What the code is: `totp` when absent.
    #[serde(default)]
    pub method: FactorMethod,
}

/// A fresh factor of a user: a code, or an identity grant.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(untagged, try_from = "FactorFields")]
pub enum Factor {
    /// A code.
    Code(CodeFactor),
    /// An identity grant for this change, which a device or a recovery code gave; it counts once.
    Grant(PresentedGrant),
}

/// A code as a fresh factor.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeFactor {
    /// A fresh code of a bound device, or one of the user's recovery codes.
    pub code: CodeText,
    /// What the code is: `totp` when absent.
    #[serde(default)]
    pub method: FactorMethod,
}

/// Both kinds' fields, flat, for the same reasons as [`Fields`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FactorFields {
    code: Option<CodeText>,
    method: Option<FactorMethod>,
    grant: Option<GrantText>,
}

impl TryFrom<FactorFields> for Factor {
    type Error = &'static str;

    fn try_from(fields: FactorFields) -> Result<Self, Self::Error> {
        match (fields.code, fields.method, fields.grant) {
            (Some(code), method, None) => Ok(Self::Code(CodeFactor {
                code,
                method: method.unwrap_or_default(),
            })),
            (None, None, Some(grant)) => Ok(Self::Grant(PresentedGrant { grant })),
            _ => Err("has either a code, with its method, or a grant"),
        }
    }
}

/// All kinds' fields, flat, as they are read: serde's own tagged enums would first copy the codes to places that
/// nobody wipes, and would lose the path of what is wrong.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    kind: Kind,
    serial_number: Option<Name>,
    issuer: Option<Name>,
    label: Option<Name>,
    identity_proof: IdentityProof,
    replaces: Option<Replaces>,
    factor: Option<Factor>,
    actor: Actor,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Virtual,
    Hardware,
}

impl TryFrom<Fields> for EnrollmentRequest {
    type Error = &'static str;

    fn try_from(fields: Fields) -> Result<Self, Self::Error> {
        let Fields {
            kind,
            serial_number,
            issuer,
            label,
            identity_proof,
            replaces,
            factor,
            actor,
        } = fields;
        if replaces.is_some() && factor.is_some() {
            return Err("has both replaces and factor: replaces carries its own code");
        }
        match (kind, serial_number, issuer) {
            (Kind::Virtual, None, issuer) => Ok(Self::Virtual {
                issuer,
                label,
                identity_proof,
                replaces,
                factor,
                actor,
            }),
            (Kind::Hardware, Some(serial_number), None) => Ok(Self::Hardware {
                serial_number,
                label,
                identity_proof,
                replaces,
                factor,
                actor,
            }),
            (Kind::Virtual, Some(_), _) => Err("has a serial_number, which goes with kind hardware"),
            (Kind::Hardware, None, _) => Err("has no serial_number, which stands on the token's back"),
            (Kind::Hardware, Some(_), Some(_)) => Err("has an issuer, which goes with kind virtual"),
        }
    }
}

/// A binding under way, as the user is shown it, once.
// No `Debug`: it holds the secret.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Enrollment {
    /// UUIDv7.
    pub id: Uuid,
    /// For the app; as a link on the phone itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        value_type = Option<String>,
        example = "otpauth://totp/Example:alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Example",
    )]
    pub otpauth_uri: Option<Zeroizing<String>>,
    /// For those who cannot scan, in groups of four.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP")]
    pub secret_text: Option<Zeroizing<String>>,
    /// The URI as a picture, with its quiet zone: show it dark on white, in dark mode too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "<svg xmlns=\"http://www.w3.org/2000/svg\">…</svg>")]
    pub qr_svg: Option<Zeroizing<String>>,
    /// When it ends by itself.
    pub expires_at: crate::Timestamp,
    /// How many codes complete it.
    #[schema(example = 1)]
    pub codes_needed: u32,
    /// What they follow from: of `hotp`, ask the user to press the button again for the second one; of `totp`, to wait.
    #[serde(default)]
    pub otp_type: crate::OtpType,
}

/// Completes a binding.
// No `Debug`: it carries codes.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmRequest {
    /// As many codes of the new device as `codes_needed` said, in the order it showed them.
    pub codes: EnrollmentCodes,
    /// Where a code is asked for from now on; may be empty.
    pub scope: Vec<Scope>,
    /// Whether to issue recovery codes.
    #[serde(default)]
    pub recovery_codes: bool,
    /// On whose behalf.
    pub actor: Actor,
}

/// One code, or two consecutive ones.
#[derive(Serialize)]
pub struct EnrollmentCodes(Vec<CodeText>);

impl EnrollmentCodes {
    const MAX: usize = 2;

    /// The codes, in their order.
    pub fn into_inner(self) -> Vec<CodeText> {
        self.0
    }
}

impl From<CodeText> for EnrollmentCodes {
    fn from(code: CodeText) -> Self {
        Self(vec![code])
    }
}

impl From<[CodeText; 2]> for EnrollmentCodes {
    fn from(codes: [CodeText; 2]) -> Self {
        Self(codes.into())
    }
}

impl<'de> Deserialize<'de> for EnrollmentCodes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = EnrollmentCodes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of 1 or 2 codes")
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<EnrollmentCodes, A::Error> {
                let mut codes = Vec::with_capacity(EnrollmentCodes::MAX);
                while let Some(code) = seq.next_element()? {
                    if codes.len() == EnrollmentCodes::MAX {
                        return Err(de::Error::invalid_length(codes.len() + 1, &self));
                    }
                    codes.push(code);
                }
                if codes.is_empty() {
                    Err(de::Error::invalid_length(0, &self))
                } else {
                    Ok(EnrollmentCodes(codes))
                }
            }
        }

        deserializer.deserialize_seq(Visitor)
    }
}

impl PartialSchema for EnrollmentCodes {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new()
            .items(Ref::from_schema_name("CodeText"))
            .min_items(Some(1))
            .max_items(Some(Self::MAX))
            .description(Some("One code, or two consecutive ones."))
            .into()
    }
}

impl ToSchema for EnrollmentCodes {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((CodeText::name().into(), CodeText::schema()));
    }
}

/// A completed binding.
// No `Debug`: the recovery codes are for the user's eyes, once.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct ConfirmResponse {
    /// The device.
    pub device: Device,
    /// A new set, if one was asked for; older ones are dead.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>, example = json!(["K4VQ 6J2M XWTA 7N3B", "P5ZL D2RC Q7EY 3HUG"]))]
    pub recovery_codes: Option<Vec<Zeroizing<String>>>,
}

/// Ends a binding under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AbandonEnrollmentQuery {
    /// On whose behalf: the caller's own name for them.
    #[param(example = "alice")]
    pub actor_id: Name,
    /// What they are.
    pub actor_kind: ActorKind,
    /// Where they came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, example = "203.0.113.7")]
    pub actor_ip: Option<IpAddr>,
}

impl AbandonEnrollmentQuery {
    /// On whose behalf.
    pub fn into_actor(self) -> Actor {
        Actor {
            id: self.actor_id,
            kind: self.actor_kind,
            ip: self.actor_ip,
        }
    }
}

/// A picture; for the document.
pub struct Png;

impl PartialSchema for Png {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Binary);
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(format))
            .into()
    }
}

impl ToSchema for Png {}
