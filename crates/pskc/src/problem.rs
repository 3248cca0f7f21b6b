//! What is wrong with a file, or protected in a way that is not known: as values, so that others can say them in words of their own.

use crate::Encoding;

/// What is wrong at a place of a file, and what to do. Displayed as a part of an English sentence; none repeats a value of the
/// file, which may be secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A cell that is no secret in any encoding.
    #[error("this is neither hexadecimal nor base32, whole bytes of either")]
    NeitherEncoding,
    /// Secrets of one table in two encodings.
    #[error("this is {here}, but line {line} is {there}: all secrets of a file have to be written alike")]
    MixedEncodings {
        /// Here.
        here: Encoding,
        /// The other line.
        line: u32,
        /// There.
        there: Encoding,
    },
    /// A secret that is not in the encoding of the table.
    #[error("this is not {wanted}")]
    OtherEncoding {
        /// As it should be.
        wanted: Encoding,
    },
    /// Base64 was asked for of a table.
    #[error("the secrets of a table are hexadecimal or base32")]
    TableEncoding,
    /// A line that the log of YubiKeys cannot have.
    #[error("the line is of neither of Yubico's two formats")]
    YubicoLine,
    /// A name that cannot be shown.
    #[error("a name is longer than 1024 bytes or has control characters")]
    LongName,
    /// A header with two columns of one name.
    #[error("the header names a column twice")]
    ColumnTwice,
    /// A header with two names for one thing.
    #[error("the header has two columns of one meaning: leave one of them out")]
    ColumnsOfOneMeaning,
    /// A guessed column of serial numbers that are none.
    #[error(
        "this does not look like one (up to 24 letters, digits and dashes, with a digit among them): if it is, name the columns in a first line, serial,secret"
    )]
    NoSerialNumberLook,
    /// A guessed column of secrets that are none.
    #[error("this has only {bits} bits, which no token's secret has")]
    BitsOfNoToken {
        /// How many.
        bits: usize,
    },
    /// Digits where a kind stands in other lines.
    #[error("this is a number where other lines name the kind of token (totp, hotp)")]
    NumberForKind,
    /// More or fewer columns than the format has.
    #[error("the line has {count} columns instead of {}", range(*least, *most))]
    ColumnCount {
        /// How many it has.
        count: usize,
        /// The fewest that it could have.
        least: usize,
        /// The most.
        most: usize,
    },
    /// Something else where a number stands.
    #[error("this is not a number")]
    NotANumber,
    /// More columns than any seed file has.
    #[error("the line has more than 64 columns")]
    ManyColumns,
    /// A line that is no text.
    #[error("the line has a control character")]
    ControlCharacter,
    /// A cell that is no text, or runs on.
    #[error("a cell has a control character, or its quotes are never closed")]
    BadCell,
    /// More lines than a batch of tokens has.
    #[error("the file has more than 1,000,000 lines: split it")]
    ManyLines,
    /// XML that would cost too much.
    #[error("an element has more than 64 attributes")]
    ManyAttributes,
    /// The same.
    #[error("elements are nested more than 64 deep")]
    DeepElements,
    /// The same.
    #[error("more than 32 namespaces are declared at once")]
    ManyNamespaces,
    /// A document type, which can do anything.
    #[error("the XML has a DTD, which is never read: remove the DOCTYPE")]
    Dtd,
    /// More XML than is held in memory.
    #[error("the XML has more than 4,000,000 nodes: split the file")]
    ManyNodes,
    /// XML without its end.
    #[error("the XML ends too early: the file was cut off")]
    CutOff,
    /// XML whose elements cross.
    #[error("the XML closes another element than it opened")]
    OtherEnd,
    /// A prefix of no namespace.
    #[error("the XML uses a namespace prefix that it does not declare")]
    UnknownPrefix,
    /// An entity that XML does not have.
    #[error("the XML refers to an unknown entity")]
    UnknownEntity,
    /// An attribute with two values.
    #[error("the XML says an attribute twice")]
    AttributeTwice,
    /// A character that XML does not have.
    #[error("the XML has a character that XML does not allow")]
    ForbiddenCharacter,
    /// XML that is none.
    #[error("the XML is malformed")]
    Xml,
    /// A text that readers see differently.
    #[error("its text has comments or elements in it")]
    MixedText,
    /// A key derivation that is not known here.
    #[error("the key derivation is not PBKDF2, the one that can be used")]
    Derivation,
    /// An element or attribute that is needed.
    #[error("{name} is missing")]
    Missing {
        /// Which.
        name: &'static str,
    },
    /// More work than is done for any file.
    #[error("the iterations of PBKDF2 have to be between 1 and 10,000,000")]
    Iterations,
    /// A derived key that no cipher takes.
    #[error("the key length has to be 16, 24 or 32 bytes")]
    KeyLength,
    /// A hash of PBKDF2 that is not known here.
    #[error("the PRF of PBKDF2 is not HMAC with SHA-1 or one of SHA-2, which can be used")]
    Prf,
    /// A key in the words of the RFC and of its drafts.
    #[error("it says the same by names of RFC 6030 and of the drafts")]
    TwoDialects,
    /// A truth value that is none.
    #[error("CheckDigits is neither true nor false")]
    CheckDigits,
    /// A number of digits that is none.
    #[error("Length is not a number")]
    LengthNumber,
    /// A counter that is none.
    #[error("Counter is not between 0 and 2^64 - 1")]
    Counter,
    /// A drift that is none.
    #[error("TimeDrift is not a number of steps")]
    TimeDrift,
    /// A management key too many.
    #[error("there are two of them")]
    TwoOfThem,
    /// A management key that is none.
    #[error("a management key has 32 bytes")]
    ManagementKey,
    /// A MAC in the words of the RFC and of its drafts.
    #[error("the container has a MACMethod and a draft's MACAlgorithm")]
    TwoMacs,
    /// A value in the clear and encrypted.
    #[error("it has a PlainValue and an EncryptedValue")]
    TwoValues,
    /// A number that was encrypted in a way of its own.
    #[error("the decrypted value is not clearly a number")]
    DecryptedNumber,
    /// A number that is none.
    #[error("PlainValue is not a number")]
    PlainNumber,
    /// A MAC that is not known here.
    #[error("the MAC's algorithm is not HMAC with SHA-1 or one of SHA-2")]
    MacAlgorithm,
    /// A MAC key that is not in the file.
    #[error("the MAC's key is only referred to: ask for a file with a MACKey")]
    MacKeyElsewhere,
    /// A MAC of no method.
    #[error("there is a ValueMAC, but the container has no MACMethod")]
    MacWithoutMethod,
    /// A value without the MAC that others have.
    #[error("the container has a MACMethod, but ValueMAC is missing here")]
    MacTakenAway,
    /// A given key that does not fit the cipher.
    #[error("the key that was given has {bytes} bytes, which is not a length of this cipher")]
    KeyOfOtherLength {
        /// How many.
        bytes: usize,
    },
    /// A cipher that is not known here.
    #[error("the cipher is not one that can be used: AES, Camellia and 3DES, each as CBC and as key wrap")]
    Cipher,
    /// An element of which there is one.
    #[error("it is there twice")]
    ElementTwice,
    /// A version that is not known here.
    #[error("its Version is not 1.0")]
    Version,
    /// A container of nothing.
    #[error("there is no KeyPackage in it")]
    NoKeyPackage,
    /// A value that is no base64.
    #[error("this is not base64")]
    NotBase64,
    /// A date that is none.
    #[error("this is not a date and time (2026-11-21T00:00:00Z)")]
    NotADate,
}

fn range(least: usize, most: usize) -> String {
    match least == most {
        true => least.to_string(),
        false => format!("{least} to {most}"),
    }
}
