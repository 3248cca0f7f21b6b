//! Tables as they are written, and the guard against spreadsheet programs that compute what they show.

use enroll::SecretBuffer;
use zeroize::Zeroizing;

/// Characters that begin a formula in spreadsheet programs; the last four where East Asian widths are typed.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
const GUARD: char = '\'';

/// A cell that no spreadsheet program computes: what begins like a formula, or like a guarded one, gets an apostrophe.
fn guarded(cell: &str) -> String {
    match cell.chars().next() {
        Some(first) if first == GUARD || FORMULA.contains(&first) => format!("{GUARD}{cell}"),
        _ => cell.to_owned(),
    }
}

/// A cell without the guard.
pub(super) fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix(GUARD) {
        Some(rest) if rest.starts_with(GUARD) || rest.starts_with(FORMULA) => rest,
        // How a table tells spreadsheet programs that a number is a text.
        _ => cell
            .strip_prefix("=\"")
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or(cell),
    }
}

/// A table as it is written.
pub(crate) struct TableWriter {
    text: SecretBuffer,
    delimiter: u8,
}

impl TableWriter {
    pub(crate) fn new(delimiter: u8) -> Self {
        Self {
            text: SecretBuffer::with_capacity(4096),
            delimiter,
        }
    }

    /// Writes a line; names are guarded against being computed, secrets are letters and digits.
    pub(crate) fn row(&mut self, cells: &[&str]) {
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                self.text.push(&[self.delimiter]);
            }
            // Quotes also where a reader could take the cell for a comment, for XML, or for two cells of another dialect.
            let special = |c: char| matches!(c, '"' | '\'' | '#' | '<' | ',' | ';' | '\t');
            if !cell.contains(special) && !cell.starts_with(FORMULA) {
                self.text.push(cell.as_bytes());
                continue;
            }
            self.text.push(b"\"");
            self.text.push(guarded(cell).replace('"', "\"\"").as_bytes());
            self.text.push(b"\"");
        }
        self.text.push(b"\r\n");
    }

    pub(crate) fn end(self) -> Zeroizing<Vec<u8>> {
        self.text.into_bytes()
    }
}
