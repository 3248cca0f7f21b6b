//! What a person is told of one entry of an export: what is odd about it, or why it is refused.

use enroll::UriError;
use enroll::base32::Base32Error;
use otp::Secret;

/// Fewer bytes than this can be tried out (RFC 4226 section 4, R6 asks for 16; 10 are in use everywhere).
const SHORT_SECRET_LEN_BYTES: usize = 10;

/// Something to know of an entry that came. Displayed as an English sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Oddity {
    /// Neither issuer nor account.
    #[error("it has no name: give it one")]
    NoName,
    /// Something in its names was left out.
    #[error("its name was too long or had invisible characters, which were left out")]
    NameTidied,
    /// Something in its note was left out.
    #[error("its note was too long or had invisible characters, which were left out")]
    NoteTidied,
    /// The issuer was written twice, differently.
    #[error("its issuer is written differently in two places; the other one is {other}")]
    OtherIssuer {
        /// The one that is not kept.
        other: String,
    },
    /// A secret that could be guessed.
    #[error("its secret has only {len_bytes} bytes: have it replaced by its issuer")]
    ShortSecret {
        /// Its length.
        len_bytes: usize,
    },
    /// The issuer is Steam, the codes are not.
    #[error(
        "its issuer is Steam, but its codes are digits, as the other app says: if Steam refuses them, its type has to be steam"
    )]
    DigitsForSteam,
    /// A spreadsheet program showed a long number as `1.23457E+12`, and saved that.
    #[error(
        "a spreadsheet program has rounded a number that is its name (as in 1.23457E+12): change it, or import what the other app exported"
    )]
    RoundedName,
    /// Its secret is another entry's too, under other names.
    #[error("{other} has the same secret, and so the same codes: if they are one account, remove one of the two")]
    SameSecret {
        /// The other's title.
        other: String,
    },
    /// Its base32 has a letter that belongs to no byte.
    #[error(
        "its secret has a last letter that belongs to no byte, left out as other apps do: if its code is refused, a part of the secret is missing"
    )]
    OddLength,
    /// Nothing says in which code page its letters are.
    #[error("the file is not UTF-8, and was read as Windows-1252: if its name is written wrongly, change it")]
    CodePage,
    /// What another app keeps beside an entry could not be read.
    #[error("its note, its tags and whether it is pinned could not be read, and are left out")]
    ExtrasLost,
    /// The text breaks off where a line would end.
    #[error(
        "the file ends right behind it, without the end of a line: if it was cut off, this entry is wrong, so try its code"
    )]
    Unended,
    /// Another URI follows it on its line: what stands between them may have been cut off, or be none of its own.
    #[error("another URI follows it on its line: try its code, and give each a line of its own")]
    SharedLine,
    /// HOTP: two devices with one counter.
    #[error("its codes move on by use: use it here or in the other app, not in both")]
    SharedCounter,
}

impl Oddity {
    /// [`ShortSecret`](Self::ShortSecret), where it is one.
    pub fn of_secret(secret: &Secret) -> Option<Self> {
        let len_bytes = secret.expose_secret().len();
        (len_bytes < SHORT_SECRET_LEN_BYTES).then_some(Self::ShortSecret { len_bytes })
    }
}

/// Why an entry of a readable export is refused. None repeats a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// A field is missing or of another type.
    #[error("it is not written as the format has it")]
    Shape,
    /// No secret.
    #[error("it has no secret")]
    NoSecret,
    /// Its secret is not base32.
    #[error("{0}")]
    Secret(#[from] Base32Error),
    /// It alone does not open.
    #[error("this password does not open it: it may be under an older one")]
    OtherPassword,
    /// A spreadsheet program has taken it for a number.
    #[error(
        "a spreadsheet program has rounded its secret (as in 1.23457E+12), which is lost: import what the other app exported"
    )]
    Rounded,
    /// Its secret is longer than 128 bytes.
    #[error("its secret is longer than 128 bytes")]
    LongSecret,
    /// A type of its own.
    #[error("its type is {0}: TOTP, HOTP and Steam can be kept")]
    Type(String),
    /// Not one of HMAC's three.
    #[error("its algorithm is {0}: SHA-1, SHA-256 and SHA-512 can be computed")]
    Algorithm(String),
    /// Outside 5 to 10.
    #[error("its codes have {0} digits: 5 to 10 can be shown")]
    Digits(i64),
    /// Not a number of seconds above 0.
    #[error("its period is {0} seconds, which no code can have")]
    Period(i64),
    /// Below 0.
    #[error("its counter is {0}, which no counter can be")]
    Counter(i128),
    /// Its URI cannot be read.
    #[error("{0}")]
    Uri(#[from] UriError),
    /// A URI in its issuer, its account or a group, whose secret everybody would see who sees the name.
    #[error("a name of it has a URI with a secret in it: change the name in the other app, and export again")]
    UriInName,
    /// Its owner has deleted it.
    #[error("it is in the other app's trash")]
    Trashed,
    /// Of a kind that this version does not know.
    #[error("a newer version of this program wrote it: use that one")]
    NewerVersion,
    /// A part of a migration that is none.
    #[error("{0}")]
    Migration(&'static str),
}
