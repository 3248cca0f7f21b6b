/// A moment as a real-time clock chip counts it: UTC, Gregorian, in the years 2000 to 2099.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// Years since 2000.
    pub year: u8,
    /// January is 1.
    pub month: u8,
    /// The first is 1.
    pub day: u8,
    /// Sunday is 1.
    pub weekday: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

/// Not a moment of the years 2000 to 2099.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange;

const DAY_S: u64 = 86_400;
/// 1970 to 2000.
const DAYS_BEFORE_2000: u64 = 10_957;
const MONTH_DAYS: [u8; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

impl Calendar {
    /// The moment that is this long after 1970.
    pub fn from_unix_s(unix_s: u64) -> Result<Self, OutOfRange> {
        let days = (unix_s / DAY_S).checked_sub(DAYS_BEFORE_2000).ok_or(OutOfRange)?;
        let weekday = small((days + 6) % 7 + 1)?; // 2000 began on a Saturday
        let mut year = 0;
        let mut left = days;
        while left >= year_days(year) {
            left -= year_days(year);
            year += 1;
            if year > 99 {
                return Err(OutOfRange);
            }
        }
        let mut month = 1;
        while left >= u64::from(month_days(year, month)?) {
            left -= u64::from(month_days(year, month)?);
            month += 1;
        }
        Ok(Self {
            year,
            month,
            day: small(left + 1)?,
            weekday,
            hour: small(unix_s / 3_600 % 24)?,
            minute: small(unix_s / 60 % 60)?,
            second: small(unix_s % 60)?,
        })
    }

    /// Seconds since 1970; the weekday does not matter. A chip that counts nonsense is out of range.
    pub fn unix_s(&self) -> Result<u64, OutOfRange> {
        let in_range = self.year <= 99 && self.hour < 24 && self.minute < 60 && self.second < 60;
        if !in_range || self.day == 0 || self.day > month_days(self.year, self.month)? {
            return Err(OutOfRange);
        }
        let mut days = DAYS_BEFORE_2000 + u64::from(self.day - 1);
        days += (0..self.year).map(year_days).sum::<u64>();
        for month in 1..self.month {
            days += u64::from(month_days(self.year, month)?);
        }
        let minutes = u64::from(self.hour) * 60 + u64::from(self.minute);
        Ok(days * DAY_S + minutes * 60 + u64::from(self.second))
    }
}

fn year_days(year: u8) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn month_days(year: u8, month: u8) -> Result<u8, OutOfRange> {
    let index = usize::from(month).checked_sub(1).ok_or(OutOfRange)?;
    let days = *MONTH_DAYS.get(index).ok_or(OutOfRange)?;
    Ok(if month == 2 && is_leap(year) { 29 } else { days })
}

/// From 2000 to 2099 every fourth one is.
fn is_leap(year: u8) -> bool {
    year.is_multiple_of(4)
}

fn small(number: u64) -> Result<u8, OutOfRange> {
    u8::try_from(number).map_err(|_| OutOfRange)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn known_moments() {
        #[rustfmt::skip]
        let moments = [
            (946_684_800, (0, 1, 1, 7, 0, 0, 0)),
            (1_111_111_109, (5, 3, 18, 6, 1, 58, 29)), // RFC 6238 appendix B
            (1_709_164_800, (24, 2, 29, 5, 0, 0, 0)),
            (2_000_000_000, (33, 5, 18, 4, 3, 33, 20)),
            (4_102_444_799, (99, 12, 31, 5, 23, 59, 59)),
        ];
        for (unix_s, (year, month, day, weekday, hour, minute, second)) in moments {
            let calendar = Calendar {
                year,
                month,
                day,
                weekday,
                hour,
                minute,
                second,
            };
            assert_eq!(Calendar::from_unix_s(unix_s), Ok(calendar));
            assert_eq!(calendar.unix_s(), Ok(unix_s));
        }
    }

    #[test]
    fn every_day_there_and_back() {
        for unix_s in (946_684_800..4_102_444_800).step_by(86_399) {
            assert_eq!(Calendar::from_unix_s(unix_s).unwrap().unix_s(), Ok(unix_s));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(Calendar::from_unix_s(946_684_799), Err(OutOfRange));
        assert_eq!(Calendar::from_unix_s(4_102_444_800), Err(OutOfRange));
        let good = Calendar::from_unix_s(1_700_000_000).unwrap();
        for wrong in [
            Calendar { month: 0, ..good },
            Calendar { month: 13, ..good },
            Calendar { day: 0, ..good },
            Calendar { day: 31, ..good },
            Calendar { hour: 24, ..good },
            Calendar { second: 85, ..good },
        ] {
            assert_eq!(wrong.unix_s(), Err(OutOfRange));
        }
    }
}
