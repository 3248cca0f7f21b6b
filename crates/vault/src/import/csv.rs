//! RFC 4180, read into buffers that are wiped; with other delimiters, a first line `sep=;` of a spreadsheet's, and lines of
//! words behind a `#`.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use zeroize::Zeroizing;

use super::error::ImportError;
use super::receipt::Format;
use crate::MAX_ENTRIES;

const MAX_COLUMNS: usize = 64;
const DELIMITERS: [char; 3] = [',', ';', '\t'];

/// What is known of a table before it is read.
struct Dialect<'a> {
    /// Behind `sep=;` and remarks, where there are any.
    table: &'a str,
    lines_before: usize,
    delimiter: char,
}

impl<'a> Dialect<'a> {
    fn of(text: &'a str) -> Self {
        let (mut table, mut lines_before, mut announced) = (text, 0, None);
        while let Some((line, rest)) = table.split_once('\n') {
            let delimiter = line.trim().strip_prefix("sep=").and_then(|rest| rest.parse().ok());
            if delimiter.is_none() && !line.trim_start().starts_with('#') {
                break;
            }
            announced = announced.or(delimiter);
            table = rest;
            lines_before += 1;
        }
        let header = first_line(table);
        let count = |delimiter: &char| header.matches(*delimiter).count();
        let most = DELIMITERS.into_iter().rev().max_by_key(count);
        Self {
            table,
            lines_before,
            delimiter: announced.or(most).unwrap_or(','),
        }
    }
}

fn first_line(text: &str) -> &str {
    text.trim_start().lines().next().unwrap_or_default()
}

fn column(name: &str) -> String {
    name.trim().trim_matches('"').trim().to_lowercase()
}

/// The names of a table's columns, in lower case, for knowing whose it is.
pub(crate) fn columns(text: &str) -> Vec<String> {
    let dialect = Dialect::of(text);
    let names = first_line(dialect.table).split(dialect.delimiter);
    names.take(MAX_COLUMNS).map(column).collect()
}

/// Whether rows may have more fields than there are columns. Empty ones always may.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Longer {
    Refused,
    Kept,
}

/// True of words for people behind a `#`, where they are no row otherwise: a title may begin with one, too.
fn is_marked(fields: &[Zeroizing<String>]) -> bool {
    fields.first().is_some_and(|first| first.trim_start().starts_with('#'))
}

fn is_alone(fields: &[Zeroizing<String>]) -> bool {
    fields.iter().skip(1).all(|field| field.trim().is_empty())
}

/// A table whose first row names the columns.
pub(crate) struct Table<'a> {
    reader: Reader,
    rest: &'a [u8],
    /// As long as everything that is left, so that any record fits.
    fields: Zeroizing<Vec<u8>>,
    columns: Vec<String>,
    lines_before: usize,
    rows: usize,
    longer: Longer,
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
    pub(crate) fn read(format: Format, text: &'a str, longer: Longer) -> Result<Self, ImportError> {
        let dialect = Dialect::of(text);
        let delimiter = u8::try_from(dialect.delimiter).unwrap_or(b',');
        let mut table = Self {
            reader: ReaderBuilder::new().delimiter(delimiter).build(),
            rest: dialect.table.as_bytes(),
            fields: Zeroizing::new(vec![0; dialect.table.len() + 1]),
            columns: Vec::new(),
            lines_before: dialect.lines_before,
            rows: 0,
            longer,
            format,
        };
        let (_, columns) = table.record()?.ok_or(ImportError::CutOff)?;
        table.columns = columns.into_iter().map(|name| column(&name)).collect();
        Ok(table)
    }

    /// `None` at the end.
    pub(crate) fn next_row(&mut self) -> Result<Option<Row<'_>>, ImportError> {
        let (line, fields) = loop {
            let Some((line, fields)) = self.record()? else {
                return Ok(None);
            };
            let has_more = fields.get(self.columns.len()..);
            let fits =
                has_more.is_some_and(|more| self.longer == Longer::Kept || more.iter().all(|field| field.is_empty()));
            match is_marked(&fields) {
                true if !fits || is_alone(&fields) => {}
                _ if fits => break (line, fields),
                _ => return Err(ImportError::Damaged { line, column: 1 }),
            }
        };
        self.rows += 1;
        if self.rows > MAX_ENTRIES {
            return Err(ImportError::Malformed(self.format, "it has more than 10000 rows"));
        }
        Ok(Some(Row {
            line,
            columns: &self.columns,
            fields: fields.into_iter().map(Some).collect(),
        }))
    }

    fn record(&mut self) -> Result<Option<Record>, ImportError> {
        let line = self.reader.line() as usize + self.lines_before;
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
    /// The field of this column, whose name is in lower case, once.
    pub(crate) fn take(&mut self, name: &str) -> Option<Zeroizing<String>> {
        let at = self.columns.iter().position(|column| column == name)?;
        self.fields.get_mut(at)?.take()
    }

    /// The first field that is like this, once, with its number from 0.
    pub(crate) fn take_first(&mut self, is_one: impl Fn(&str) -> bool) -> Option<(usize, Zeroizing<String>)> {
        let is_one = |field: &Option<Zeroizing<String>>| field.as_ref().is_some_and(|field| is_one(field));
        let at = self.fields.iter().position(is_one)?;
        Some((at, self.fields[at].take()?))
    }

    /// These fields, with the commas that have parted them.
    pub(crate) fn joined(&self, from: usize, to: usize) -> String {
        let fields = self.fields.get(from..to).unwrap_or_default().iter().flatten();
        let fields: Vec<&str> = fields.map(|field| field.as_str()).collect();
        fields.join(",")
    }

    /// The first of these columns that says something, as it is.
    pub(crate) fn take_any(&mut self, names: &[&str]) -> Option<Zeroizing<String>> {
        let says = |text: &Zeroizing<String>| !text.trim().is_empty();
        names.iter().find_map(|name| self.take(name).filter(says))
    }

    /// [`take_any`](Self::take_any) of what is no secret.
    pub(crate) fn text(&mut self, names: &[&str]) -> Option<String> {
        self.take_any(names).map(|text| text.as_str().to_owned())
    }
}
