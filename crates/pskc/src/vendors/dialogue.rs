//! The reading of one format's lines, all of which are judged together.

use super::draft::{Assumptions, Defaults, Draft, Kind, Line, seed};
use super::recognise::looks_like_serial_number;
use crate::column::{Judgement, judge};
use crate::duplicates::{Found, settle};
use crate::options::Context;
use crate::rounded::is_rounded;
use crate::table::Row;
use crate::xml::shown;
use crate::{Encoding, Format, Place, Problem, Protection, ReadError, Reason, Receipt, Refusal, Remark};

/// One format's reader.
pub(super) struct Dialogue {
    format: Format,
    /// The encoding where the secrets would be right in both.
    pub(super) preferred: Encoding,
    pub(super) defaults: Defaults,
    /// What is to be said whatever the lines say.
    pub(super) remarks: Vec<Remark>,
    /// The column of the serial numbers, where nothing but its look tells that it is: a line that does not look so is an
    /// error.
    pub(super) guessed_by: Option<usize>,
}

impl Dialogue {
    pub(super) fn new(format: Format) -> Self {
        Self {
            format,
            preferred: Encoding::Hex,
            defaults: Defaults {
                kind: None,
                hash_by_length: true,
                six_digits: false,
            },
            remarks: Vec::new(),
            guessed_by: None,
        }
    }

    /// For a format whose tokens are all of this kind.
    pub(super) fn of_kind(mut self, kind: Kind) -> Self {
        self.defaults.kind = Some(kind);
        self
    }

    /// For a format whose tokens have SHA-1, however long their secrets are.
    pub(super) fn of_sha1(mut self) -> Self {
        self.defaults.hash_by_length = false;
        self
    }

    pub(super) fn read<'t>(
        self,
        rows: impl Iterator<Item = Row<'t>>,
        context: &Context,
        line: impl Fn(&Row<'t>) -> Result<Line<'t>, ReadError>,
    ) -> Result<Receipt, ReadError> {
        let mut drafts = Vec::new();
        let mut refused = Vec::new();
        for row in rows {
            self.expect_serial_number(&row)?;
            match line(&row)? {
                Line::Token(draft) => drafts.push((row.place("secret"), draft)),
                Line::Refused(serial_number, reason) => refused.push(Refusal {
                    place: row.place(""),
                    serial_number: named(serial_number),
                    reason,
                }),
                Line::Skipped => {}
            }
        }
        self.finish(drafts, refused, context)
    }

    fn expect_serial_number(&self, row: &Row<'_>) -> Result<(), ReadError> {
        let Some(serial_number) = self.guessed_by.map(|column| row.cell(column)) else {
            return Ok(());
        };
        if serial_number.is_empty() || looks_like_serial_number(serial_number) || is_rounded(serial_number) {
            return Ok(());
        }
        Err(ReadError::malformed(
            row.place("serial number"),
            Problem::NoSerialNumberLook,
        ))
    }

    /// Judges the secrets as a whole, and makes the tokens.
    pub(super) fn finish(
        mut self,
        drafts: Vec<(Place, Draft<'_>)>,
        mut refused: Vec<Refusal>,
        context: &Context,
    ) -> Result<Receipt, ReadError> {
        let secrets = drafts
            .iter()
            .map(|(place, draft)| (place, draft.secret))
            .filter(|(_, secret)| !secret.is_empty() && !is_rounded(secret));
        let Judgement { encoding, ambiguous } = match context.encoding {
            None => judge(secrets, self.preferred)?,
            Some(encoding) => Judgement {
                encoding,
                ambiguous: false,
            },
        };
        self.remarks
            .extend(ambiguous.then_some(Remark::AmbiguousEncoding(encoding)));
        let usual_kind = usual_kind(&drafts, self.defaults.kind);
        self.defaults.kind = usual_kind;
        let mut assumptions = Assumptions::default();
        let mut found = Vec::with_capacity(drafts.len());
        for (place, draft) in drafts {
            let is_open = draft.kind.is_none() && usual_kind.is_none();
            let one = match seed(&place, &draft, encoding, self.defaults, context, &mut assumptions)? {
                Ok(_) if is_open => Err(Reason::Kind),
                one => one,
            };
            match one {
                Ok(seed) => found.push(Found { place, seed }),
                Err(reason) => refused.push(self.refusal(place, draft.serial_number, reason)?),
            }
        }
        Ok(Receipt {
            format: self.format,
            encoding,
            protection: Protection::InTheClear,
            seeds: settle(found, &mut refused, context.is_guessed),
            refused,
            remarks: assumptions.into_remarks().chain(self.remarks).collect(),
        })
    }

    /// The refusal of a token, or of the file where a guess was wrong.
    fn refusal(&self, place: Place, serial_number: &str, reason: Reason) -> Result<Refusal, ReadError> {
        let serial_number = match reason {
            Reason::ShortSecret { bits } if self.guessed_by.is_some() => {
                let problem = Problem::BitsOfNoToken { bits };
                return Err(ReadError::malformed(place, problem));
            }
            // It is not repeated: where the columns are swapped, it is the secret.
            Reason::ShortSecret { .. } => None,
            _ => named(serial_number),
        };
        Ok(Refusal {
            place,
            serial_number,
            reason,
        })
    }
}

/// The kind of tokens of which the table says none: the format's, else that of all the others, else TOTP where there are no
/// others. `None` where the others differ.
fn usual_kind(drafts: &[(Place, Draft<'_>)], format: Option<Kind>) -> Option<Kind> {
    let mut said = drafts.iter().filter_map(|(_, draft)| draft.kind);
    if format.is_some() {
        return format;
    }
    let Some(first) = said.next() else {
        return Some(Kind::Time);
    };
    said.all(|kind| kind == first).then_some(first)
}

fn named(serial_number: &str) -> Option<String> {
    Some(shown(serial_number)).filter(|serial| !serial.is_empty())
}
