use std::fmt;

use crate::Problem;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: u32,
    /// The XML element or the column; empty for the whole line.
    pub element: String,
}

impl Place {
    pub(crate) fn new(line: u32, element: impl Into<String>) -> Self {
        Self {
            line,
            element: element.into(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.element.as_str() {
            "" => write!(f, "line {}", self.line),
            element => write!(f, "line {}, {element}", self.line),
        }
    }
}

/// Why nothing of a file is imported. None of them repeats a value of the file, which may be secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// More than [`MAX_FILE_LEN_BYTES`](crate::MAX_FILE_LEN_BYTES).
    #[error("the file is larger than 64 MiB: split it")]
    TooLarge,
    /// No text in any encoding that is read.
    #[error(
        "the file is not text in UTF-8, UTF-16 or Windows-1252: save it as UTF-8, without compression or encryption around it"
    )]
    NotText,
    /// Text in an encoding that is not read, or not what it is said to be in.
    #[error("the file is in {0} by what it says of itself, and cannot be read by that: save it as UTF-8")]
    Encoding(String),
    /// No format that is known looks like this.
    #[error("no seed file format looks like this: {0}")]
    Unknown(String),
    /// The file breaks the rules of its format: its writer has to mend it.
    #[error("{place}: {problem}")]
    Malformed {
        /// Where.
        place: Place,
        /// What is wrong, and what to do.
        problem: Problem,
    },
    /// The file is right, but protected in a way that is not known here.
    #[error("{place}: {problem}")]
    Unsupported {
        /// Where.
        place: Place,
        /// What is not supported, and what is.
        problem: Problem,
    },
    /// Encrypted, and no [`Unlock`](crate::Unlock) of the right kind was given.
    #[error("the file is encrypted: {0}")]
    Locked(String),
    /// The MAC or the key wrap says that key and file do not belong together.
    #[error("{0}: the key or password is not this file's, or the file was changed on its way")]
    WrongKey(Place),
}

impl ReadError {
    pub(crate) fn malformed(place: Place, problem: Problem) -> Self {
        Self::Malformed { place, problem }
    }

    pub(crate) fn unsupported(place: Place, problem: Problem) -> Self {
        Self::Unsupported { place, problem }
    }
}

/// Why a file was not written. `E` is the error of the caller's random source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError<E> {
    /// The random source failed.
    #[error("no random bytes: {0}")]
    Entropy(E),
    /// The key is not one of AES.
    #[error("the key has to be 16, 24 or 32 bytes long (AES-128, AES-192, AES-256)")]
    KeyLength,
    /// Nothing to derive a key from.
    #[error("the password is empty")]
    EmptyPassword,
    /// Outside [`MIN_PBKDF2_ITERATIONS`](crate::MIN_PBKDF2_ITERATIONS)..=[`MAX_PBKDF2_ITERATIONS`](crate::MAX_PBKDF2_ITERATIONS).
    #[error("the iterations of PBKDF2 have to be between 1,000 and 10,000,000")]
    Iterations,
    /// A container without a key package is not one, and a table without a row says nothing.
    #[error("there is no token to write")]
    Nothing,
    /// This token cannot be said in this format without loss.
    #[error("token {serial_number} does not fit the format: {why}")]
    Unfit {
        /// Which token.
        serial_number: String,
        /// What of it does not fit.
        why: &'static str,
    },
}
