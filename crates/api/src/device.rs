//! Devices on the wire, and the requests that change one: unbind, resync, unlock.

use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{Actor, Approver, CodeText, EnrollmentCodes, FactorMethod, IdentityProof, Name, Timestamp};

/// Where a device is found; for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct DevicePath {
    /// The account.
    pub account: Name,
    /// The user under it.
    pub user: Name,
    /// The device.
    pub id: Uuid,
}

/// A device of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Device {
    /// UUIDv7.
    pub id: Uuid,
    /// App or token.
    pub kind: DeviceKind,
    /// What its codes follow from.
    #[serde(default)]
    pub otp_type: OtpType,
    /// What its user calls it.
    #[schema(example = "alice")]
    pub label: String,
    /// What stands on a token's back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
    /// Where it stands.
    pub state: DeviceState,
    /// What too many wrong codes have stopped, each by itself, until somebody acts. Tell the user that somebody seems to
    /// have the password.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suspended: Vec<Road>,
    /// When the binding was completed.
    pub bound_at: Timestamp,
    /// When it became a tombstone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unbound_at: Option<Timestamp>,
    /// When a code of it was last accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success_at: Option<Timestamp>,
    /// Nothing is judged before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<Timestamp>,
    /// Every code is refused before: the last accepted one is of a time to come, for the service's clock was ahead. Only
    /// a new binding ends it sooner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused_until: Option<Timestamp>,
    /// How many time steps its clock is ahead (behind: negative), as measured and learned; 0 of one that counts.
    #[schema(example = 0)]
    pub drift_steps: i32,
}

/// What shows the codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// An authenticator app.
    Virtual,
    /// A token with a serial number on its back.
    Hardware,
}

/// What the codes of a device follow from. Wherever a request names a method, the code of either is `totp`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OtpType {
    /// The time (RFC 6238): the display renews its code by itself.
    #[default]
    Totp,
    /// A counter (RFC 4226): each press of the token's button shows the next code, which waits until it is used. A few presses
    /// without use do no harm; after many, a resync finds the counter again.
    Hotp,
}

/// Where a device stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    /// Its codes are judged.
    Bound,
    /// Too many wrong codes at `/verify`: nothing is verified until support unlocks it or a resync with an identity proof
    /// succeeds. Unbinding and replacing go on.
    Suspended,
    /// Its token is lost: nothing is judged any more. The user unbinds or replaces it by a recovery code.
    Lost,
    /// A tombstone; its secret is erased.
    Unbound,
}

/// What codes are judged for; each has counters of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Road {
    /// Login and operation checks.
    Verification,
    /// Unbinding, replacing, and every other change of factors.
    Unbinding,
    /// Measuring the clock, or finding the counter.
    Resync,
    /// Checks of identity, which may come before any first factor.
    Identity,
}

/// Ends a device by a code of the user's, or by an administrator's: one of `code` and `approver`.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnbindRequest {
    /// A fresh code of this device, or one of the user's recovery codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeText>,
    /// What that code is: `totp` when absent.
    #[serde(default)]
    pub method: FactorMethod,
    /// The account's root, or an administrator, who ends the device of somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<Approver>,
    /// On whose behalf.
    pub actor: Actor,
}

/// Measures a device's clock, or finds its counter, by two consecutive codes.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResyncRequest {
    /// Two consecutive codes, in the order the device showed them. Both are burned.
    #[serde(deserialize_with = "two_codes")]
    #[schema(value_type = Vec<CodeText>, min_items = 2, max_items = 2)]
    pub codes: [CodeText; 2],
    /// Wakes a suspended device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_proof: Option<IdentityProof>,
    /// On whose behalf.
    pub actor: Actor,
}

/// Two, and no third that serde's own array would call a mistake in the JSON.
fn two_codes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[CodeText; 2], D::Error> {
    let codes = EnrollmentCodes::deserialize(deserializer)?.into_inner();
    codes
        .try_into()
        .map_err(|_one| de::Error::custom("has length 1, expected an array of 2 codes"))
}

/// Lifts a lock or a suspension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnlockRequest {
    /// When the user's first factor (the password, or its like) was changed: after the suspension. It is needed for the
    /// third suspension within 13 weeks, and lets all counts begin anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_factor_changed_at: Option<Timestamp>,
    /// On whose behalf.
    pub actor: Actor,
}
