//! The columns of a table by the names over them, whatever their order.

use super::dialogue::Dialogue;
use super::draft::{Draft, Kind, Line};
use super::{algorithm_name, digits, expect_columns, number, period, unusable};
use crate::hash_name::hash;
use crate::table::Row;
use crate::{Encoding, Format, Problem, ReadError, Reason, Remark};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    SerialNumber,
    Secret,
    Kind,
    Digits,
    Period,
    Counter,
    /// The period of a token that goes by the time, the counter of another (multiOTP).
    PeriodOrCounter,
    Hash,
    Manufacturer,
    Model,
    User,
}

impl Role {
    /// Whether two columns of it would have to be chosen from.
    fn is_one(self) -> bool {
        !matches!(
            self,
            Self::Kind | Self::Hash | Self::Manufacturer | Self::Model | Self::User
        )
    }

    /// The role of a column by its name, which is in small letters and digits alone.
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "serial" | "serialnumber" | "serialno" | "sn" | "token" | "tokenserial" | "tokenserialnumber" => {
                Self::SerialNumber
            }
            "seed" | "secret" | "secretkey" | "key" | "seedkey" | "otpsecret" | "otpkey" => Self::Secret,
            "type" | "tokentype" | "kind" | "algorithm" | "otptype" | "oathtype" => Self::Kind,
            "digits" | "otplen" | "otplength" | "codelength" => Self::Digits,
            "period" | "timeinterval" | "interval" | "timestep" | "step" | "seconds" => Self::Period,
            "counter" | "eventcounter" | "movingfactor" => Self::Counter,
            "intervalorevent" => Self::PeriodOrCounter,
            "hash" | "hashlib" | "hashalgorithm" | "hashfunction" | "hmacalgorithm" | "suite" => Self::Hash,
            "manufacturer" | "vendor" => Self::Manufacturer,
            "model" | "product" => Self::Model,
            "upn" | "user" | "username" | "owner" => Self::User,
            _ => return None,
        })
    }
}

/// The columns of a table that names them.
pub(super) struct Columns {
    roles: Vec<(Role, usize)>,
    format: Format,
    count: std::ops::RangeInclusive<usize>,
}

impl Columns {
    /// `None` where a line is no header, which names the columns of the serial numbers and of the secrets at least.
    pub(super) fn of(row: &Row<'_>) -> Result<Option<Self>, ReadError> {
        let names: Vec<String> = row.cells[..row.used()].iter().map(|cell| column_name(cell)).collect();
        let roles: Vec<(Role, usize)> = (0..)
            .zip(&names)
            .filter_map(|(column, name)| Some((Role::of(name)?, column)))
            .collect();
        let at = |role| {
            roles
                .iter()
                .find(|(other, _)| *other == role)
                .map(|(_, column)| *column)
        };
        let (Some(serial_number), Some(secret)) = (at(Role::SerialNumber), at(Role::Secret)) else {
            return Ok(None);
        };
        refuse_doubles(row, &names, &roles)?;
        let is_entra = names[serial_number] == "serialnumber" && names[secret] == "secretkey";
        let format = if is_entra {
            Format::Entra
        } else if at(Role::PeriodOrCounter).is_some() {
            Format::MultiOtp
        } else if at(Role::Kind).is_some() {
            Format::PrivacyIdea
        } else if at(Role::Counter).is_some() && at(Role::Period).is_none() {
            Format::Duo
        } else if roles.len() == 2 {
            Format::SerialSeed
        } else {
            Format::Named
        };
        let least = match format {
            Format::Entra | Format::MultiOtp => names.len(),
            _ => serial_number.max(secret) + 1,
        };
        Ok(Some(Self {
            roles,
            format,
            count: least..=names.len(),
        }))
    }

    fn has(&self, role: Role) -> bool {
        self.roles.iter().any(|(other, _)| *other == role)
    }

