//! Feitian's text files: a serial number and a seed on each line, with blanks or tabs between them. (Its XML is PSKC.)

use super::draft::{Draft, Line};
use super::expect_columns;
use crate::ReadError;
use crate::table::Row;

pub(super) fn line<'t>(row: &Row<'t>) -> Result<Line<'t>, ReadError> {
    expect_columns(row, 2..=2)?;
    let mut draft = Draft::new(row.cell(0), row.cell(1));
    draft.manufacturer = Some("Feitian");
    Ok(Line::Token(draft))
}
