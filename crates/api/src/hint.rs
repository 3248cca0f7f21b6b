//! Hints at what a user can mend when a code is refused at a binding.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a user can mend when a code is refused at a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Hint {
    /// The device's clock is off: set it to the network's time.
    #[schema(title = "HintClockOff")]
    ClockOff {
        /// By how many seconds it is ahead (behind: negative), in whole time steps.
        #[schema(example = -90)]
        seconds: i64,
    },
    /// The app ignored the algorithm, or the token has another: use another app, or tell the inventory.
    #[schema(title = "HintOtherAlgorithm")]
    OtherAlgorithm {
        /// The one that the code was made with.
        algorithm: HintAlgorithm,
    },
    /// The device's period is another one.
    #[schema(title = "HintOtherPeriod")]
    OtherPeriod {
        /// The one that the code was made with, in seconds.
        #[schema(example = 60)]
        period_s: u32,
    },
    /// The code is of an older entry in the user's app: read the newest one.
    #[schema(title = "HintOtherEntry")]
    OtherEntry,
}

/// An algorithm as otpauth URIs name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum HintAlgorithm {
    /// HMAC-SHA-1.
    #[serde(rename = "SHA1")]
    Sha1,
    /// HMAC-SHA-256.
    #[serde(rename = "SHA256")]
    Sha256,
    /// HMAC-SHA-512.
    #[serde(rename = "SHA512")]
    Sha512,
}

impl HintAlgorithm {
    /// As it stands in JSON, and in otpauth URIs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }
}
