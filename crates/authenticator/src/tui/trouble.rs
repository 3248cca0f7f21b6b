//! Errors of the interface, as values: each language says them in words of its own.

use std::io;

use enroll::{QrError, base32::Base32Error};
use vault::{
    AddError, CounterError, SaveError, SlotError, UnlockError,
    import::{ApplyError, ImportError, Reason},
};

use crate::{Refusal, VaultFileError, picture::PictureError};

#[derive(Debug)]
pub(super) enum Trouble {
    /// What was typed is neither URI nor key nor path.
    NothingKnown,
    /// A key that was typed.
    Key(Base32Error),
    /// A file that was named is not there.
    NoSuchFile,
    /// A directory, a device, a pipe.
    NotAFile,
    /// A file that was named cannot be read.
    File(io::Error),
    Picture(PictureError),
    /// A picture without a QR code.
    NoCode,
    /// A picture with one of several QR codes that make up a text.
    PartOfCode,
    /// A picture with QR codes of something else.
    OtherCode,
    Import(ImportError),
    /// Nothing of what was read can be used; without reasons, nothing was in it.
    Unusable(Vec<Reason>),
    Apply(ApplyError),
    Add(AddError),
    Counter(CounterError),
    /// An entry cannot be shown as a QR code.
    Qr(QrError),
    Unlock(UnlockError),
    /// A new passphrase that is soon guessed.
    ShortPassphrase,
    /// A new vault could not be made.
    Create(SlotError<String>),
    Save(SaveError<String>),
    VaultFile(VaultFileError),
    /// What was named on the command line, in the command line's words.
    CommandLine(Refusal),
    /// The clipboard, in the words of its own module.
    Clipboard(Refusal),
    /// The agent does not answer.
    Agent(Refusal),
}
