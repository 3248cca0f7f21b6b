//! An input line. It may be a secret: its buffer never grows, and is wiped.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use unicode_width::UnicodeWidthChar as _;
use vault::MAX_NOTE_LEN_BYTES;
use zeroize::{Zeroize as _, Zeroizing};

/// Longest text, in bytes; no field of an entry is longer.
pub(super) const MAX_INPUT_LEN_BYTES: usize = MAX_NOTE_LEN_BYTES;

pub(super) struct Input {
    text: Zeroizing<String>,
    /// The cursor, in bytes.
    at: usize,
    pub(super) mask: Mask,
}

/// The characters that dots are shown for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mask {
    Nothing,
    Everything,
    /// All but what begins like a path, as no URI and no key does.
    AllButPaths,
}

const PATHS: [&str; 8] = ["/", "~/", "./", "../", "'/", "\"/", "'~/", "file:/"];

impl Input {
    pub(super) fn new(text: &str) -> Self {
        let mut input = Self {
            text: Zeroizing::new(String::with_capacity(MAX_INPUT_LEN_BYTES)),
            at: 0,
            mask: Mask::Nothing,
        };
        input.insert(text);
        input
    }

    pub(super) fn masked(mask: Mask) -> Self {
        Self { mask, ..Self::new("") }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.text.zeroize();
        self.at = 0;
    }

    /// Inserts text at the cursor; false, and nothing is, when there is no room for all of it.
    pub(super) fn insert(&mut self, text: &str) -> bool {
        if self.text.len() + text.len() > MAX_INPUT_LEN_BYTES {
            return false;
        }
        self.text.insert_str(self.at, text);
        self.at += text.len();
        true
    }

    /// Edits; false when the key is none of an editor's.
    pub(super) fn key(&mut self, key: KeyEvent) -> bool {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('u') if is_control => self.clear(),
            KeyCode::Char('a') if is_control => self.at = 0,
            KeyCode::Char('e') if is_control => self.at = self.text.len(),
            KeyCode::Char('w') if is_control => self.delete_word(),
            // What Backspace sends on some terminals.
            KeyCode::Char('h') if is_control => self.delete(self.before(), self.at),
            KeyCode::Char(_) if is_control || key.modifiers.contains(KeyModifiers::ALT) => return false,
            KeyCode::Char(typed) => {
                self.insert(typed.encode_utf8(&mut [0; 4]));
            }
            KeyCode::Backspace => self.delete(self.before(), self.at),
            KeyCode::Delete => self.delete(self.at, self.after()),
            KeyCode::Left => self.at = self.before(),
            KeyCode::Right => self.at = self.after(),
            KeyCode::Home => self.at = 0,
            KeyCode::End => self.at = self.text.len(),
            _ => return false,
        }
        true
    }

    fn before(&self) -> usize {
        let last = self.text[..self.at].chars().next_back();
        self.at - last.map_or(0, char::len_utf8)
    }

    fn after(&self) -> usize {
        let next = self.text[self.at..].chars().next();
        self.at + next.map_or(0, char::len_utf8)
    }

    fn delete_word(&mut self) {
        let before = self.text[..self.at].trim_end();
        let start = before.rfind(char::is_whitespace).map_or(0, |blank| {
            blank + before[blank..].chars().next().map_or(0, char::len_utf8)
        });
        self.delete(start, self.at);
    }

    fn delete(&mut self, from: usize, to: usize) {
        self.text.drain(from..to).for_each(drop);
        self.at = from;
    }

    /// The part around the cursor that fits into `width` columns, and the cursor's column in it.
    pub(super) fn shown(&self, width: usize) -> (Zeroizing<String>, u16) {
        let is_masked = match self.mask {
            Mask::Nothing => false,
            Mask::Everything => true,
            Mask::AllButPaths => !PATHS.iter().any(|start| self.text.starts_with(start)),
        };
        let seen = |c: char| match c {
            _ if is_masked => '•',
            '\n' => '↵',
            c if c.width().is_none() => '·',
            c => c,
        };
        let columns = |c: char| seen(c).width().unwrap_or(1);
        let mut column = 0;
        let mut start = self.at;
        for (at, c) in self.text[..self.at].char_indices().rev() {
            if column + columns(c) >= width.max(1) {
                break;
            }
            column += columns(c);
            start = at;
        }
        let mut shown = Zeroizing::new(String::with_capacity(4 * width));
        let mut used = 0;
        for c in self.text[start..].chars() {
            used += columns(c);
            if used > width {
                break;
            }
            shown.push(seen(c));
        }
        (shown, u16::try_from(column).unwrap_or(u16::MAX))
    }
}
