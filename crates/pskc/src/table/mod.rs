//! Tables of text: RFC 4180 and its relatives, with another delimiter or none but blanks.

mod writer;

use csv_core::{ReadRecordResult, ReaderBuilder};
use zeroize::Zeroizing;

pub(crate) use self::writer::TableWriter;
use self::writer::unguarded;
use crate::zeros::zeros;
use crate::{Place, Problem, ReadError};

/// More columns than any seed file has.
const MAX_COLUMNS: usize = 64;

/// More lines than a batch of tokens has.
const MAX_ROWS: usize = 1_000_000;

/// The separator of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Separator {
    /// RFC 4180, with this byte for the comma.
    Delimiter(u8),
    /// Any number of blanks and tabs, without quotes.
    Blanks,
}

/// Every cell of a file, in one buffer that is wiped.
pub(crate) struct Table {
    pub(crate) separator: Separator,
    text: Zeroizing<Vec<u8>>,
    rows: Vec<Extent>,
    cells: Vec<(u32, u32)>,
}

struct Extent {
    line: u32,
    first: usize,
    count: usize,
}

/// One line.
pub(crate) struct Row<'t> {
    pub(crate) line: u32,
    /// The cells, trimmed, without the guard of [`TableWriter`].
    pub(crate) cells: Vec<&'t str>,
}

impl<'t> Row<'t> {
    /// A cell; empty where the line is too short.
    pub(crate) fn cell(&self, index: usize) -> &'t str {
        self.cells.get(index).copied().unwrap_or_default()
    }

    /// The number of columns up to the last that is not empty: spreadsheet programs fill up short lines.
    pub(crate) fn used(&self) -> usize {
        let last = self.cells.iter().rposition(|cell| !cell.is_empty());
        last.map_or(0, |last| last + 1)
    }

    pub(crate) fn place(&self, column: &str) -> Place {
        Place::new(self.line, column)
    }
}

