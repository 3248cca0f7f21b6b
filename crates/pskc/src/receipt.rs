use std::fmt;

use crate::{Encoding, Place, Said, Seed};

/// The receipt of reading a file: its tokens, and those that are refused. Holds secrets, so it has neither `Debug` nor
/// `Clone`.
pub struct Receipt {
    /// What the file was recognised as.
    pub format: Format,
    /// How its secrets are written.
    pub encoding: Encoding,
    /// How its secrets were protected.
    pub protection: Protection,
    /// The tokens that can be imported, in the file's order. No two have the same serial number and kind: a
    /// device may have a TOTP and a HOTP key, told apart by [`Seed::key_id`].
    pub seeds: Vec<Seed>,
    /// The tokens that cannot, in the file's order.
    pub refused: Vec<Refusal>,
    /// What a person should know before importing.
    pub remarks: Vec<Remark>,
}

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 6030.
    Pskc,
    /// Microsoft Entra ID's upload table.
    Entra,
    /// Duo's import table: `serial,secret,counter`.
    Duo,
    /// privacyIDEA's OATH table: `serial,seed,type,digits,period`.
    PrivacyIdea,
    /// multiOTP's table: `serial_number;manufacturer;algorithm;seed;digits;interval_or_event`.
    MultiOtp,
    /// `serial,seed` and nothing else.
    SerialSeed,
    /// A table of nobody's whose first line names its columns.
    Named,
    /// Feitian's text: serial number and seed, separated by blanks.
    Feitian,
    /// SafeNet's (Aladdin's, Gemalto's, Thales's) XML.
    SafeNet,
    /// The log of Yubico's personalisation tools.
    Yubico,
}

impl Format {
    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pskc => "PSKC (RFC 6030)",
            Self::Entra => "Microsoft Entra CSV",
            Self::Duo => "Duo CSV",
            Self::PrivacyIdea => "privacyIDEA OATH CSV",
            Self::MultiOtp => "multiOTP CSV",
            Self::SerialSeed => "serial,seed",
            Self::Named => "CSV with named columns",
            Self::Feitian => "Feitian text",
            Self::SafeNet => "SafeNet XML",
            Self::Yubico => "YubiKey personalisation log",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The protection that a file's secrets had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Not at all: whoever saw the file has the secrets.
    InTheClear,
    /// Encrypted, and every secret was authenticated before it was decrypted.
    Authenticated,
    /// Encrypted, but at least one secret had no MAC: a change on the way would not have been noticed.
    Unauthenticated,
}

/// A token of the file that is not imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Where it is.
    pub place: Place,
    /// Its serial number, where the file says one.
    pub serial_number: Option<String>,
    /// Why.
    pub reason: Reason,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.serial_number {
            Some(serial) => write!(f, "{}: token {serial}: {}", self.place, self.reason),
            None => write!(f, "{}: {}", self.place, self.reason),
        }
    }
}

/// Why a token of a readable file is not imported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Neither a serial number nor a key id.
    #[error("it has no serial number")]
    NoSerialNumber,
    /// No secret, for instance because it is derived from a master key.
    #[error("it has no secret")]
    NoSecret,
    /// In a table: fewer than [`MIN_SECRET_LEN_BYTES`](crate::MIN_SECRET_LEN_BYTES). (What a container calls a secret is one,
    /// for whoever reads it to judge.)
    #[error(
        "its secret has only {bits} bits, which can be tried out: no token's has fewer than 80, so look at the columns"
    )]
    ShortSecret {
        /// How long it is.
        bits: usize,
    },
    /// More than 128 bytes.
    #[error("its secret is longer than 128 bytes")]
    LongSecret,
    /// Neither HOTP nor TOTP.
    #[error("its algorithm ({0}) cannot be used: only HOTP and TOTP can")]
    Algorithm(String),
    /// A hash or suite that no HOTP or TOTP has.
    #[error("its hash is unknown: SHA-1, SHA-256 and SHA-512 can be used")]
    Hash,
    /// The table names the kind of others, but not of this one, and they differ.
    #[error("the file does not say whether it is TOTP or HOTP: say so in a column named type")]
    Kind,
    /// The file says one thing, and an [`Options`](crate::Options) another.
    #[error(
        "the file says {said}, and the import was told {wanted}: leave {} out, or ask the vendor which is right",
        wanted.option()
    )]
    Contradiction {
        /// What the file says.
        said: Said,
        /// What the option says.
        wanted: Said,
    },
    /// A spreadsheet program showed a long number as `1.23457E+12`, and saved that.
    #[error(
        "a spreadsheet program has rounded its {what} (as in 1.23457E+12), and the digits are lost: take the vendor's own \
         file, or import it into the spreadsheet with that column as text"
    )]
    Rounded {
        /// `serial number` or `secret`.
        what: &'static str,
    },
    /// Its serial number has letters beyond ASCII, and nothing says in which encoding.
    #[error("its serial number has letters whose encoding the file does not say: save the file as UTF-8")]
    UnsureSerialNumber,
    /// Outside 6 to 8, or not decimal, or with a check digit.
    #[error("its codes are not 6, 7 or 8 decimal digits without a check digit")]
    Response,
    /// Outside 1 to 3600 seconds.
    #[error("its period is not 1 to 3600 seconds")]
    Period,
    /// It answers challenges.
    #[error("it answers challenges: only tokens without one can be used")]
    Challenge,
    /// It counts its steps from another moment than 1970.
    #[error("its Time is not 0: only tokens that count from 1970 can be used")]
    Epoch,
    /// RFC 6030 section 5: a policy that is not understood, or cannot be kept, forbids the use.
    #[error("its policy does not permit the use: {0}")]
    Policy(String),
    /// The same token again, with the same secret.
    #[error("it is in the file again; the one at line {first_line} is taken")]
    Repeated {
        /// Where the one that is taken stands.
        first_line: u32,
    },
    /// The same serial number with another secret or other settings: which one is right cannot be known.
    #[error("its serial number stands at line {other_line} too, with other data: ask the vendor which is right")]
    Conflict {
        /// Where another one stands.
        other_line: u32,
    },
}

