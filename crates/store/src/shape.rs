//! The JSON of values of `otp` and `verify`, which know no serialisation, in a document's body.

use std::borrow::Cow;

use otp::{Algorithm, Digits, Parameters, Period};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use verify::{GuessMac, Kind, LongCount, Moving, Recent, Throttle, UnixMs};

/// Text that is not copied where it stands as it is; a [`Cow`] alone always copies.
#[derive(Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// A time, in milliseconds since 1970.
pub(crate) mod ms {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(time: &UnixMs, serializer: S) -> Result<S::Ok, S::Error> {
        time.get().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UnixMs, D::Error> {
        i64::deserialize(deserializer).map(UnixMs::new)
    }
}

/// A time that may be absent.
pub(crate) mod optional_ms {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(time: &Option<UnixMs>, serializer: S) -> Result<S::Ok, S::Error> {
        time.map(UnixMs::get).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<UnixMs>, D::Error> {
        Ok(Option::deserialize(deserializer)?.map(UnixMs::new))
    }
}

/// A place in the order of the trail, or none.
pub(crate) mod cursor {
    use super::*;
    use crate::audit::Cursor;

    pub(crate) fn serialize<S: Serializer>(cursor: &Option<Cursor>, serializer: S) -> Result<S::Ok, S::Error> {
        cursor.map(|Cursor(number)| number).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cursor>, D::Error> {
        Ok(Option::deserialize(deserializer)?.map(Cursor))
    }
}

/// Bytes of a fixed length, as hexadecimal digits.
pub(crate) mod hex {
    use data_encoding::HEXLOWER;

    use super::*;

    pub(crate) fn serialize<S: Serializer, const N: usize>(bytes: &[u8; N], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&HEXLOWER.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(deserializer: D) -> Result<[u8; N], D::Error> {
        let Text(text) = Text::deserialize(deserializer)?;
        let mut bytes = [0; N];
        let wrong = || de::Error::custom(format_args!("not {N} bytes in hexadecimal"));
        if text.len() != 2 * N {
            return Err(wrong());
        }
        HEXLOWER.decode_mut(text.as_bytes(), &mut bytes).map_err(|_| wrong())?;
        Ok(bytes)
    }
}

/// `virtual` or `hardware`.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Kind", rename_all = "snake_case")]
pub(crate) enum KindName {
    Virtual,
    Hardware,
}

/// `time` or `counter`; the first is left out.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Moving", rename_all = "snake_case")]
pub(crate) enum MovingName {
    Time,
    Counter,
}

/// What a document of before counter tokens is of.
pub(crate) fn by_time() -> Moving {
    Moving::Time
}

pub(crate) fn is_by_time(moving: &Moving) -> bool {
    *moving == Moving::Time
}

/// `{"algorithm": "SHA1", "digits": 6, "period_s": 30}`.
pub(crate) mod parameters {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Shape<'a> {
        #[serde(borrow)]
        algorithm: Cow<'a, str>,
        digits: u8,
        period_s: u32,
    }

    pub(crate) fn serialize<S: Serializer>(parameters: &Parameters, serializer: S) -> Result<S::Ok, S::Error> {
        let shape = Shape {
            algorithm: parameters.algorithm.name().into(),
            digits: parameters.digits.get(),
            period_s: parameters.period.get_s(),
        };
        shape.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Parameters, D::Error> {
        let shape = Shape::deserialize(deserializer)?;
        let algorithm = Algorithm::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == shape.algorithm);
        let parts = (algorithm, Digits::new(shape.digits), Period::new_s(shape.period_s));
        let (Some(algorithm), Some(digits), Some(period)) = parts else {
            return Err(de::Error::custom("no parameters of a code"));
        };
        Ok(Parameters {
            algorithm,
            digits,
            period,
        })
    }
}

/// Whether a budget is as one that nothing was counted in.
pub(crate) fn counts_nothing(budget: &Throttle) -> bool {
    *budget == Throttle::default()
}

/// A budget of wrong codes, each part by its name; what counts nothing is left out.
pub(crate) mod budget {
    use super::*;

    #[derive(Default, Serialize, Deserialize)]
    #[serde(default)]
    struct Shape {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        wrong_at_ms: Vec<i64>,
        #[serde(skip_serializing_if = "is_zero")]
        lock_count: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        locked_until_ms: Option<i64>,
        #[serde(skip_serializing_if = "is_zero")]
        since_success: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        last_wrong_mac: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        long_count: Option<Weeks>,
        #[serde(skip_serializing_if = "Option::is_none")]
        suspended_at_ms: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        lifted_weeks: Option<[Option<u32>; verify::LIFTS as usize]>,
    }

    #[derive(Serialize, Deserialize)]
    struct Weeks {
        newest_week: u32,
        counts: [u16; verify::WEEKS],
    }

    fn is_zero(count: &u32) -> bool {
        *count == 0
    }

    pub(crate) fn serialize<S: Serializer>(budget: &Throttle, serializer: S) -> Result<S::Ok, S::Error> {
        let LongCount { week, counts } = budget.long;
        let shape = Shape {
            wrong_at_ms: budget.recent.times().map(UnixMs::get).collect(),
            lock_count: budget.lock_count,
            locked_until_ms: budget.locked_until.map(UnixMs::get),
            since_success: budget.since_success,
            last_wrong_mac: budget.last_wrong.map(|GuessMac(mac)| mac),
            long_count: (budget.long != LongCount::default()).then_some(Weeks {
                newest_week: week,
                counts,
            }),
            suspended_at_ms: budget.suspended_at.map(UnixMs::get),
            lifted_weeks: budget.lifted.iter().any(Option::is_some).then_some(budget.lifted),
        };
        shape.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Throttle, D::Error> {
        let shape = Shape::deserialize(deserializer)?;
        let long = shape.long_count.map(|weeks| LongCount {
            week: weeks.newest_week,
            counts: weeks.counts,
        });
        Ok(Throttle {
            recent: Recent::of(shape.wrong_at_ms.into_iter().map(UnixMs::new)),
            lock_count: shape.lock_count,
            locked_until: shape.locked_until_ms.map(UnixMs::new),
            since_success: shape.since_success,
            last_wrong: shape.last_wrong_mac.map(GuessMac),
            long: long.unwrap_or_default(),
            suspended_at: shape.suspended_at_ms.map(UnixMs::new),
            lifted: shape.lifted_weeks.unwrap_or_default(),
        })
    }
}
