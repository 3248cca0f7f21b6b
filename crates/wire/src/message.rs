//! The messages of the serial line.
//!
//! Enum variants and fields are only ever appended, for both ends are in the field; what an older end does not know
//! it refuses. Texts are borrowed from the frame.

use postcard::to_slice;
use serde::{Deserialize, Serialize};

/// The first byte of each payload.
pub const VERSION: u8 = 1;

/// The longest serial number and the longest label, in bytes of UTF-8.
pub const NAME_MAX_LEN_BYTES: usize = 32;

/// From the host to the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToToken<'a> {
    /// Who is there? Ends a session, if there is one.
    Hello,
    /// Begins a session. The host is bound to a key that it does not show yet, so that nobody in the middle can choose
    /// keys until six digits fit on both sides.
    Open {
        /// `SHA-256("countersign/commit/1" || host's public key)`.
        commitment: [u8; 32],
        /// Whether somebody compares the digits; else the token asks nobody.
        compare: bool,
    },
    /// Shows the key; from now on all is sealed.
    Reveal {
        /// X25519.
        public_key: [u8; 32],
    },
    /// A [`Request`] under the session's keys, with its tag of 16 bytes.
    Sealed(&'a [u8]),
}

/// From the token to the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToHost<'a> {
    /// Answers `Hello`.
    #[serde(borrow)]
    About(About<'a>),
    /// Answers `Open`.
    Opened {
        /// X25519.
        public_key: [u8; 32],
    },
    /// A [`Response`] under the session's keys, with its tag of 16 bytes.
    Sealed(&'a [u8]),
    /// There is no session, or no longer. `Open` begins a new one.
    Ended(WhyEnded),
}

/// Why there is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WhyEnded {
    /// The message does not fit this moment.
    OutOfOrder,
    /// The frame cannot be read, or its seal is broken.
    Broken,
    /// The host's version is another one.
    OtherVersion,
    /// The key that was shown is not the one that was promised, or no key at all.
    BadKey,
    /// The token has no randomness, for its storage fails.
    NoRandomness,
    /// Digits were to be compared a moment ago. Each session is a guess at them, so there is time between two.
    TooSoon,
}

/// A token's answer to `Hello`: what everybody may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About<'a> {
    /// `CS-1`, …
    pub model: &'a str,
    /// `0.1.0`
    pub firmware_version: &'a str,
    /// What is printed on the back, once it is provisioned.
    pub serial_number: Option<&'a str>,
    /// Its status in its life cycle.
    pub status: TokenStatus,
}

/// A token's status in its life cycle: `blank -> provisioned -> sealed -> wiped -> provisioned …`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenStatus {
    /// As it left the factory.
    Blank,
    /// It has a secret that is not in use yet.
    Provisioned,
    /// It shows codes, and never gives its secret away.
    Sealed,
    /// Its secret was erased.
    Wiped,
}

/// The hash under the HMAC (RFC 6238 section 1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// HMAC-SHA-1, a secret of 20 bytes.
    Sha1,
    /// HMAC-SHA-256, a secret of 32 bytes.
    Sha256,
    /// HMAC-SHA-512, a secret of 64 bytes.
    Sha512,
}

impl Algorithm {
    /// The length of a secret: that of the hash (RFC 6238 section 5.1).
    pub const fn secret_len_bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// The parameters of a token's codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters {
    /// The hash under the HMAC.
    pub algorithm: Algorithm,
    /// 6 to 8.
    pub digits: u8,
    /// Seconds.
    pub period_s: u16,
}

/// Inside a session, from the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request<'a> {
    /// Has the button been pressed, for the digits are the same on both sides?
    Confirm,
    /// A new secret, made by both sides. Not in use before `Commit`.
    #[serde(borrow)]
    Provision(Provision<'a>),
    /// The host has kept the secret: seal it.
    Commit,
    /// Corrects the clock.
    SetTime {
        /// Seconds since 1970, UTC.
        unix_s: u64,
        /// [`authorisation`](crate::authorisation) by the management key, for a sealed token.
        tag: [u8; 32],
    },
    /// How is it?
    Status,
    /// Does it have the secret? No code is given away by the answer.
    Prove {
        /// The host's own randomness.
        nonce: [u8; 32],
    },
    /// Erases the secret.
    Wipe {
        /// As for `SetTime`.
        tag: [u8; 32],
    },
}

