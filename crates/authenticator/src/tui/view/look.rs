//! Colours and widths.

use ratatui::style::{Color, Modifier, Style};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};
use zeroize::Zeroizing;

/// Below this many seconds a code is about to change.
const SOON_S: u32 = 5;

/// Only colours that themes keep readable on dark and on light, and never a colour alone: what matters is bold, or said.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub(super) has_colours: bool,
}

impl Look {
    pub(super) fn plain(self) -> Style {
        Style::new()
    }

    pub(super) fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub(super) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(super) fn bad(self) -> Style {
        self.coloured(self.strong(), Color::Red)
    }

    pub(super) fn good(self) -> Style {
        self.coloured(self.plain(), Color::Green)
    }

    pub(super) fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// The style of a code that stands for so long.
    pub(super) fn code(self, seconds_left: Option<u32>) -> Style {
        match seconds_left {
            Some(left) if left <= SOON_S => self.bad(),
            _ => self.coloured(self.strong(), Color::Green),
        }
    }

    fn coloured(self, style: Style, colour: Color) -> Style {
        match self.has_colours {
            true => style.fg(colour),
            false => style,
        }
    }
}

/// Columns that a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// The beginning that fits into `columns`, with an ellipsis where more was there.
pub(super) fn fit(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut fitting = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > columns {
            break;
        }
        fitting.push(c);
    }
    if columns > 0 {
        fitting.push('…');
    }
    fitting
}

/// The text cut to a width and filled up with blanks.
pub(super) fn pad(text: &str, columns: usize) -> String {
    let mut padded = fit(text, columns);
    let missing = columns.saturating_sub(padded.width());
    padded.extend(std::iter::repeat_n(' ', missing));
    padded
}

/// Punctuation that never begins a row.
const ENDS: &str = "。，、；：？！）";

/// A text in rows of at most `columns`: broken at blanks, and anywhere between wide characters, which have none.
pub(super) fn rows(text: &str, columns: usize) -> Vec<&str> {
    let mut rows = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (mut used, mut end, mut break_at) = (0, rest.len(), None);
        for (at, c) in rest.char_indices() {
            let width = c.width().unwrap_or(0);
            if c == ' ' || (width == 2 && at > 0 && !ENDS.contains(c)) {
                break_at = Some(at);
            }
            used += width;
            if used > columns.max(2) {
                end = break_at.unwrap_or(at);
                break;
            }
        }
        rows.push(rest[..end].trim_end());
        rest = rest[end..].trim_start();
    }
    rows
}

/// A code in two halves, as people read it; dots in its place when it is hidden.
pub(super) fn in_halves(code: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(2 * code.len() + 1));
    // Five characters, Steam's among them, are one piece.
    let half = if code.len() > 5 { code.len() / 2 } else { 0 };
    for (at, c) in code.chars().enumerate() {
        if at > 0 && at == half {
            text.push(' ');
        }
        text.push(c);
    }
    text
}

/// A bar for what is left of a period.
pub(super) fn bar(seconds_left: u32, period_s: u32, columns: usize) -> (String, String) {
    let full = (u64::from(seconds_left) * columns as u64).div_ceil(u64::from(period_s.max(1)));
    let full = usize::try_from(full).unwrap_or(columns).min(columns);
    ("━".repeat(full), "─".repeat(columns - full))
}
