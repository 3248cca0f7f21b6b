//! Serial numbers, counted from the first one.

use std::{fmt, str::FromStr};

/// `CS-000001`: a text that ends in a number of a fixed width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SerialNumber {
    prefix: String,
    number: u64,
    width: usize,
}

impl SerialNumber {
    /// The serial number that is so much further on; `None` where the digits run out.
    pub(super) fn plus(&self, count: u64) -> Option<Self> {
        let number = self.number.checked_add(count)?;
        let next = Self { number, ..self.clone() };
        (count == 0 || number.to_string().len() <= self.width).then_some(next)
    }
}

impl fmt::Display for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.prefix)?;
        // Without digits at its end it cannot be counted on.
        if self.width > 0 {
            write!(f, "{:0width$}", self.number, width = self.width)?;
        }
        Ok(())
    }
}

impl FromStr for SerialNumber {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The letters that a label, a display, a file name and a URL all have.
        let fit = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if !fit || text.is_empty() || text.starts_with('.') || text.len() > link::NAME_MAX_LEN_BYTES {
            return Err("a serial number has 1 to 32 letters, digits and - _ . and does not begin with a dot");
        }
        let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count().min(18);
        let (prefix, number) = text.split_at(text.len() - digits);
        Ok(Self {
            prefix: prefix.to_owned(),
            number: if number.is_empty() {
                0
            } else {
                number.parse().map_err(|_| "the number is too large")?
            },
            width: digits,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_in_their_width() {
        let first: SerialNumber = "CS-000001".parse().unwrap();
        assert_eq!(first.plus(0).unwrap().to_string(), "CS-000001");
        assert_eq!(first.plus(999).unwrap().to_string(), "CS-001000");
        let last: SerialNumber = "B7-98".parse().unwrap();
        assert_eq!(last.plus(1).unwrap().to_string(), "B7-99");
        assert_eq!(last.plus(2), None);
        let lone: SerialNumber = "alpha".parse().unwrap();
        assert_eq!(
            (lone.plus(0).unwrap().to_string(), lone.plus(1)),
            ("alpha".into(), None)
        );
    }

    #[test]
    fn what_a_label_or_a_path_cannot_have_is_refused() {
        for bad in ["", ".", "../x", "a b", "令牌1", &"9".repeat(33)] {
            assert!(bad.parse::<SerialNumber>().is_err(), "{bad}");
        }
        assert_eq!(
            "9".repeat(32).parse::<SerialNumber>().unwrap().to_string(),
            "9".repeat(32)
        );
    }
}
