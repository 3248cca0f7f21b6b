//! Imports from other apps, one format a file. Reading is a dry run: a [`Receipt`] says what would come, what is double, odd
//! or refused, and [`Entries::apply`] then takes all of it or nothing.

mod aegis;
mod and_otp;
mod android_settings;
mod archive;
mod authy_tokens;
mod bitwarden;
mod claim;
mod comparison;
mod cotp;
mod csv;
mod decrypt;
mod ente;
mod error;
mod format;
mod free_otp;
mod free_otp_backup;
mod google;
mod importer;
mod json;
mod lastpass;
mod login;
mod magic;
mod one_password;
mod own;
mod password_csv;
mod proton;
mod proton_pass;
mod raivo;
mod read;
mod receipt;
mod remarks;
mod steam;
mod stratum;
mod two_fas;
mod uri_list;

pub use error::ImportError;
pub use format::Format;
pub use read::{MAX_EXPORT_LEN_BYTES, read};
pub use receipt::{
    ApplyError, Came, Double, Dropped, Export, MissingParts, Original, Place, Protection, RaisedCounter, Receipt,
    Refused,
};
pub use remarks::{Oddity, Reason};

#[cfg(doc)]
use crate::Entries;