impl Table {
    /// Reads a whole file. Lines that begin with `#` and empty lines are none.
    pub(crate) fn read(text: &str) -> Result<Self, ReadError> {
        let first = text
            .lines()
            .find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
            .ok_or_else(|| ReadError::Unknown("there is no line in it".into()))?;
        let announced = announced(first);
        let most = [b',', b';', b'\t']
            .map(|delimiter| (count_unquoted(first, delimiter), delimiter))
            .into_iter()
            .max_by_key(|(count, delimiter)| (*count, *delimiter == b','));
        let separator = match most {
            _ if announced.is_some() => Separator::Delimiter(announced.unwrap_or(b',')),
            Some((1.., delimiter)) => Separator::Delimiter(delimiter),
            _ => Separator::Blanks,
        };
        let mut table = Self {
            separator,
            text: zeros(text.len()),
            rows: Vec::new(),
            cells: Vec::new(),
        };
        match separator {
            Separator::Delimiter(delimiter) => table.read_delimited(text.as_bytes(), delimiter)?,
            Separator::Blanks => table.read_blanks(text)?,
        }
        Ok(table)
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|row| Row {
            line: row.line,
            cells: self.cells[row.first..row.first + row.count]
                .iter()
                .map(|&(start, end)| unguarded(self.cell(start, end)))
                .collect(),
        })
    }

    fn cell(&self, start: u32, end: u32) -> &str {
        // Cells are cut out of UTF-8 at ASCII bytes, so they are UTF-8.
        str::from_utf8(&self.text[start as usize..end as usize])
            .unwrap_or_default()
            .trim()
    }

    fn read_delimited(&mut self, input: &[u8], delimiter: u8) -> Result<(), ReadError> {
        let mut reader = ReaderBuilder::new().delimiter(delimiter).comment(Some(b'#')).build();
        let mut ends = [0; MAX_COLUMNS];
        let (mut read, mut written) = (0, 0);
        loop {
            let (result, consumed, produced, columns) =
                reader.read_record(&input[read..], &mut self.text[written..], &mut ends);
            read += consumed;
            let record = written..written + produced;
            written = record.end;
            match result {
                ReadRecordResult::End => return Ok(()),
                ReadRecordResult::Record => {}
                // The text is never longer than the file, so only columns can be too many. The file's end is a record's
                // end only when it is announced by an empty input, which the next turn brings.
                ReadRecordResult::InputEmpty if read == input.len() && produced == 0 && columns == 0 => continue,
                ReadRecordResult::InputEmpty => {
                    let (_, _, more, more_columns) =
                        reader.read_record(&[], &mut self.text[written..], &mut ends[columns..]);
                    written += more;
                    let record = record.start..written;
                    self.push(record, &ends[..columns + more_columns], reader.line())?;
                    return Ok(());
                }
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    let place = Place::new(line(reader.line()), "");
                    return Err(ReadError::malformed(place, Problem::ManyColumns));
                }
            }
            let after_its_line = read > 0 && input[read - 1] == b'\n';
            self.push(record, &ends[..columns], reader.line() - u64::from(after_its_line))?;
        }
    }

    fn push(&mut self, record: std::ops::Range<usize>, ends: &[usize], last_line: u64) -> Result<(), ReadError> {
        let text = &self.text[record.clone()];
        let newlines = text.iter().filter(|byte| **byte == b'\n').count();
        let line = line(last_line.saturating_sub(newlines as u64));
        if text.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            let problem = Problem::BadCell;
            return Err(ReadError::malformed(Place::new(line, ""), problem));
        }
        if text.iter().all(u8::is_ascii_whitespace) || self.is_remark(&record, ends) {
            return Ok(());
        }
        self.expect_room(line)?;
        let first = self.cells.len();
        let mut start = record.start;
        for end in ends {
            let end = record.start + end;
            self.cells.push((offset(start), offset(end)));
            start = end;
        }
        let count = ends.len();
        self.rows.push(Extent { line, first, count });
        Ok(())
    }

    /// A line that is for spreadsheet programs or for people: `sep=;` at the top, and a `#` that is indented, or that a
    /// spreadsheet program has filled up with empty columns.
    fn is_remark(&self, record: &std::ops::Range<usize>, ends: &[usize]) -> bool {
        let text = &self.text[record.clone()];
        let first = &text[..ends.first().copied().unwrap_or_default()];
        let is_alone = text[first.len()..].iter().all(u8::is_ascii_whitespace);
        if first.trim_ascii_start().starts_with(b"#") && (is_alone || !first.starts_with(b"#")) {
            return true;
        }
        let is_announcement = first.len() <= SEP.len() + 1 && first.get(..SEP.len()).is_some_and(is_sep);
        self.rows.is_empty() && is_alone && is_announcement
    }

    fn expect_room(&self, line: u32) -> Result<(), ReadError> {
        if self.rows.len() < MAX_ROWS {
            return Ok(());
        }
        let problem = Problem::ManyLines;
        Err(ReadError::malformed(Place::new(line, ""), problem))
    }

    fn read_blanks(&mut self, text: &str) -> Result<(), ReadError> {
        self.text.copy_from_slice(text.as_bytes());
        for (number, whole) in (1..).zip(text.lines()) {
            if whole.trim_start().starts_with('#') {
                continue;
            }
            let first = self.cells.len();
            for cell in whole.split_ascii_whitespace() {
                let start = cell.as_ptr() as usize - text.as_ptr() as usize;
                self.cells.push((offset(start), offset(start + cell.len())));
            }
            let count = self.cells.len() - first;
            let place = || Place::new(line(number), "");
            if count > MAX_COLUMNS {
                return Err(ReadError::malformed(place(), Problem::ManyColumns));
            }
            if whole.contains(|c: char| c.is_ascii_control() && c != '\t') {
                return Err(ReadError::malformed(place(), Problem::ControlCharacter));
            }
            if count > 0 {
                let line = line(number);
                self.expect_room(line)?;
                self.rows.push(Extent { line, first, count });
            }
        }
        Ok(())
    }
}

/// What a first line begins with that tells spreadsheet programs the delimiter.
const SEP: &[u8] = b"sep=";

fn is_sep(bytes: &[u8]) -> bool {
    bytes.eq_ignore_ascii_case(SEP)
}

/// The delimiter that the first line announces: `sep=;`, in quotes or not.
fn announced(line: &str) -> Option<u8> {
    let line = line.trim_start_matches('"').as_bytes();
    let (sep, rest) = line.split_at_checked(SEP.len())?;
    let delimiter = rest
        .first()
        .copied()
        .filter(|byte| matches!(byte, b',' | b';' | b'\t' | b'|'));
    delimiter.filter(|_| is_sep(sep))
}

/// The number of delimiters outside quotes.
fn count_unquoted(line: &str, delimiter: u8) -> usize {
    let mut quoted = false;
    line.bytes()
        .filter(|byte| {
            quoted ^= *byte == b'"';
            !quoted && *byte == delimiter
        })
        .count()
}

fn line(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Files are 64 MiB at most.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
