use serde_json::error::Category;

#[cfg(doc)]
use super::MAX_EXPORT_LEN_BYTES;
use super::receipt::Format;
use crate::{FileError, UnlockError};

/// Why nothing of a file is imported. None of them repeats a value of the file, which may be secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// More than [`MAX_EXPORT_LEN_BYTES`].
    #[error("the file is larger than 16 MiB, which no export is")]
    TooLarge,
    /// No format that is known looks like this.
    #[error("no export that is known looks like this: export from the other app again, as JSON, CSV or text")]
    Unknown,
    /// Compressed; only a ZIP is unpacked here, and only one whose methods are known.
    #[error("the file is a compressed archive: unpack it, and import what is in it")]
    Archive,
    /// A screenshot or a photograph.
    #[error("the file is a picture: its QR codes have to be scanned, not imported")]
    Picture,
    /// A text whose letters are not known.
    #[error("the file is written in {0}: save it as UTF-8, and import that")]
    Encoding(&'static str),
    /// SQLite's: what Google and Microsoft Authenticator keep on a telephone that was rooted.
    #[error(
        "the file is an app's own database, which is not read: export from the app itself (Google Authenticator by QR codes); Microsoft Authenticator exports nothing, so bind its accounts anew"
    )]
    Database,
    /// KeePass' own.
    #[error("the file is a KeePass database: export it as CSV, and import that")]
    KeePass,
    /// Another program's encryption around an export.
    #[error("the file is encrypted with age: decrypt it, and import what is in it")]
    Age,
    /// The same.
    #[error("the file is encrypted with OpenPGP: decrypt it, and import what is in it")]
    OpenPgp,
    /// A vault that nobody can use.
    #[error(transparent)]
    Vault(FileError),
    /// A vault that does not open, whatever the key.
    #[error(transparent)]
    VaultLocked(UnlockError),
    /// A vault without a passphrase, and no key was given.
    #[error("the vault has no passphrase: its key file is needed")]
    LockedByKeyFile,
    /// Encrypted, and no password was given.
    #[error("the {0} export is encrypted: its password is needed")]
    Locked(Format),
    /// The password is not this file's, or the file was changed.
    #[error("the password is wrong, or the {0} export was damaged on its way")]
    WrongPassword(Format),
    /// Binary, and of no format that says what it is.
    #[error("the file could only be an andOTP backup of before 2019, and this password opens none: export it again")]
    NotEvenAndOtp,
    /// Binary, no andOTP backup under this password, and as long as SQLCipher's databases are.
    #[error(
        "this password opens no andOTP backup, and the file is as long as an encrypted database: Authenticator Plus' is not read, so export its accounts as text"
    )]
    EncryptedDatabase,
    /// It ends too early.
    #[error("the file was cut off: its end is missing; export it again")]
    CutOff,
    /// Its JSON or CSV breaks off.
    #[error("the file is damaged at line {line}, column {column}: export it again")]
    Damaged {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// It looks like this format, but a part is missing or of another type.
    #[error("the {0} export is not written as its format says: {1}")]
    Malformed(Format, &'static str),
    /// Right, but of a kind that is not read.
    #[error("this {0} export cannot be read: {1}")]
    Unsupported(Format, &'static str),
    /// Opening it would cost more than is spent on any file.
    #[error("the file is not opened: {0}")]
    Cost(&'static str),
}

impl ImportError {
    /// `text` is what was parsed: an error at its very end is an end that is missing, be it in the middle of a number.
    pub(crate) fn of_json(error: &serde_json::Error, text: &str) -> Self {
        let (line, column) = (error.line(), error.column());
        let last = text.trim_end().rsplit('\n').next().unwrap_or_default();
        let is_at_end = line == text.trim_end().matches('\n').count() + 1 && column >= last.len();
        match error.classify() {
            Category::Eof => Self::CutOff,
            Category::Syntax if is_at_end && !last.ends_with(['}', ']']) => Self::CutOff,
            _ => Self::Damaged { line, column },
        }
    }
}
