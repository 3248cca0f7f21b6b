use otp::{Algorithm, Digits, Period, Secret};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A token as a seed file carries it. Has no `Debug` and no `Clone`, for it holds the secret in the clear.
pub struct Seed {
    /// What stands on the token's back: `DeviceInfo/SerialNo`, or a CSV's serial column.
    pub serial_number: String,
    /// `DeviceInfo/Manufacturer`.
    pub manufacturer: Option<String>,
    /// `DeviceInfo/Model`.
    pub model: Option<String>,
    /// `Key/@Id`, where it is not the serial number.
    pub key_id: Option<String>,
    /// `Key/Issuer`.
    pub issuer: Option<String>,
    /// `Key/FriendlyName`: what the user calls it.
    pub label: Option<String>,
    /// The shared secret of RFC 4226 and RFC 6238.
    pub secret: Secret,
    /// The hash under the HMAC.
    pub algorithm: Algorithm,
    /// How many digits the token shows.
    pub digits: Digits,
    /// What moves the token on from code to code.
    pub moving: Moving,
    /// `DeviceInfo/StartDate` or the key policy's, in seconds since 1970: not to be used before.
    pub starts_at_s: Option<i64>,
    /// `DeviceInfo/ExpiryDate` or the key policy's, in seconds since 1970: not to be used afterwards.
    pub expires_at_s: Option<i64>,
    /// Lets its holder set the sealed token's clock and wipe it; an extension of ours.
    pub management_key: Option<ManagementKey>,
}

/// The moving factor of a token: time or a counter (RFC 4226 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moving {
    /// RFC 6238: the time.
    Time {
        /// How long a code is shown.
        period: Period,
        /// `Key/Data/TimeDrift`: steps by which the token's clock was known to be ahead (behind: negative).
        drift_steps: i32,
    },
    /// RFC 4226: a counter.
    Counter {
        /// The next value.
        counter: u64,
    },
}

/// Fewer bytes than this are no secret: 80 bits, what the oldest tokens have. (RFC 4226 section 4, R6, asks for 16 bytes.)
pub const MIN_SECRET_LEN_BYTES: usize = 10;

/// The length of a [`ManagementKey`].
pub const MANAGEMENT_KEY_LEN_BYTES: usize = 32;

/// Opens a sealed token's clock and erasure to its owner, and nothing else of it.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct ManagementKey([u8; MANAGEMENT_KEY_LEN_BYTES]);

impl ManagementKey {
    /// Takes a copy; the original is the caller's to wipe.
    pub fn from_bytes(bytes: &[u8; MANAGEMENT_KEY_LEN_BYTES]) -> Self {
        Self(*bytes)
    }

    /// The key itself.
    pub fn expose_secret(&self) -> &[u8; MANAGEMENT_KEY_LEN_BYTES] {
        &self.0
    }
}

/// Longest name that is read or written, in bytes.
const MAX_NAME_LEN: usize = 1024;

/// True if a name is one that every format can carry and a terminal can show: neither empty nor long, no blanks around it,
/// nothing invisible that moves a cursor.
pub(crate) fn is_presentable(name: &str) -> bool {
    (1..=MAX_NAME_LEN).contains(&name.len())
        && name.trim() == name
        && !name.contains(|c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'))
}
