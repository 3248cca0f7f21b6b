//! RFC 4180, read into buffers that are wiped.

use csv_core::{ReadRecordResult, Reader};
use zeroize::Zeroizing;

use super::error::ImportError;
use super::receipt::Format;
use crate::MAX_ENTRIES;

const MAX_COLUMNS: usize = 64;

/// A table whose first row names the columns.
pub(crate) struct Table<'a> {
    reader: Reader,
    rest: &'a [u8],
    /// As long as everything that is left, so that any record fits.
    fields: Zeroizing<Vec<u8>>,
    columns: Vec<String>,
    rows: usize,
    format: Format,
}

/// A row, and the line it begins on.
pub(crate) struct Row<'t> {
    pub(crate) line: usize,
    columns: &'t [String],
    fields: Vec<Option<Zeroizing<String>>>,
}

/// The line it begins on, and its fields.
type Record = (usize, Vec<Zeroizing<String>>);

impl<'a> Table<'a> {
    pub(crate) fn read(format: Format, text: &'a str) -> Result<Self, ImportError> {
        let mut table = Self {
            reader: Reader::new(),
            rest: text.as_bytes(),
            fields: Zeroizing::new(vec![0; text.len() + 1]),
            columns: Vec::new(),
            rows: 0,
            format,
        };
        let (_, columns) = table.record()?.ok_or(ImportError::CutOff)?;
        table.columns = columns.into_iter().map(|column| column.trim().to_owned()).collect();
        Ok(table)
    }

    /// `None` at the end.
    pub(crate) fn next_row(&mut self) -> Result<Option<Row<'_>>, ImportError> {
        self.rows += 1;
        if self.rows > MAX_ENTRIES {
            return Err(ImportError::Malformed(self.format, "it has more than 10000 rows"));
        }
        let Some((line, fields)) = self.record()? else {
            return Ok(None);
        };
        if fields.len() != self.columns.len() {
            return Err(ImportError::Damaged { line, column: 1 });
        }
        Ok(Some(Row {
            line,
            columns: &self.columns,
            fields: fields.into_iter().map(Some).collect(),
        }))
    }

    fn record(&mut self) -> Result<Option<Record>, ImportError> {
        let line = self.reader.line() as usize;
        let (mut written, mut ended) = (0, 0);
        let mut ends = [0; MAX_COLUMNS];
        loop {
            let (result, read, wrote, ends_found) =
                self.reader
                    .read_record(self.rest, &mut self.fields[written..], &mut ends[ended..]);
            self.rest = &self.rest[read..];
            written += wrote;
            ended += ends_found;
            match result {
                ReadRecordResult::End => return Ok(None),
                ReadRecordResult::Record => break,
                // with nothing left, the next call ends the last record
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    return Err(ImportError::Damaged { line, column: 1 });
                }
            }
        }
        let starts = [0].into_iter().chain(ends);
        let fields = starts.zip(ends).take(ended).map(|(start, end)| {
            let field =
                str::from_utf8(&self.fields[start..end]).map_err(|_| ImportError::Damaged { line, column: 1 })?;
            Ok(Zeroizing::new(field.to_owned()))
        });
        Ok(Some((line, fields.collect::<Result<_, _>>()?)))
    }
}

impl Row<'_> {
    /// The field of this column, once.
    pub(crate) fn take(&mut self, name: &str) -> Option<Zeroizing<String>> {
        let at = self.columns.iter().position(|column| column == name)?;
        self.fields.get_mut(at)?.take()
    }
}
