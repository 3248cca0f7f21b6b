use core::{error, fmt, str};

use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{Digits, typed::significant};

/// More characters than this are not looked at: a code has eight digits at most, and nobody puts so
/// many blanks between them.
const MAX_CHARS: usize = 64;

/// A one-time password: a number and how many digits it is written with.
///
/// It opens a door while it lives. So it is wiped when dropped, cannot be printed by accident, and is
/// compared by [`ct_eq`](Self::ct_eq) only.
pub struct Code {
    value: u32,
    digits: Digits,
}

impl Code {
    /// Reads what people type and paste: decimal digits of any script, with blanks, dashes and invisible
    /// characters of any kind around and between them ([`typed`](crate::typed)). Leading zeros count.
    ///
    /// ```
    /// use countersign_otp::Code;
    ///
    /// let code = Code::parse(" 012\u{a0}\u{2013} ۳۴۵\u{200e}\n")?;
    /// assert_eq!(code.text(&mut [0; 8]), "012345");
    /// # Ok::<(), countersign_otp::ParseCodeError>(())
    /// ```
    ///
    /// # Errors
    /// The first thing wrong from the left. The work is bounded however long `typed` is: reading stops
    /// at the ninth digit or the 65th character, as [`TooLong`](ParseCodeError::TooLong).
    pub fn parse(typed: &str) -> Result<Self, ParseCodeError> {
        if let Some(code) = Self::of_ascii_digits(typed.as_bytes()) {
            return Ok(code);
        }
        let mut value = 0;
        let mut count = 0;
        let end = typed.char_indices().nth(MAX_CHARS).map(|(end, _)| end);
        for (_, character) in significant(&typed[..end.unwrap_or(typed.len())]) {
            let digit = character.to_digit(10).ok_or(ParseCodeError::NotADigit)?;
            if count == Digits::EIGHT.get() {
                return Err(ParseCodeError::TooLong);
            }
            value = value * 10 + digit;
            count += 1;
        }
        if end.is_some() {
            return Err(ParseCodeError::TooLong);
        }
        match (Digits::new(count), count) {
            (Some(digits), _) => Ok(Self { value, digits }),
            (None, 0) => Err(ParseCodeError::Empty),
            (None, _) => Err(ParseCodeError::TooShort),
        }
    }

    /// What most clients send: nothing but the digits.
    fn of_ascii_digits(typed: &[u8]) -> Option<Self> {
        let digits = Digits::new(u8::try_from(typed.len()).ok()?)?;
        let mut value = 0;
        for byte in typed {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            value = value * 10 + u32::from(digit);
        }
        Some(Self { value, digits })
    }

    /// From a truncated HMAC (RFC 4226 section 5.3).
    pub(crate) const fn from_truncated(truncated: u32, digits: Digits) -> Self {
        Self {
            value: digits.reduce(truncated),
            digits,
        }
    }

    /// The number of its digits; compare it to the device's
    /// [`Parameters::digits`](crate::Parameters::digits).
    pub const fn digits(&self) -> Digits {
        self.digits
    }

    /// True if both are the same digits, leading zeros included, in constant time.
    pub fn ct_eq(&self, other: &Self) -> Choice {
        self.value.ct_eq(&other.value) & self.digits.get().ct_eq(&other.digits.get())
    }

    /// True if a truncated HMAC gives these digits, in constant time.
    pub(crate) fn stands_at(&self, truncated: u32) -> Choice {
        self.digits.reduce(truncated).ct_eq(&self.value)
    }

    /// Its value, for a comparison in constant time.
    pub(crate) const fn value(&self) -> u32 {
        self.value
    }

    /// True if one digit differs from `other`, or two neighbours are swapped: what a person mistypes. Codes of
    /// different lengths never are. In constant time.
    ///
    /// ```
    /// use countersign_otp::Code;
    ///
    /// let shown = Code::parse("492039")?;
    /// assert!(bool::from(Code::parse("492 038")?.is_slip_of(&shown)));
    /// assert!(bool::from(Code::parse("942 039")?.is_slip_of(&shown)));
    /// assert!(!bool::from(Code::parse("492 039")?.is_slip_of(&shown)));
    /// # Ok::<(), countersign_otp::ParseCodeError>(())
    /// ```
    pub fn is_slip_of(&self, other: &Self) -> Choice {
        /// 1 where both are equal, 0 where not; the values are below 2^31.
        fn equal(one: u32, other: u32) -> u32 {
            (one ^ other).wrapping_sub(1) >> 31
        }
        let (mut ours, mut theirs) = (self.value, other.value);
        let (mut our_last, mut their_last) = (10, 10);
        let (mut different, mut swapped) = (0, 0);
        for _place in 0..Digits::EIGHT.get() {
            let (our, their) = (ours % 10, theirs % 10);
            let differ = 1 - equal(our, their);
            different += differ;
            swapped |= differ & equal(our, their_last) & equal(their, our_last);
            (our_last, their_last) = (our, their);
            (ours, theirs) = (ours / 10, theirs / 10);
        }
        let same_length = equal(self.digits.get().into(), other.digits.get().into());
        let slip = same_length & (equal(different, 1) | (equal(different, 2) & swapped));
        Choice::from(slip as u8)
    }

    /// The code as a number that no other code has: 29 bits.
    pub(crate) fn packed(&self) -> u64 {
        const VALUE_BITS: u32 = 27;
        u64::from(self.digits.get() - Digits::SIX.get()) << VALUE_BITS | u64::from(self.value)
    }

    /// Its digits, written to `buf`, whose wiping stays with the caller.
    pub fn text<'a>(&self, buf: &'a mut [u8; 8]) -> &'a str {
        let text = &mut buf[..usize::from(self.digits.get())];
        let mut rest = self.value;
        for byte in text.iter_mut().rev() {
            *byte = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        str::from_utf8(text).expect("ASCII digits are UTF-8")
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}

impl ZeroizeOnDrop for Code {}

/// Why something typed is no [`Code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseCodeError {
    /// Nothing but blanks, dashes and what cannot be seen.
    Empty,
    /// Fewer than six digits.
    TooShort,
    /// More than eight digits, or more than 64 characters.
    TooLong,
    /// A character that is seen, and neither a digit nor a blank nor a dash.
    NotADigit,
}

impl fmt::Display for ParseCodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the code is empty",
            Self::TooShort => "the code has fewer than 6 digits",
            Self::TooLong => "the code has more than 8 digits, or more than 64 characters",
            Self::NotADigit => "the code has a character that is not a digit",
        })
    }
}

impl error::Error for ParseCodeError {}
