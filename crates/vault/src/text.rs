//! Names and notes that a terminal can show and a search can find: nothing in them moves a cursor, turns the direction of
//! writing, or cannot be seen.

use std::{borrow::Cow, fmt, io};

use enroll::holds_uri;
use otp::typed::{is_invisible, is_shaping};

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
    /// A control character, one that turns the direction of writing, or one that is not shown at all.
    #[error("the text has an invisible character: leave it out")]
    Invisible,
    /// A [`Name`] with a URI in it that holds a secret, which whoever sees the name would see.
    #[error("the name has a URI with a secret in it: leave it out")]
    Uri,
}

/// An issuer, an account or a group: one line, without blanks at its ends, and without a URI that holds a secret; may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// An entry's note: any number of lines; may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note(String);

impl Name {
    /// Checks a name that a person gave. Blanks at its ends are left out; nothing else is changed.
    ///
    /// # Errors
    /// [`TextError`] names the rule that is broken.
    pub fn new(text: &str) -> Result<Self, TextError> {
        match checked(text.trim(), MAX_NAME_LEN_BYTES, NONE)? {
            name if holds_uri(&name) => Err(TextError::Uri),
            name => Ok(Self(name)),
        }
    }

    /// Makes a name of whatever another program wrote, and says whether anything but blanks was changed. Nothing is left of
    /// one with a URI that holds a secret.
    pub fn tidied(text: &str) -> (Self, bool) {
        match tidied(text.trim(), MAX_NAME_LEN_BYTES, NONE) {
            (name, _) if holds_uri(&name) => (Self::default(), true),
            (name, changed) => (Self(name), changed),
        }
    }

    /// True if it would show a URI that holds a secret.
    pub(crate) fn would_hold_uri(text: &str) -> bool {
        holds_uri(&tidied(text.trim(), MAX_NAME_LEN_BYTES, NONE).0)
    }

    /// A name that a vault has, whatever it holds: the secret in it may be nowhere else.
    pub(crate) fn kept(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if it is empty.
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
        checked(text.trim(), MAX_NOTE_LEN_BYTES, LINES).map(Self)
    }

    /// Makes a note of whatever another program wrote, and says whether anything but blanks was changed.
    pub fn tidied(text: &str) -> (Self, bool) {
        let unix = text.replace("\r\n", "\n");
        let (note, changed) = tidied(unix.trim(), MAX_NOTE_LEN_BYTES, LINES);
        (Self(note), changed)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if it is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Which control characters are none here.
const NONE: &[char] = &[];
const LINES: &[char] = &['\n', '\t'];

fn checked(text: &str, most: usize, allowed: &[char]) -> Result<String, TextError> {
    let len_bytes = text.len();
    if len_bytes > most {
        return Err(TextError::TooLong { len_bytes, most });
    }
    match tidied(text, most, allowed) {
        (text, false) => Ok(text),
        (_, true) => Err(TextError::Invisible),
    }
}

fn tidied(text: &str, most: usize, allowed: &[char]) -> (String, bool) {
    let mut tidy = String::new();
    for character in text.chars() {
        let is_seen = is_seen(tidy.chars().next_back(), character);
        let kept = match character {
            c if is_seen || allowed.contains(&c) => c,
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

/// True if a character can be seen behind the one before it. Joiners and selectors of variants shape that one, in Persian,
/// in Japanese names, in emoji; letters of ASCII have no other shape.
fn is_seen(before: Option<char>, character: char) -> bool {
    let is_joiner = |c: char| matches!(c, '\u{200c}' | '\u{200d}');
    if is_shaping(character) {
        return before.is_some_and(|before| !before.is_ascii() && !before.is_whitespace() && !is_joiner(before));
    }
    !is_invisible(character) && !character.is_control()
}

/// True if anything in it cannot be seen.
pub(crate) fn has_invisible(text: &str) -> bool {
    let before = std::iter::once(None).chain(text.chars().map(Some));
    before
        .zip(text.chars())
        .any(|(before, character)| !is_seen(before, character))
}

/// Somebody else's text as a terminal may show it, in one line: whatever cannot be seen, moves the cursor or turns the
/// direction of writing is written as an escape, `\n` or `\u{1b}`.
pub fn shown(text: &str) -> Cow<'_, str> {
    if !has_invisible(text) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut before = None;
    for character in text.chars() {
        if is_seen(before, character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_default());
        }
        before = Some(character);
    }
    Cow::Owned(shown)
}

/// True if a character needs no escape wherever it stands.
pub fn is_shown(character: char) -> bool {
    is_seen(None, character)
}

/// Writes words of ours, which may be lines, with whatever of others' is in them [`shown`]. Nothing is copied on the way.
///
/// # Errors
/// What could not be written.
pub fn write_shown(out: &mut impl io::Write, words: fmt::Arguments<'_>) -> io::Result<()> {
    let mut lines = ShownLines { out, written: Ok(()) };
    match fmt::write(&mut lines, words) {
        Ok(()) => Ok(()),
        Err(fmt::Error) => lines.written.and(Err(io::Error::other("some words cannot be written"))),
    }
}

struct ShownLines<'a, W> {
    out: &'a mut W,
    written: io::Result<()>,
}

impl<W: io::Write> fmt::Write for ShownLines<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.written = text.split_inclusive('\n').try_for_each(|line| {
            let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
            self.out.write_all(shown(line).as_bytes())?;
            self.out.write_all(end.as_bytes())
        });
        self.written.as_ref().map_err(|_| fmt::Error).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_written_as_an_escape() {
        for (text, expected) in [
            ("alice", "alice"),
            ("张三 🙂 a\u{301}", "张三 🙂 a\u{301}"),
            ("\u{645}\u{6cc}\u{200c}\u{62e}", "\u{645}\u{6cc}\u{200c}\u{62e}"),
            ("\x1b[2J", "\\u{1b}[2J"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\u{202e}gpj", "\\u{202e}gpj"),
            ("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}"),
            ("a\u{200b}b", "a\\u{200b}b"),
        ] {
            assert_eq!(shown(text), expected);
        }
        let mut out = Vec::new();
        write_shown(&mut out, format_args!("two\nlines: {}\n", "\x1b]0;x\x07")).unwrap();
        assert_eq!(out, b"two\nlines: \\u{1b}]0;x\\u{7}\n");
    }
}