    /// The cell of a role; empty where there is no such column.
    fn cell<'t>(&self, row: &Row<'t>, role: Role) -> &'t str {
        let column = self.roles.iter().find(|(other, _)| *other == role);
        column.map(|(_, column)| row.cell(*column)).unwrap_or_default()
    }

    /// The reader of the lines under these names; `is_blank` where nothing but blanks is between the columns.
    pub(super) fn dialogue(&self, is_blank: bool) -> Dialogue {
        let format = match self.format {
            Format::SerialSeed if is_blank => Format::Feitian,
            format => format,
        };
        let mut dialogue = match format {
            Format::Entra => Dialogue::new(format).of_sha1().of_kind(Kind::Time),
            Format::MultiOtp => Dialogue::new(format).of_sha1(),
            Format::Duo => Dialogue::new(format).of_kind(Kind::Counter),
            format => Dialogue::new(format),
        };
        if format == Format::Entra {
            dialogue.preferred = Encoding::Base32;
            dialogue.defaults.six_digits = true;
        }
        dialogue
            .remarks
            .extend(self.has(Role::User).then_some(Remark::UsersIgnored));
        dialogue
    }

    pub(super) fn line<'t>(&self, row: &Row<'t>) -> Result<Line<'t>, ReadError> {
        expect_columns(row, self.count.clone())?;
        let serial_number = self.cell(row, Role::SerialNumber);
        match self.draft(row)? {
            Ok(draft) => Ok(Line::Token(draft)),
            Err(reason) => Ok(Line::Refused(serial_number, reason)),
        }
    }

    fn draft<'t>(&self, row: &Row<'t>) -> Result<Result<Draft<'t>, Reason>, ReadError> {
        let mut draft = Draft::new(self.cell(row, Role::SerialNumber), self.cell(row, Role::Secret));
        draft.kind = (self.format == Format::Entra).then_some(Kind::Time);
        draft.manufacturer = Some(self.cell(row, Role::Manufacturer));
        draft.model = Some(self.cell(row, Role::Model));
        if let Err(reason) = self.kind_and_hash(row, &mut draft) {
            return Ok(Err(reason));
        }
        if let Err(reason) = self.moving(row, &mut draft)? {
            return Ok(Err(reason));
        }
        match self.cell(row, Role::Digits) {
            "" => {}
            text => match digits(row, text)? {
                Ok(digits) => draft.digits = Some(digits),
                Err(reason) => return Ok(Err(reason)),
            },
        }
        Ok(Ok(draft))
    }

    /// Period and counter; where both have a column, the one that is filled tells the kind.
    fn moving(&self, row: &Row<'_>, draft: &mut Draft<'_>) -> Result<Result<(), Reason>, ReadError> {
        // multiOTP's column is one or the other, by the kind.
        let (mut seconds, mut counter) = (self.cell(row, Role::Period), self.cell(row, Role::Counter));
        match (draft.kind, self.cell(row, Role::PeriodOrCounter)) {
            (_, "") => {}
            (Some(Kind::Counter), cell) => counter = cell,
            (_, cell) => seconds = cell,
        }
        if draft.kind.is_none() && self.has(Role::Counter) && self.has(Role::Period) {
            draft.kind = match (seconds, counter) {
                ("", "") => None,
                (_, "") => Some(Kind::Time),
                ("", _) => Some(Kind::Counter),
                _ => return Ok(Err(Reason::Kind)),
            };
        }
        if !counter.is_empty() {
            draft.counter = number(row, "counter", counter)?;
        }
        if !seconds.is_empty() && draft.kind != Some(Kind::Counter) {
            match period(row, "period", seconds)? {
                Ok(period) => draft.period = Some(period),
                Err(reason) => return Ok(Err(reason)),
            }
        }
        Ok(Ok(()))
    }

    /// The kind and the hash. Some call either of them the algorithm, and some have a column for each name.
    fn kind_and_hash(&self, row: &Row<'_>, draft: &mut Draft<'_>) -> Result<(), Reason> {
        for (role, column) in &self.roles {
            let cell = row.cell(*column);
            if cell.is_empty() || !matches!(role, Role::Kind | Role::Hash) {
                continue;
            }
            match hash(cell) {
                Some(hash) if draft.algorithm.is_some_and(|other| other != hash) => return Err(Reason::Hash),
                Some(hash) => draft.algorithm = Some(hash),
                None if *role == Role::Hash => return Err(Reason::Hash),
                None => {
                    let kind = kind(cell)?;
                    if draft.kind.is_some_and(|other| other != kind) {
                        return Err(Reason::Kind);
                    }
                    draft.kind = Some(kind);
                }
            }
        }
        Ok(())
    }
}

/// Refuses a header after which a value would have to be chosen from two columns.
fn refuse_doubles(row: &Row<'_>, names: &[String], roles: &[(Role, usize)]) -> Result<(), ReadError> {
    let is_named_again = |at: usize| !names[at].is_empty() && names[..at].contains(&names[at]);
    let means_again = |at: usize| {
        let role = roles[at].0;
        role.is_one() && roles[..at].iter().any(|(other, _)| *other == role)
    };
    let problem = if (0..names.len()).any(is_named_again) {
        Problem::ColumnTwice
    } else if (0..roles.len()).any(means_again) {
        Problem::ColumnsOfOneMeaning
    } else {
        return Ok(());
    };
    Err(ReadError::malformed(row.place(""), problem))
}

/// The kind that a cell names, or why a token of what it names cannot be used.
pub(super) fn kind(cell: &str) -> Result<Kind, Reason> {
    match algorithm_name(cell) {
        Some("totp") => Ok(Kind::Time),
        Some("hotp") => Ok(Kind::Counter),
        Some("ocra") => Err(Reason::Challenge),
        _ => Err(unusable(cell)),
    }
}

/// True of a line whose first column names the serial numbers, and that may name no other.
pub(super) fn names_serial_numbers(row: &Row<'_>) -> bool {
    Role::of(&column_name(row.cell(0))) == Some(Role::SerialNumber)
}

fn column_name(cell: &str) -> String {
    let letters = cell.chars().filter(|c| c.is_alphanumeric());
    letters.map(|c| c.to_ascii_lowercase()).collect()
}
