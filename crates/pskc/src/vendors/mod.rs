//! The vendors' dialects, a file each.

mod duo;
mod entra;
mod feitian;
mod multiotp;
mod privacyidea;
pub(crate) mod safenet;
mod serial_seed;
mod yubico;

use data_encoding::HEXLOWER;
use enroll::base32;
use otp::{Algorithm, Digits, Period};
use zeroize::Zeroizing;

use crate::column::{Judgement, decode, judge};
use crate::duplicates::{Found, settle};
use crate::seed::is_presentable;
use crate::table::{Row, Separator, Table, TableWriter};
use crate::xml::shown;
use crate::zeros::zeros;
use crate::{
    Encoding, Format, MIN_SECRET_LEN_BYTES, Moving, Place, Protection, ReadError, Reason, Receipt, Refusal, Remark,
    Seed, WriteError,
};

/// The dialects that are written, all of them in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// [`Format::Entra`]: TOTP with SHA-1, 6 digits, 30 or 60 s. The user's column is left empty.
    Entra,
    /// [`Format::Duo`]: tokens of one kind, SHA-1, 6 or 8 digits, 30 s. For TOTP it is [`Format::SerialSeed`].
    Duo,
    /// [`Format::PrivacyIdea`]: SHA-1; HOTP from counter 0.
    PrivacyIdea,
    /// [`Format::MultiOtp`]: SHA-1.
    MultiOtp,
    /// [`Format::SerialSeed`]: TOTP with SHA-1, 6 digits, 30 s.
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

/// A token as a file describes it, its secret still as text.
struct Draft<'t> {
    serial_number: &'t str,
    secret: &'t str,
    manufacturer: Option<&'t str>,
    model: Option<&'t str>,
    /// `None`: SHA-256 for secrets of 32 bytes, else SHA-1.
    algorithm: Option<Algorithm>,
    digits: Digits,
    moving: Moving,
}

impl<'t> Draft<'t> {
    /// TOTP with SHA-1, 6 digits and 30 s.
    fn new(serial_number: &'t str, secret: &'t str) -> Self {
        Self {
            serial_number,
            secret,
            manufacturer: None,
            model: None,
            algorithm: Some(Algorithm::Sha1),
            digits: Digits::SIX,
            moving: TOTP,
        }
    }
}

