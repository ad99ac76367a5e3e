//! A point in time: milliseconds since 1970 in UTC, written so that the order of the texts is the order of the times.

use chrono::{DateTime, Datelike, Timelike, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A point in time, in milliseconds since 1970 in UTC; between the years 0 and 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Text that is no point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a time such as `2026-01-31T08:00:00.000Z` (RFC 3339)")]
pub struct TimestampError;

impl Timestamp {
    /// `0000-01-01T00:00:00.000Z`.
    pub const MIN: Self = Self(-62_167_219_200_000);
    /// `9999-12-31T23:59:59.999Z`.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// From milliseconds since 1970; what lies beyond [`Timestamp::MIN`] or [`Timestamp::MAX`] becomes that.
    pub const fn from_millis(millis: i64) -> Self {
        if millis < Self::MIN.0 {
            Self::MIN
        } else if millis > Self::MAX.0 {
            Self::MAX
        } else {
            Self(millis)
        }
    }

    /// Milliseconds since 1970.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The day of the week in UTC, 1 for Monday to 7 for Sunday.
    pub const fn weekday(self) -> i64 {
        // The first of January 1970 was a Thursday.
        (self.0.div_euclid(86_400_000) + 3).rem_euclid(7) + 1
    }

    /// So many milliseconds later (earlier, where negative), within the bounds.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// The same instant as chrono has it.
    pub fn to_utc(self) -> DateTime<Utc> {
        // Within MIN and MAX chrono has every millisecond.
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// Reads RFC 3339 with any offset; what is finer than a millisecond is cut off.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let millis = DateTime::parse_from_rfc3339(text).map_err(|_| TimestampError)?.timestamp_millis();
        if !(Self::MIN.0..=Self::MAX.0).contains(&millis) {
            return Err(TimestampError);
        }
        Ok(Self(millis))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By hand: the interpreter of chrono's patterns is larger than all else that an edge needs of it.
        let time = self.to_utc();
        let (date, hour, minute, second) = (time.date_naive(), time.hour(), time.minute(), time.second());
        let millis = time.timestamp_subsec_millis();
        write!(
            f,
            "{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z",
            date.year(),
            date.month(),
            date.day()
        )
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "cli")]
impl schemars::JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "RFC 3339; kept in UTC with milliseconds.",
            "examples": ["2026-01-31T08:00:00.000Z"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        text.parse::<Timestamp>().unwrap().to_string()
    }

    #[test]
    fn weeks_begin_on_monday() {
        for (time, day) in [("1970-01-01T00:00:00Z", 4), ("2026-03-02T23:59:59.999Z", 1), ("1969-12-28T12:00:00Z", 7)] {
            assert_eq!(time.parse::<Timestamp>().unwrap().weekday(), day, "{time}");
        }
    }

    #[test]
    fn any_offset_and_precision_become_utc_milliseconds() {
        assert_eq!(written("2026-01-31T08:00:00Z"), "2026-01-31T08:00:00.000Z");
        assert_eq!(written("2026-01-31T08:00:00.123456+01:00"), "2026-01-31T07:00:00.123Z");
        assert_eq!(written("0000-01-01T00:00:00Z"), "0000-01-01T00:00:00.000Z");
    }

    #[test]
    fn the_bounds_are_what_their_text_says() {
        assert_eq!(Timestamp::MIN.to_string(), "0000-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::from_millis(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MIN.plus_millis(i64::MIN), Timestamp::MIN);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "2026-01-31", "2026-02-30T00:00:00Z", "2026-01-31T08:00:00", "9999-12-31T23:59:59-01:00"] {
            assert_eq!(text.parse::<Timestamp>(), Err(TimestampError), "{text}");
        }
    }
}
