//! Google Authenticator's transfer: `otpauth-migration://offline?data=` with base64 of a protobuf message, spread over several
//! QR codes. The parts come in any order, one a line; those that did not come are named.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::BASE64_NOPAD;
use percent_encoding::percent_decode_str;
use prost::Message;
use zeroize::Zeroizing;

use super::claim::{Claim, ClaimedSecret, Reason};
use super::receipt::{Export, MissingParts, Place};
use crate::migration::{self, Parameters, Part};

/// Google's app puts ten entries on a code; nobody has scanned more codes than this.
const MAX_PARTS: u32 = 1_000;

/// A QR code has less than 3 KB.
const MAX_PART_LEN_BYTES: usize = 16 << 10;

/// Which parts of which batches were seen, in one export or in several.
#[derive(Clone, Default)]
pub(crate) struct Parts {
    seen: BTreeMap<(i32, u32), BTreeSet<u32>>,
}

pub(super) fn is_part(line: &str) -> bool {
    let scheme = line.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("otpauth-migration"))
}

/// Files the entries of a part.
pub(super) fn push(export: &mut Export, line: usize, uri: &str) {
    let payload = match decode(uri) {
        Ok(payload) => payload,
        Err(reason) => return export.push(Place::Line(line), Err(reason)),
    };
    if payload.entries.is_empty() {
        let why = "the migration URI was cut off, for it has no entries: scan it again";
        return export.push(Place::Line(line), Err(Reason::Migration(why)));
    }
    // an export of one part may leave all of it out
    let of = u32::try_from(payload.batch_size).unwrap_or(0).max(1);
    let part = u32::try_from(payload.batch_index).unwrap_or(u32::MAX);
    if of > MAX_PARTS || part >= of {
        let why = "its number among the parts makes no sense: scan it again";
        return export.push(Place::Line(line), Err(Reason::Migration(why)));
    }
    if !export
        .parts
        .seen
        .entry((payload.batch_id, of))
        .or_default()
        .insert(part)
    {
        return; // the same code scanned twice
    }
    for (index, entry) in payload.entries.into_iter().enumerate() {
        let entry_place = Place::InPart { line, entry: index + 1 };
        export.push(entry_place, Ok(claim(entry)));
    }
}

impl Parts {
    /// Adds the entries of another part.
    pub(super) fn add(&mut self, other: &Self) {
        for (batch, parts) in &other.seen {
            self.seen.entry(*batch).or_default().extend(parts);
        }
    }

    /// Forgets whole batches, so that what is missing is told once.
    pub(super) fn remove(&mut self, told: &Self) {
        self.seen.retain(|batch, _| !told.seen.contains_key(batch));
    }

    /// The parts of the batches of `these` that nobody has.
    pub(super) fn missing(&self, these: &Self) -> Vec<MissingParts> {
        let batches = self.seen.iter().filter(|(batch, _)| these.seen.contains_key(batch));
        let missing = batches.map(|((_, of), seen)| {
            let parts = (0..*of).filter(|part| !seen.contains(part)).map(|part| part + 1);
            MissingParts {
                parts: parts.collect(),
                of: *of,
            }
        });
        missing.filter(|missing| !missing.parts.is_empty()).collect()
    }
}

fn decode(uri: &str) -> Result<Part, Reason> {
    if uri.len() > MAX_PART_LEN_BYTES {
        return Err(Reason::Migration("the migration URI is longer than any QR code"));
    }
    let query = uri.split_once('?').map(|(_, query)| query);
    let data = query.and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("data=")));
    let data = data.ok_or(Reason::Migration("the migration URI has no data: scan it again"))?;
    let decoded: Zeroizing<Vec<u8>> = Zeroizing::new(percent_decode_str(data).collect());
    // a raw plus may have become a blank on its way
    let plain: Zeroizing<Vec<u8>> = Zeroizing::new(
        decoded
            .iter()
            .filter(|byte| **byte != b'=')
            .map(|byte| match byte {
                b'-' | b' ' => b'+',
                b'_' => b'/',
                other => *other,
            })
            .collect(),
    );
    let bytes = BASE64_NOPAD
        .decode(&plain)
        .map(Zeroizing::new)
        .map_err(|_| Reason::Migration("the migration URI's data is not base64: scan it again"))?;
    Part::decode(bytes.as_slice())
        .map_err(|_| Reason::Migration("the migration URI's data was cut off or damaged: scan it again"))
}

fn claim(mut entry: Parameters) -> Claim {
    let kind = match entry.kind {
        migration::HOTP => "hotp",
        // 0 is "not said", and everything that says nothing is TOTP
        0 | migration::TOTP => "totp",
        _ => "unknown",
    };
    let algorithm = match entry.algorithm {
        0 | migration::SHA1 => "SHA1",
        migration::SHA256 => "SHA256",
        migration::SHA512 => "SHA512",
        migration::MD5 => "MD5",
        _ => "unknown",
    };
    let digits = match entry.digits {
        migration::EIGHT_DIGITS => 8,
        _ => 6,
    };
    // A prefix beside an issuer is the name's own, as with accounts that are called domain:user, or repeats it.
    let split = match entry.issuer.is_empty() {
        true => entry.name.split_once(':'),
        false => None,
    };
    let (prefix, account) = match split {
        Some((prefix, account)) => (Some(prefix.to_owned()), account.to_owned()),
        None => (None, std::mem::take(&mut entry.name)),
    };
    let issuer = Some(std::mem::take(&mut entry.issuer)).filter(|issuer| !issuer.is_empty());
    let secret = Zeroizing::new(std::mem::take(&mut entry.secret));
    Claim {
        secret: Some(ClaimedSecret::Bytes(secret)),
        algorithm: Some(algorithm.to_owned()),
        digits: Some(digits),
        counter: Some(entry.counter.into()),
        ..Claim::new(kind, issuer.or(prefix), Some(account))
    }
}