/// The request to provision a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provision<'a> {
    /// How codes are computed.
    pub parameters: Parameters,
    /// What is printed on the back: 1 to [`NAME_MAX_LEN_BYTES`] bytes.
    pub serial_number: &'a str,
    /// Shown above the code: up to [`NAME_MAX_LEN_BYTES`] bytes, may be empty.
    pub label: &'a str,
    /// Seconds since 1970, UTC.
    pub unix_s: u64,
    /// The host's half of the secret.
    pub host_random: [u8; 32],
}

/// Inside a session, from the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response<'a> {
    /// The session stands.
    Ready,
    /// Answers `Confirm`.
    Confirmed {
        /// Whether the button was pressed, or nobody compares.
        pressed: bool,
    },
    /// Answers `Provision`: it is kept, and not in use yet.
    Provisioned {
        /// The token's half of the secret.
        token_random: [u8; 32],
    },
    /// It shows codes from now on.
    Committed,
    /// The clock is set.
    TimeSet {
        /// By how much it went ahead (back: negative).
        shift_s: i64,
        /// What is left of this year's allowance.
        allowance_s: u32,
    },
    /// Answers `Status`.
    #[serde(borrow)]
    Status(StatusReport<'a>),
    /// [`possession`](crate::possession) of the secret.
    Proof([u8; 32]),
    /// The secret is erased.
    Wiped,
    /// It did nothing.
    Refused(Refusal),
}

/// The status report of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReport<'a> {
    /// Its status in its life cycle.
    pub status: TokenStatus,
    /// What is printed on the back.
    pub serial_number: Option<&'a str>,
    /// Shown above the code.
    pub label: &'a str,
    /// How codes are computed.
    pub parameters: Option<Parameters>,
    /// Its clock, unless that stopped.
    pub unix_s: Option<u64>,
    /// What was used of this year's allowance for setting the clock.
    pub shifted_s: u32,
    /// How often the clock was set since it was sealed.
    pub settings: u32,
    /// What is left of the battery.
    pub battery_percent: u8,
    /// The last thing that went wrong.
    pub fault: Option<Fault>,
}

/// A fault inside a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// The clock stopped or cannot be read.
    Clock,
    /// The storage cannot be read or written.
    Storage,
    /// What was kept cannot be read: the secret is lost.
    Record,
    /// The display does not answer.
    Display,
}

/// Why a token did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// Not in this status.
    WrongState,
    /// The digits were not compared yet: press the button.
    NotConfirmed,
    /// The tag is not the management key's.
    NotAuthorised,
    /// More than this year's allowance.
    OverAllowance,
    /// Codes of later steps were shown already.
    BelowShown,
    /// A parameter, a serial number, a label or a time that no token can have.
    Invalid,
    /// The clock stopped: provision it anew.
    NoTime,
    /// It could not be kept.
    Storage,
    /// This firmware does not know the request.
    Unknown,
}

/// The message does not fit into the buffer, or into any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// Writes version and message into `into`; what is returned is its beginning.
pub fn write<'b, T: Serialize>(message: &T, into: &'b mut [u8]) -> Result<&'b mut [u8], TooLong> {
    let (version, rest) = into.split_first_mut().ok_or(TooLong)?;
    *version = VERSION;
    let len = to_slice(message, rest).map_err(|_| TooLong)?.len() + 1;
    into.get_mut(..len).ok_or(TooLong)
}

/// Reads what [`write()`] wrote, all of it; `None` for anything else.
pub fn read<'b, T: Deserialize<'b>>(payload: &'b [u8]) -> Option<T> {
    match payload.split_first() {
        Some((&VERSION, message)) => match postcard::take_from_bytes(message) {
            Ok((message, [])) => Some(message),
            _ => None,
        },
        _ => None,
    }
}
