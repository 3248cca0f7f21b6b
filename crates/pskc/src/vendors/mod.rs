//! The vendors' dialects, a file each.

mod dialogue;
mod draft;
mod duo;
mod entra;
mod feitian;
mod header;
mod multiotp;
mod privacyidea;
mod recognise;
pub(crate) mod safenet;
mod serial_seed;
mod yubico;

use data_encoding::HEXLOWER;
use enroll::base32;
use otp::{Algorithm, Digits, Period};
use zeroize::Zeroizing;

pub(crate) use self::recognise::read_table;
use crate::seed::is_presentable;
use crate::table::{Row, TableWriter};
use crate::xml::shown;
use crate::zeros::zeros;
use crate::{Moving, Problem, ReadError, Reason, Seed, WriteError};

/// The dialects that are written, all of them in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// [`crate::Format::Entra`]: TOTP with SHA-1, 6 digits, 30 or 60 s. The user's column is left empty.
    Entra,
    /// [`crate::Format::Duo`]: tokens of one kind, SHA-1, 6 or 8 digits, 30 s. For TOTP it is [`crate::Format::SerialSeed`].
    Duo,
    /// [`crate::Format::PrivacyIdea`]: SHA-1; HOTP from counter 0.
    PrivacyIdea,
    /// [`crate::Format::MultiOtp`]: SHA-1.
    MultiOtp,
    /// [`crate::Format::SerialSeed`]: TOTP with SHA-1, 6 digits, 30 s.
    SerialSeed,
}

/// Writes a table with every secret in the clear. Whoever sees the file has the tokens.
///
/// A table has no place for dates, drift, names other than the format's own, and management keys: these stay behind. A
/// cell that a spreadsheet program would compute gets an apostrophe in front, which [`read`](crate::read) takes off.
///
/// # Errors
/// [`WriteError::Unfit`] for a token whose codes the dialect cannot describe.
pub fn write_csv_in_the_clear<'a>(
    dialect: Dialect,
    seeds: impl IntoIterator<Item = &'a Seed>,
) -> Result<Zeroizing<Vec<u8>>, WriteError<std::convert::Infallible>> {
    let seeds: Vec<&Seed> = seeds.into_iter().collect();
    let first = *seeds.first().ok_or(WriteError::Nothing)?;
    let mut table = TableWriter::new(if dialect == Dialect::MultiOtp { b';' } else { b',' });
    if dialect == Dialect::Entra {
        table.row(&entra::HEADER);
    }
    for seed in seeds {
        let written = match obstacle(seed) {
            Some(why) => Err(why),
            None => match dialect {
                Dialect::Entra => entra::write(&mut table, seed),
                Dialect::Duo => duo::write(&mut table, seed, first),
                Dialect::PrivacyIdea => privacyidea::write(&mut table, seed),
                Dialect::MultiOtp => multiotp::write(&mut table, seed),
                Dialect::SerialSeed => serial_seed::write(&mut table, seed),
            },
        };
        written.map_err(|why| WriteError::Unfit {
            serial_number: shown(&seed.serial_number),
            why,
        })?;
    }
    Ok(table.end())
}

/// Why a dialect cannot say what a token computes.
type Unfit = &'static str;

/// The property of a token that no table can carry.
fn obstacle(seed: &Seed) -> Option<Unfit> {
    let names = [&seed.manufacturer, &seed.model];
    if !is_presentable(&seed.serial_number) || names.into_iter().flatten().any(|name| !is_presentable(name)) {
        return Some("a name is empty, longer than 1024 bytes, or has control characters or blanks around it");
    }
    (seed.algorithm != Algorithm::Sha1).then_some("the table has no column for the hash, which is not SHA-1")
}

fn hex(seed: &Seed) -> Zeroizing<String> {
    let bytes = seed.secret.expose_secret();
    let mut text = zeros(HEXLOWER.encode_len(bytes.len()));
    HEXLOWER.encode_mut(bytes, &mut text);
    Zeroizing::new(str::from_utf8(&text).unwrap_or_default().to_owned())
}

/// TOTP as it is where nobody says otherwise.
const TOTP: Moving = Moving::Time {
    period: Period::THIRTY,
    drift_steps: 0,
};

/// Why a table without a column for the hash does not take a secret that would be read as another hash's.
fn unlike_its_length(seed: &Seed) -> Result<(), Unfit> {
    match seed.secret.expose_secret().len() {
        32 | 64 => {
            Err("a secret of 32 or 64 bytes would be read as one for SHA-256 or SHA-512, and this one is for SHA-1")
        }
        _ => Ok(()),
    }
}

/// Types that a column of some format may name, beside those that are used.
const OTHER_ALGORITHMS: [&str; 8] = [
    "motp",
    "yubicootp",
    "ocra",
    "daypassword",
    "spass",
    "pw",
    "sms",
    "yubico",
];

/// The type that a cell names, if it names one.
fn algorithm_name(cell: &str) -> Option<&'static str> {
    let all = ["hotp", "totp"].into_iter().chain(OTHER_ALGORITHMS);
    all.into_iter().find(|name| cell.eq_ignore_ascii_case(name))
}

/// Why a token of this type cannot be used. What is none of the known is not repeated: it may be a secret.
fn unusable(cell: &str) -> Reason {
    let unknown = if cell.is_empty() {
        "none is named"
    } else {
        "one that is not known here"
    };
    Reason::Algorithm(algorithm_name(cell).unwrap_or(unknown).to_owned())
}

/// The line has these many columns, or the file is malformed.
fn expect_columns(row: &Row<'_>, expected: std::ops::RangeInclusive<usize>) -> Result<(), ReadError> {
    let (raw, used) = (row.cells.len(), row.used());
    if raw >= *expected.start() && used <= *expected.end() {
        return Ok(());
    }
    let count = if used > *expected.end() { used } else { raw };
    let (least, most) = expected.into_inner();
    Err(ReadError::malformed(
        row.place(""),
        Problem::ColumnCount { count, least, most },
    ))
}

/// A whole number, or a malformed file.
fn number(row: &Row<'_>, column: &str, text: &str) -> Result<u64, ReadError> {
    text.parse()
        .map_err(|_| ReadError::malformed(row.place(column), Problem::NotANumber))
}

/// The digits of a code, or why such a token cannot be used.
fn digits(row: &Row<'_>, text: &str) -> Result<Result<Digits, Reason>, ReadError> {
    let digits = number(row, "digits", text)?;
    Ok(u8::try_from(digits).ok().and_then(Digits::new).ok_or(Reason::Response))
}

/// A period, or why such a token cannot be used.
fn period(row: &Row<'_>, column: &str, text: &str) -> Result<Result<Period, Reason>, ReadError> {
    let seconds = number(row, column, text)?;
    let period = u32::try_from(seconds).ok().and_then(Period::new_s);
    Ok(period.ok_or(Reason::Period))
}

/// The secret in base32.
fn text_secret(seed: &Seed) -> Zeroizing<String> {
    base32::encode(seed.secret.expose_secret())
}
