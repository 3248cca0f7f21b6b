//! Names and notes that a terminal can show: nothing in them moves a cursor or turns the direction of writing.

/// Longest [`Name`], in bytes of UTF-8.
pub const MAX_NAME_LEN_BYTES: usize = 512;
/// Longest [`Note`], in bytes of UTF-8.
pub const MAX_NOTE_LEN_BYTES: usize = 16 << 10;

/// Why a text is not a [`Name`] or a [`Note`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// More than [`MAX_NAME_LEN_BYTES`] or [`MAX_NOTE_LEN_BYTES`].
    #[error("the text has {len_bytes} bytes: at most {most} are kept")]
    TooLong {
        /// Its length.
        len_bytes: usize,
        /// The most.
        most: usize,
    },
    /// A control character, or one that turns the direction of writing.
    #[error("the text has an invisible character that could disturb a terminal: leave it out")]
    Invisible,
}

/// An issuer, an account or a group: one line, without blanks at its ends; may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// What its owner remarked: any number of lines; may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note(String);

impl Name {
    /// Checks a name that a person gave. Blanks at its ends are left out; nothing else is changed.
    ///
    /// # Errors
    /// [`TextError`] names the rule that is broken.
    pub fn new(text: &str) -> Result<Self, TextError> {
        checked(text.trim(), MAX_NAME_LEN_BYTES, is_invisible).map(Self)
    }

    /// Makes a name of whatever another program wrote, and says whether anything but blanks was changed.
    pub fn tidied(text: &str) -> (Self, bool) {
        let (name, changed) = tidied(text.trim(), MAX_NAME_LEN_BYTES, is_invisible);
        (Self(name), changed)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Note {
    /// Checks a note that a person gave.
    ///
    /// # Errors
    /// [`TextError`] names the rule that is broken.
    pub fn new(text: &str) -> Result<Self, TextError> {
        checked(text.trim(), MAX_NOTE_LEN_BYTES, is_invisible_in_lines).map(Self)
    }

    /// Makes a note of whatever another program wrote, and says whether anything but blanks was changed.
    pub fn tidied(text: &str) -> (Self, bool) {
        let unix = text.replace("\r\n", "\n");
        let (note, changed) = tidied(unix.trim(), MAX_NOTE_LEN_BYTES, is_invisible_in_lines);
        (Self(note), changed)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn checked(text: &str, most: usize, is_invisible: fn(char) -> bool) -> Result<String, TextError> {
    let len_bytes = text.len();
    if len_bytes > most {
        return Err(TextError::TooLong { len_bytes, most });
    }
    if text.contains(is_invisible) {
        return Err(TextError::Invisible);
    }
    Ok(text.to_owned())
}

fn tidied(text: &str, most: usize, is_invisible: fn(char) -> bool) -> (String, bool) {
    let mut tidy = String::new();
    for character in text.chars() {
        let kept = match character {
            c if !is_invisible(c) => c,
            c if c.is_whitespace() => ' ',
            _ => continue,
        };
        if tidy.len() + kept.len_utf8() > most {
            break;
        }
        tidy.push(kept);
    }
    tidy.truncate(tidy.trim_end().len());
    let start = tidy.len() - tidy.trim_start().len();
    tidy.drain(..start);
    let changed = tidy != text;
    (tidy, changed)
}

/// Whether a character is none that a terminal should be shown: a control character, or one that turns the direction of
/// writing.
pub fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

fn is_invisible_in_lines(character: char) -> bool {
    !matches!(character, '\n' | '\t') && is_invisible(character)
}
