//! Google Authenticator's transfer: `otpauth-migration://offline?data=` URIs, each for one QR code.

use std::fmt;

use data_encoding::BASE64;
use otp::Algorithm;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use prost::Message;
use zeroize::Zeroizing;

use crate::migration::{self, Parameters, Part};
use crate::{Entry, EntryId, Kind};

const PREFIX: &str = "otpauth-migration://offline?data=";

/// Entries on one QR code, as Google's app has it.
const MAX_ENTRIES_PER_PART: usize = 10;

/// Longer messages make codes that cameras find hard; an entry that is longer alone still has a code of its own.
const MAX_PART_LEN_BYTES: usize = 700;

/// An export to Google Authenticator: URIs for QR codes. Holds secrets, so it has neither `Debug` nor `Clone`.
pub struct GoogleMigration {
    /// The URIs, in the order in which the app asks for their codes.
    pub uris: Vec<Zeroizing<String>>,
    /// What they hold, in order.
    pub exported: Vec<EntryId>,
    /// What they cannot hold.
    pub refused: Vec<Refused>,
}

/// An entry that stays behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which.
    pub id: EntryId,
    /// Its title.
    pub title: String,
    /// Why.
    pub reason: Refusal,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.title.as_str() {
            "" => write!(f, "an entry without a name: {}", self.reason),
            title => write!(f, "{title}: {}", self.reason),
        }
    }
}

/// Entries that the format cannot carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Only 30 seconds.
    #[error("its codes last {0} seconds: Google Authenticator knows 30")]
    Period(u32),
    /// Only 6 and 8.
    #[error("its codes have {0} digits: Google Authenticator knows 6 and 8")]
    Digits(u8),
    /// Steam's alphabet.
    #[error("its codes are Steam's: Google Authenticator shows digits")]
    Steam,
    /// 64 bits with a sign.
    #[error("its counter is larger than Google Authenticator's can be")]
    Counter,
}

/// Writes entries for Google Authenticator. `batch_id` says which codes belong together: draw it at random.
///
/// Names and what makes the codes go along; notes, groups and favourites do not. The URIs have every secret in the clear.
pub fn google<'a>(entries: impl IntoIterator<Item = &'a Entry>, batch_id: i32) -> GoogleMigration {
    let (mut parts, mut exported, mut refused) = (Vec::<Vec<Parameters>>::new(), Vec::new(), Vec::new());
    let mut part_len_bytes = 0;
    for entry in entries {
        let parameters = match parameters(entry) {
            Ok(parameters) => parameters,
            Err(reason) => {
                let (id, title) = (entry.id(), entry.title());
                refused.push(Refused { id, title, reason });
                continue;
            }
        };
        exported.push(entry.id());
        let len_bytes = parameters.encoded_len();
        match parts.last_mut() {
            Some(part) if part.len() < MAX_ENTRIES_PER_PART && part_len_bytes + len_bytes <= MAX_PART_LEN_BYTES => {
                part.push(parameters);
                part_len_bytes += len_bytes;
            }
            _ => {
                parts.push(vec![parameters]);
                part_len_bytes = len_bytes;
            }
        }
    }
    // no vault has 2^31 entries
    let batch_size = parts.len() as i32;
    let uris = (0..).zip(parts).map(|(batch_index, entries)| {
        uri(&Part {
            entries,
            version: 1,
            batch_size,
            batch_index,
            batch_id,
        })
    });
    GoogleMigration {
        uris: uris.collect(),
        exported,
        refused,
    }
}

fn parameters(entry: &Entry) -> Result<Parameters, Refusal> {
    let credential = entry.credential();
    let (kind, counter) = match credential.kind() {
        Kind::Totp { period_s } if period_s.get() == 30 => (migration::TOTP, 0),
        Kind::Totp { period_s } => return Err(Refusal::Period(period_s.get())),
        Kind::Hotp { counter } => (migration::HOTP, i64::try_from(counter).map_err(|_| Refusal::Counter)?),
        Kind::Steam => return Err(Refusal::Steam),
    };
    let digits = match credential.digits().get() {
        6 => migration::SIX_DIGITS,
        8 => migration::EIGHT_DIGITS,
        other => return Err(Refusal::Digits(other)),
    };
    let algorithm = match credential.algorithm() {
        Algorithm::Sha1 => migration::SHA1,
        Algorithm::Sha256 => migration::SHA256,
        Algorithm::Sha512 => migration::SHA512,
    };
    let (issuer, account) = (entry.issuer.as_str(), entry.account.as_str());
    // the name is a label: a colon in it ends an issuer, even an empty one
    let name = match issuer {
        "" if !account.contains(':') => account.to_owned(),
        issuer => format!("{issuer}:{account}"),
    };
    Ok(Parameters {
        secret: credential.secret().expose_secret().to_vec(),
        name,
        issuer: issuer.to_owned(),
        algorithm,
        digits,
        kind,
        counter,
    })
}

fn uri(part: &Part) -> Zeroizing<String> {
    let message = Zeroizing::new(part.encode_to_vec());
    let data = Zeroizing::new(BASE64.encode(&message));
    // room for the worst, so that it never grows and leaves a copy behind
    let mut uri = Zeroizing::new(String::with_capacity(PREFIX.len() + 3 * data.len()));
    uri.push_str(PREFIX);
    uri.extend(utf8_percent_encode(&data, NON_ALPHANUMERIC));
    uri
}