/// Something to know before importing. Displayed as an English sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// Every secret of the file is right in hexadecimal and in base32 both; it was read as this one, which is likelier there.
    AmbiguousEncoding(Encoding),
    /// The format does not say what kind of token it is: TOTP with SHA-1, 6 digits and 30 s was assumed.
    AssumedTotp,
    /// The format does not say the digits: HOTP with SHA-1 and 6 digits was assumed.
    AssumedHotp,
    /// The format does not say the hash: SHA-1 was assumed.
    AssumedSha1,
    /// The format does not say the hash, and secrets of 32 bytes were taken for SHA-256, as their vendor does.
    AssumedSha256,
    /// The same of 64 bytes and SHA-512.
    AssumedSha512,
    /// The file does not say the kind: TOTP was assumed.
    AssumedTimeBased,
    /// The file does not say the kind: HOTP was assumed.
    AssumedEventBased,
    /// The file does not say the digits: 6 were assumed.
    AssumedDigits,
    /// The file does not say the period: 30 s were assumed.
    AssumedPeriod,
    /// The file names users; tokens are imported without.
    UsersIgnored,
    /// The container is signed; the signature was not checked.
    SignatureIgnored,
    /// The file is not UTF-8 but in this encoding, which the names in it were read by.
    Recoded(&'static str),
    /// So many keys of another use (a PIN, a challenge's answer) stand beside a token's own, and are left.
    KeysBeside(usize),
    /// See [`Protection::Unauthenticated`].
    Unauthenticated,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AmbiguousEncoding(encoding) => {
                return write!(
                    f,
                    "the secrets can be read as hexadecimal and as base32; they were read as {encoding}: try one token first"
                );
            }
            Self::Recoded(encoding) => return write!(f, "the file is in {encoding}, not in UTF-8: look at the names"),
            Self::KeysBeside(count) => {
                return write!(
                    f,
                    "{count} key(s) of another use (a PIN, an answer to challenges) stand beside a token's own and are left"
                );
            }
            Self::AssumedTotp => {
                "the format does not say what the tokens compute; TOTP, SHA-1, 6 digits and 30 s were assumed"
            }
            Self::AssumedHotp => "the format does not say how long the codes are; HOTP, SHA-1 and 6 digits were assumed",
            Self::AssumedSha1 => "the format does not say the hash; SHA-1 was assumed",
            Self::AssumedSha256 => "secrets of 32 bytes were taken for SHA-256, as their vendor does",
            Self::AssumedSha512 => "secrets of 64 bytes were taken for SHA-512, as their vendor does",
            Self::AssumedTimeBased => "the file does not say the kind of all tokens; TOTP was assumed",
            Self::AssumedEventBased => "the file does not say the kind of all tokens; HOTP was assumed",
            Self::AssumedDigits => "the file does not say the digits of all tokens; 6 were assumed",
            Self::AssumedPeriod => "the file does not say the period of all tokens; 30 s were assumed",
            Self::UsersIgnored => "the file names users; the tokens are imported without them",
            Self::SignatureIgnored => "the file is signed; the signature was not checked",
            Self::Unauthenticated => "encrypted without a MAC: a change on the way would not have been noticed",
        })
    }
}
