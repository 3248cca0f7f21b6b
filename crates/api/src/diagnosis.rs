//! Diagnosis of a refused code on the wire, for support.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Actor, CodeText, Name, Timestamp, Words};

/// Asks why a code of a user was refused.
// No `Debug`: it carries a code.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DiagnoseRequest {
    /// The user's account.
    #[schema(example = "acme")]
    pub account: Name,
    /// The user.
    #[schema(example = "alice")]
    pub user: Name,
    /// The code that was refused, as the user reads it.
    #[schema(example = "492 039")]
    pub code: CodeText,
    /// On whose behalf; each may ask 20 times an hour.
    pub actor: Actor,
}

/// Why a code was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Diagnosis {
    /// The cause.
    pub cause: DiagnosedCause,
    /// The same in words that support can read to the user.
    pub text: Words,
    /// The device whose code it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<Uuid>,
    /// By how many seconds its clock is ahead (behind: negative).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = -90)]
    pub clock_off_s: Option<i64>,
    /// When the code was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Timestamp>,
    /// When codes of the device are judged again; absent while nothing is locked, and where somebody has to act first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<Timestamp>,
    /// How often this may be asked again within the hour.
    #[schema(example = 19)]
    pub asks_left: u32,
}

/// The cause of a refusal, as support may know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiagnosedCause {
    /// It is a code of another time: the device's clock is slow or fast.
    ClockOff,
    /// It was accepted before: a code is accepted once.
    Used,
    /// It is of another entry of the user's: another device, or one whose binding was not completed.
    OtherEntry,
    /// It is of a QR code in whose place a newer one was shown.
    OlderEnrollment,
    /// The app computes with another algorithm than it was told.
    OtherAlgorithm,
    /// The app renews its code at another period than it was told.
    OtherPeriod,
    /// It was right, and the device was locked, suspended or lost.
    RightButLocked,
    /// It is wrong; or it is of the present or still to come, which nobody is told.
    Wrong,
    /// The user has no device.
    NoDevice,
}
