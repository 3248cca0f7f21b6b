//! The words of the demo: headings and paragraphs, wrapped at blanks to the width of the terminal.

use std::{
    fmt::Display,
    io::{self, IsTerminal as _},
};

use crate::{Failure, commands::print_picture, real};

/// Where there is no terminal to ask.
const WIDTH: usize = 80;
/// Longer lines are hard to read.
const WIDTH_MAX: usize = 100;

const INDENT: &str = "   ";

/// The heading of a step.
pub(super) fn step(number: u8, title: &str) -> Result<(), Failure> {
    if has_colours() {
        print_picture(format_args!("\n\x1b[1m{number}  {title}\x1b[0m"))
    } else {
        tell!("\n{number}  {title}")
    }
}

/// Indented paragraphs, one a line.
pub(super) fn say(words: impl Display) -> Result<(), Failure> {
    told(INDENT, words)
}

/// Paragraphs from the first column on.
pub(super) fn say_flush(words: impl Display) -> Result<(), Failure> {
    told("", words)
}

fn told(indent: &str, words: impl Display) -> Result<(), Failure> {
    let width = width().saturating_sub(indent.len());
    for paragraph in words.to_string().lines() {
        wrapped(paragraph, width)
            .iter()
            .try_for_each(|line| tell!("{indent}{line}"))?;
    }
    Ok(())
}

pub(super) fn has_colours() -> bool {
    !real::no_color() && io::stdout().is_terminal()
}

fn width() -> usize {
    let columns = terminal_size::terminal_size_of(io::stdout()).map(|(columns, _)| usize::from(columns.0));
    // 0: a terminal that does not know.
    columns
        .filter(|columns| *columns > 0)
        .map_or(WIDTH, |columns| columns.min(WIDTH_MAX))
}

/// Lines of up to so many characters, broken at blanks; a longer word has a line of its own.
fn wrapped(paragraph: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in paragraph.split_inclusive(' ') {
        let needed = line.chars().count() + word.trim_end().chars().count();
        if needed > width && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        line.push_str(word);
    }
    lines.push(line);
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn lines_break_at_blanks_and_keep_what_is_between_words() {
        for (paragraph, width, lines) in [
            ("one two three", 9, &["one two", "three"][..]),
            ("one two three", 7, &["one two", "three"]),
            ("123456  refused   used", 80, &["123456  refused   used"]),
            (
                "see countersign-demo-Xy7/data now",
                10,
                &["see", "countersign-demo-Xy7/data", "now"],
            ),
            ("ä ö ü", 3, &["ä ö", "ü"]),
            ("", 9, &[""]),
        ] {
            assert_eq!(wrapped(paragraph, width), lines, "{paragraph:?} at {width}");
        }
    }
}
