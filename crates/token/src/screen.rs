//! The screens, as pictures.

use core::fmt::Write as _;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{
    MODEL, Picture, PortError, VERSION,
    draw::{centered, digits, fill, frame, text},
};

/// A screen: what the display shows.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Screen {
    Dark,
    Code {
        code: Shown,
        /// Of the period, what is left.
        left_s: u32,
        period_s: u32,
    },
    /// What is printed on the back.
    SerialNumber,
    /// Six digits that the desk compares.
    #[cfg(feature = "session")]
    Compare(Shown),
    #[cfg(feature = "session")]
    Connected,
    Blank,
    NotInUse,
    Wiped,
    /// The button is held: seconds until the secret is erased.
    Erasing {
        left_s: u32,
    },
    Error(Trouble),
}

/// Why there is no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Clock,
    Storage,
    Record,
}

impl From<PortError> for Trouble {
    fn from(PortError: PortError) -> Self {
        Self::Storage
    }
}

/// The text of a code while it is shown.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Shown {
    text: [u8; 8],
    len: usize,
}

impl Shown {
    pub(crate) fn new(digits: &str) -> Self {
        let mut text = [0; 8];
        let len = digits.len().min(8);
        text[..len].copy_from_slice(&digits.as_bytes()[..len]);
        Self { text, len }
    }

    #[cfg(feature = "session")]
    pub(crate) fn of_number(number: u32) -> Self {
        let mut text = Line::default();
        let _fits = write!(text, "{number:06}");
        Self::new(text.as_str())
    }

    fn as_str(&self) -> &str {
        self.text
            .get(..self.len)
            .and_then(|text| str::from_utf8(text).ok())
            .unwrap_or_default()
    }
}

/// The margins of a screen: battery, bar, trouble.
pub(crate) struct Surroundings<'a> {
    pub(crate) serial_number: &'a str,
    pub(crate) label: &'a str,
    pub(crate) battery_percent: u8,
}

/// Below this the battery should be changed, in per cent.
pub(crate) const BATTERY_LOW_PERCENT: u8 = 10;

impl Screen {
    pub(crate) fn draw(&self, around: &Surroundings<'_>) -> Picture {
        let mut picture = Picture::new();
        let to = &mut picture;
        match self {
            Self::Dark => {}
            Self::Code { code, left_s, period_s } => {
                let low = around.battery_percent < BATTERY_LOW_PERCENT;
                text(to, 0, 0, if low { "BATTERY LOW" } else { around.label });
                battery(to, around.battery_percent);
                digits(to, code.as_str());
                frame(to, 0, 56, Picture::WIDTH, 8);
                let width = (*left_s).min(*period_s) as usize * (Picture::WIDTH - 4) / (*period_s).max(1) as usize;
                fill(to, 2, 58, width, 4);
            }
            Self::SerialNumber => {
                centered(to, 8, "SERIAL NUMBER");
                let (first, rest) = split(around.serial_number);
                centered(to, 28, first);
                centered(to, 40, rest);
            }
            #[cfg(feature = "session")]
            Self::Compare(code) => {
                centered(to, 0, "SAME ON THE DESK?");
                digits(to, code.as_str());
                centered(to, 54, "YES: PRESS");
            }
            #[cfg(feature = "session")]
            Self::Connected => {
                centered(to, 20, "CONNECTED");
                centered(to, 34, "NOBODY COMPARES");
            }
            Self::Blank => {
                let mut line = Line::default();
                let _fits = write!(line, "{MODEL} {VERSION}");
                centered(to, 20, "NOT PROGRAMMED");
                centered(to, 34, line.as_str());
            }
            Self::NotInUse => {
                centered(to, 14, "NOT IN USE YET");
                let (first, rest) = split(around.serial_number);
                centered(to, 30, first);
                centered(to, 42, rest);
            }
            Self::Wiped => centered(to, 27, "ERASED"),
            Self::Erasing { left_s } => {
                let mut line = Line::default();
                let _fits = write!(line, "ERASES IN {left_s} S");
                centered(to, 20, line.as_str());
                centered(to, 34, "LET GO TO KEEP");
            }
            Self::Error(trouble) => {
                let (number, what) = match trouble {
                    Trouble::Clock => ("ERROR 1", "CLOCK STOPPED"),
                    Trouble::Storage => ("ERROR 2", "MEMORY FAILS"),
                    Trouble::Record => ("ERROR 3", "SECRET LOST"),
                };
                centered(to, 10, number);
                centered(to, 26, what);
                centered(to, 44, "GIVE IT BACK");
            }
        }
        picture
    }
}

/// Two lines of a serial number.
fn split(serial_number: &str) -> (&str, &str) {
    let at = serial_number.len().min(crate::draw::LINE_LEN);
    serial_number.split_at_checked(at).unwrap_or((serial_number, ""))
}

fn battery(to: &mut Picture, percent: u8) {
    let x = Picture::WIDTH - 16;
    frame(to, x, 1, 14, 7);
    fill(to, x + 14, 3, 2, 3);
    fill(to, x + 2, 3, usize::from(percent.min(100)) / 10, 3);
}

/// A line of letters that is put together.
#[derive(Default)]
struct Line {
    text: [u8; crate::draw::LINE_LEN],
    len: usize,
}

impl Line {
    fn as_str(&self) -> &str {
        self.text
            .get(..self.len)
            .and_then(|text| str::from_utf8(text).ok())
            .unwrap_or_default()
    }
}

impl core::fmt::Write for Line {
    fn write_str(&mut self, more: &str) -> core::fmt::Result {
        let end = self.len + more.len();
        let place = self.text.get_mut(self.len..end).ok_or(core::fmt::Error)?;
        place.copy_from_slice(more.as_bytes());
        self.len = end;
        Ok(())
    }
}