/// A line: a token, one that is of no use here (with its serial number), or none at all.
enum Line<'t> {
    Token(Draft<'t>),
    Refused(&'t str, Reason),
    Skipped,
}

/// The reading of one format's lines.
struct Dialogue {
    format: Format,
    /// What the column of the secrets is called in messages.
    secret_column: &'static str,
    preferred: Encoding,
    remarks: Vec<Remark>,
    /// Nothing but the look of its lines tells what it is: a line that does not look so is an error.
    is_guessed: bool,
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

/// Longest serial number that a guess is made by: no secret that is long enough is as short.
const MAX_GUESSED_SERIAL_LEN: usize = 24;

/// True if this looks like a serial number: letters, digits, dashes, and a digit among them.
fn looks_like_serial_number(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
    text.len() <= MAX_GUESSED_SERIAL_LEN && text.bytes().all(is_part) && text.bytes().any(|byte| byte.is_ascii_digit())
}

/// Reads a file that is not XML.
pub(crate) fn read_table(text: &str, encoding: Option<Encoding>) -> Result<Receipt, ReadError> {
    let table = Table::read(text)?;
    let mut rows = table.rows().peekable();
    let Some(first) = rows.peek() else {
        return Err(ReadError::Unknown("there is no line in it".into()));
    };
    if let Some(columns) = entra::columns(first) {
        let columns = columns?;
        rows.next();
        let has_users = columns.has_users();
        let mut dialogue = Dialogue::new(Format::Entra, [Remark::AssumedSha1]);
        dialogue.preferred = Encoding::Base32;
        dialogue.remarks.extend(has_users.then_some(Remark::UsersIgnored));
        return dialogue.read(rows, encoding, |row| entra::line(&columns, row));
    }
    let are_named = names_columns(first);
    if is_header(first) {
        rows.next();
    }
    let Some(first) = rows.peek() else {
        return Err(ReadError::Unknown("there is no line after its header".into()));
    };
    if yubico::is_log(first) {
        return Dialogue::new(Format::Yubico, [Remark::AssumedSha1]).read(rows, encoding, yubico::line);
    }
    if !are_named && !looks_like_serial_number(first.cell(0)) {
        return Err(ReadError::Unknown(format!(
            "line {} does not begin with a serial number (letters, digits and dashes, with a digit among them), and no line \
             before it names the columns, such as serial,secret",
            first.line
        )));
    }
    let guessed = |format, remark| Dialogue {
        is_guessed: !are_named,
        ..Dialogue::new(format, [remark])
    };
    if multiotp::is_token(first) {
        guessed(Format::MultiOtp, Remark::AssumedSha1).read(rows, encoding, multiotp::line)
    } else if privacyidea::is_token(first) {
        guessed(Format::PrivacyIdea, Remark::AssumedSha1).read(rows, encoding, privacyidea::line)
    } else if duo::is_token(first) {
        guessed(Format::Duo, Remark::AssumedHotp).read(rows, encoding, duo::line)
    } else if first.cells.len() == 2 {
        match table.separator {
            Separator::Delimiter(b',' | b';') => {
                guessed(Format::SerialSeed, Remark::AssumedTotp).read(rows, encoding, serial_seed::line)
            }
            _ => guessed(Format::Feitian, Remark::AssumedTotp).read(rows, encoding, feitian::line),
        }
    } else {
        let count = first.cells.len();
        Err(ReadError::Unknown(format!(
            "line {} has {count} column{}",
            first.line,
            if count == 1 { "" } else { "s" }
        )))
    }
}

/// A line that names its first column.
fn is_header(row: &Row<'_>) -> bool {
    matches!(
        column_name(row.cell(0)).as_str(),
        "serial" | "serialnumber" | "serialno" | "sn" | "token" | "tokenserial" | "tokenserialnumber"
    )
}

/// A line that names the columns of the serial numbers and of the secrets: nothing has to be guessed.
fn names_columns(row: &Row<'_>) -> bool {
    let is_secret = |cell: &&str| {
        matches!(
            column_name(cell).as_str(),
            "seed" | "secret" | "secretkey" | "key" | "seedkey" | "otpsecret" | "otpkey"
        )
    };
    is_header(row) && row.cells.iter().skip(1).any(is_secret)
}

fn column_name(cell: &str) -> String {
    let letters = cell.chars().filter(|c| c.is_alphanumeric());
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

impl Dialogue {
    fn new(format: Format, remarks: impl IntoIterator<Item = Remark>) -> Self {
        Self {
            format,
            secret_column: "secret",
            preferred: Encoding::Hex,
            remarks: remarks.into_iter().collect(),
            is_guessed: false,
        }
    }

    fn read<'t>(
        self,
        rows: impl Iterator<Item = Row<'t>>,
        encoding: Option<Encoding>,
        line: impl Fn(&Row<'t>) -> Result<Line<'t>, ReadError>,
    ) -> Result<Receipt, ReadError> {
        let mut drafts = Vec::new();
        let mut refused = Vec::new();
        for row in rows {
            let place = row.place(self.secret_column);
            let serial_number = row.cell(0);
            if self.is_guessed && !serial_number.is_empty() && !looks_like_serial_number(serial_number) {
                return Err(ReadError::malformed(
                    row.place("serial number"),
                    "this does not look like one (letters, digits and dashes, with a digit among them): if it is, name the \
                     columns in a first line, serial,secret",
                ));
            }
            match line(&row)? {
                Line::Token(draft) => drafts.push((place, draft)),
                Line::Refused(serial_number, reason) => refused.push(Refusal {
                    place: row.place(""),
                    serial_number: Some(shown(serial_number)).filter(|serial| !serial.is_empty()),
                    reason,
                }),
                Line::Skipped => {}
            }
        }
        self.finish(drafts, refused, encoding)
    }

    /// Judges the secrets as a whole, and makes the tokens.
    fn finish(
        mut self,
        drafts: Vec<(Place, Draft<'_>)>,
        mut refused: Vec<Refusal>,
        encoding: Option<Encoding>,
    ) -> Result<Receipt, ReadError> {
        let secrets = drafts
            .iter()
            .map(|(place, draft)| (place, draft.secret))
            .filter(|(_, secret)| !secret.is_empty());
        let Judgement { encoding, ambiguous } = match encoding {
            None => judge(secrets, self.preferred)?,
            Some(encoding) => Judgement {
                encoding,
                ambiguous: false,
            },
        };
        self.remarks
            .extend(ambiguous.then_some(Remark::AmbiguousEncoding(encoding)));
        let mut found = Vec::with_capacity(drafts.len());
        for (place, draft) in drafts {
            match seed(&place, &draft, encoding)? {
                Ok(seed) => found.push(Found { place, seed }),
                Err(Reason::ShortSecret { bits }) if self.is_guessed => {
                    let problem = format!("this has only {bits} bits, which no token's secret has");
                    return Err(ReadError::malformed(place, problem));
                }
                // Its serial number is not repeated: where the columns are swapped, it is the secret.
                Err(reason @ Reason::ShortSecret { .. }) => refused.push(Refusal {
                    place,
                    serial_number: None,
                    reason,
                }),
                Err(reason) => refused.push(Refusal {
                    place,
                    serial_number: Some(shown(draft.serial_number)).filter(|serial| !serial.is_empty()),
                    reason,
                }),
            }
        }
        let by_length = found.iter().any(|found| found.seed.algorithm == Algorithm::Sha256);
        self.remarks.extend(by_length.then_some(Remark::AssumedSha256));
        Ok(Receipt {
            format: self.format,
            encoding,
            protection: Protection::InTheClear,
            seeds: settle(found, &mut refused),
            refused,
            remarks: self.remarks,
        })
    }
}

fn seed(place: &Place, draft: &Draft<'_>, encoding: Encoding) -> Result<Result<Seed, Reason>, ReadError> {
    if draft.secret.is_empty() {
        return Ok(Err(Reason::NoSecret));
    }
    let secret = match decode(place, draft.secret, encoding)? {
        Ok(secret) => secret,
        Err(reason) => return Ok(Err(reason)),
    };
    let len_bytes = secret.expose_secret().len();
    if len_bytes < MIN_SECRET_LEN_BYTES {
        return Ok(Err(Reason::ShortSecret { bits: 8 * len_bytes }));
    }
    if draft.serial_number.is_empty() {
        return Ok(Err(Reason::NoSerialNumber));
    }
    let named = |column: &str, name: &str| match name {
        "" => Ok(None),
        name if is_presentable(name) => Ok(Some(name.to_owned())),
        _ => Err(ReadError::malformed(
            Place::new(place.line, column),
            "a name is longer than 1024 bytes or has control characters",
        )),
    };
    let by_length = match secret.expose_secret().len() {
        32 => Algorithm::Sha256,
        _ => Algorithm::Sha1,
    };
    Ok(Ok(Seed {
        serial_number: named("serial number", draft.serial_number)?.unwrap_or_default(),
        manufacturer: named("manufacturer", draft.manufacturer.unwrap_or_default())?,
        model: named("model", draft.model.unwrap_or_default())?,
        key_id: None,
        issuer: None,
        label: None,
        secret,
        algorithm: draft.algorithm.unwrap_or(by_length),
        digits: draft.digits,
        moving: draft.moving,
        starts_at_s: None,
        expires_at_s: None,
        management_key: None,
    }))
}

/// The line has these many columns, or the file is malformed.
fn expect_columns(row: &Row<'_>, expected: std::ops::RangeInclusive<usize>) -> Result<(), ReadError> {
    if expected.contains(&row.cells.len()) {
        return Ok(());
    }
    let wanted = match (expected.start(), expected.end()) {
        (least, most) if least == most => format!("{least}"),
        (least, most) => format!("{least} to {most}"),
    };
    Err(ReadError::malformed(
        row.place(""),
        format!("the line has {} columns instead of {wanted}", row.cells.len()),
    ))
}

/// A whole number, or a malformed file.
fn number(row: &Row<'_>, column: &str, text: &str) -> Result<u64, ReadError> {
    text.parse()
        .map_err(|_| ReadError::malformed(row.place(column), "this is not a number"))
}

/// The digits of a code, or why such a token cannot be used.
fn digits(row: &Row<'_>, text: &str) -> Result<Result<Digits, Reason>, ReadError> {
    let digits = number(row, "digits", text)?;
    Ok(u8::try_from(digits).ok().and_then(Digits::new).ok_or(Reason::Response))
}

/// TOTP of this period, or why such a token cannot be used.
fn by_time(row: &Row<'_>, column: &str, text: &str) -> Result<Result<Moving, Reason>, ReadError> {
    let seconds = number(row, column, text)?;
    let period = u32::try_from(seconds).ok().and_then(Period::new_s);
    Ok(period
        .ok_or(Reason::Period)
        .map(|period| Moving::Time { period, drift_steps: 0 }))
}

/// The secret in base32.
fn text_secret(seed: &Seed) -> Zeroizing<String> {
    base32::encode(seed.secret.expose_secret())
}
