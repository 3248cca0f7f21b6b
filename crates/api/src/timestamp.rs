//! Timestamps on the wire (RFC 3339, UTC).

use std::{borrow::Cow, error, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type},
};

/// A point in time with milliseconds.
///
/// Written as RFC 3339 in UTC (`2026-11-21T04:45:00.000Z`). Read from RFC 3339 with any offset; finer fractions are
/// cut to milliseconds. Other dialects (no offset, no seconds, a time zone's name, a number) are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// 0000-01-01T00:00:00.000Z, the first that RFC 3339 can write.
const FIRST_MS: i64 = -62_167_219_200_000;
/// 9999-12-30T21:59:59.999Z, the last that can be written and read with every offset.
const LAST_MS: i64 = 253_402_207_199_999;

impl Timestamp {
    /// From milliseconds since 1970-01-01T00:00:00Z. Beyond the years 0 to 9999, which is all that RFC 3339 has, it
    /// stays at the first or the last of them.
    pub fn from_unix_ms(ms: i64) -> Self {
        Self(ms.clamp(FIRST_MS, LAST_MS))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn unix_ms(self) -> i64 {
        self.0
    }
}

impl From<i64> for Timestamp {
    fn from(unix_ms: i64) -> Self {
        Self::from_unix_ms(unix_ms)
    }
}

impl From<Timestamp> for i64 {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.unix_ms()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timestamp = jiff::Timestamp::from_millisecond(self.0).map_err(|_beyond_clamp| fmt::Error)?;
        write!(f, "{timestamp:.3}")
    }
}

/// The text is not a time of RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampError;

impl fmt::Display for TimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is not a time of RFC 3339, such as 2026-11-21T04:45:00Z")
    }
}

impl error::Error for TimestampError {}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        if !is_rfc3339(text.as_bytes()) {
            return Err(TimestampError);
        }
        let parsed: jiff::Timestamp = text.parse().map_err(|_no_such_time| TimestampError)?;
        let ms = parsed.as_nanosecond().div_euclid(1_000_000);
        i64::try_from(ms)
            .ok()
            .filter(|ms| (FIRST_MS..=LAST_MS).contains(ms))
            .map(Self)
            .ok_or(TimestampError)
    }
}

/// The form only, `YYYY-MM-DDTHH:MM:SS[.f](Z|±HH:MM)`; jiff, which reads more dialects, judges the numbers.
fn is_rfc3339(text: &[u8]) -> bool {
    const FORM: &[u8; 19] = b"0000-00-00T00:00:00";
    let follows = |text: &[u8], form: &[u8]| {
        text.len() == form.len()
            && text.iter().zip(form).all(|(byte, form)| match form {
                b'0' => byte.is_ascii_digit(),
                b'+' => matches!(byte, b'+' | b'-'),
                _ => byte.eq_ignore_ascii_case(form),
            })
    };
    let Some((date_time, rest)) = text.split_at_checked(FORM.len()) else {
        return false;
    };
    let offset = match rest {
        [b'.', fraction @ ..] => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if !(1..=9).contains(&digits) {
                return false;
            }
            &fraction[digits..]
        }
        _ => rest,
    };
    follows(date_time, FORM) && (follows(offset, b"Z") || follows(offset, b"+00:00"))
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Timestamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time of RFC 3339 as a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some(
                "RFC 3339; answers are in UTC with milliseconds, requests may carry any offset.",
            ))
            .examples(["2026-11-21T04:45:00.000Z"])
            .into()
    }
}

impl ToSchema for Timestamp {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Timestamp")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rfc_3339_and_writes_utc() {
        for (text, written) in [
            ("2026-11-21T04:45:00Z", "2026-11-21T04:45:00.000Z"),
            ("2026-11-21T12:45:00.5+08:00", "2026-11-21T04:45:00.500Z"),
            ("2026-11-20T23:15:00.123456789-05:30", "2026-11-21T04:45:00.123Z"),
            ("2026-11-21t04:45:00z", "2026-11-21T04:45:00.000Z"),
            ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000Z"),
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), written, "{text}");
        }
    }

    #[test]
    fn refuses_every_other_dialect() {
        for text in [
            "",
            "2026-11-21",
            "2026-11-21T04:45:00",
            "2026-11-21T04:45Z",
            "2026-11-21 04:45:00Z",
            "20261121T044500Z",
            "2026-11-21T04:45:00+08",
            "2026-11-21T04:45:00+0800",
            "2026-11-21T04:45:00Z[UTC]",
            "2026-11-21T04:45:00.Z",
            "2026-11-21T04:45:00,5Z",
            "2026-11-21T04:45:00.0000000000Z",
            "2026-02-30T04:45:00Z",
            "2026-11-21T25:00:00Z",
            "+002026-11-21T04:45:00Z",
            "００００-11-21T04:45:00Z",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(TimestampError), "{text}");
        }
    }

    #[test]
    fn stays_within_what_rfc_3339_has() {
        assert_eq!(
            Timestamp::from_unix_ms(i64::MIN).to_string(),
            "0000-01-01T00:00:00.000Z"
        );
        assert_eq!(
            Timestamp::from_unix_ms(i64::MAX).to_string(),
            "9999-12-30T21:59:59.999Z"
        );
        assert_eq!(i64::from(Timestamp::from(1_795_236_300_000)), 1_795_236_300_000);
    }
}
