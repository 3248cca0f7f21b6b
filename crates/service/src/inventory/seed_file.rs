//! Seed files as they are handed in: what opens them, what is known beside them, and reading them.

use pskc::{Options, Reason, Seed, Unlock, read_with};
use zeroize::Zeroizing;

use crate::{ImportRemark, Receipt, Refused, SeedFileError, ServiceError, TokenRefusal, inventory::import::IMPORT_MAX};

/// Lines of a table for each token, with remarks and empty ones; and tags of XML, with those that end elements.
const LINES_PER_TOKEN: usize = 4;
const TAGS_PER_TOKEN: usize = 100;
/// The bytes of the order marks that a text in UTF-8 or UTF-16 may begin with, and of its first blanks and signs.
const MARKS: &[u8] = b"\xef\xbb\xbf\xff\xfe\0";

/// A seed file, and what opens it. Neither `Debug` nor `Clone`, for it holds secrets, perhaps in the clear.
pub struct SeedFile {
    /// Byte for byte.
    pub bytes: Zeroizing<Vec<u8>>,
    /// The key or password of an encrypted one.
    pub opened_by: OpenedBy,
    /// What whoever imports it knows, for what it leaves open.
    pub options: Options,
}

/// The key or password of a seed file.
pub enum OpenedBy {
    /// It is in the clear.
    Nothing,
    /// A key that was shared beforehand.
    Key(Zeroizing<Vec<u8>>),
    /// A password.
    Password(Zeroizing<String>),
}

/// Whether it has more lines, or more tags of XML, than the tokens of one import could: what is read of a file is many
/// times longer than the file.
fn is_overlong(file: &[u8]) -> bool {
    let count = |byte: u8| file.iter().filter(|at| **at == byte).count();
    let begins_with = |byte: &u8| !(byte.is_ascii_whitespace() || MARKS.contains(byte));
    match file.iter().find(|byte| begins_with(byte)) {
        Some(b'<') => count(b'<') > IMPORT_MAX * TAGS_PER_TOKEN,
        _ => count(b'\n').max(count(b'\r')) > IMPORT_MAX * LINES_PER_TOKEN,
    }
}

pub(super) fn too_many() -> ServiceError {
    ServiceError::SeedFile(SeedFileError::TooMany)
}

/// The tokens of a file, and the receipt so far. A token that stands there again counts once.
pub(super) fn read_file(file: &SeedFile) -> Result<(Vec<Seed>, Receipt), ServiceError> {
    if is_overlong(&file.bytes) {
        return Err(too_many());
    }
    let unlock = match &file.opened_by {
        OpenedBy::Nothing => Unlock::Nothing,
        OpenedBy::Key(key) => Unlock::Key(key),
        OpenedBy::Password(password) => Unlock::Password(password.as_bytes()),
    };
    let done = read_with(&file.bytes, &unlock, &file.options);
    let done = done.map_err(|error| ServiceError::SeedFile(SeedFileError::Read(error)))?;
    let mut so_far = Receipt {
        format: Some(done.format.name()),
        remarks: done.remarks.into_iter().map(ImportRemark::Read).collect(),
        ..Receipt::default()
    };
    let mut repeats = 0;
    let mut example = None;
    for refusal in done.refused {
        if let Reason::Repeated { first_line } = refusal.reason {
            repeats += 1;
            example.get_or_insert((refusal.place.line, first_line));
            continue;
        }
        so_far.count += 1;
        so_far.refusals.push(Refused {
            serial_number: refusal.serial_number,
            place: Some(refusal.place),
            cause: TokenRefusal::Read(refusal.reason),
        });
    }
    if repeats > 0 {
        so_far.remarks.push(ImportRemark::Repeated {
            count: repeats,
            lines: example,
        });
    }
    Ok((done.seeds, so_far))
}
