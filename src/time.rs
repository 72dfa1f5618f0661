//! Times as captures give them: nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted.

use std::fmt;
use std::ops::{Add, Sub};

use serde::{Serialize, Serializer};

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// A point in time, in nanoseconds since the Unix epoch (UTC). Reaches from 1677 to 2262; times beyond saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// A difference of two [`Timestamp`]s in nanoseconds; negative where time ran backwards in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub i64);

impl Timestamp {
    /// From seconds and nanoseconds since the epoch; `nanos` may exceed a second.
    pub fn from_parts(seconds: i64, nanos: i64) -> Self {
        Timestamp(seconds.saturating_mul(NANOS_PER_SECOND).saturating_add(nanos))
    }

    /// The time of day in UTC with milliseconds, `14:02:13.144`, for reports that name the date elsewhere.
    pub fn clock(self) -> String {
        self.format("%H:%M:%S.%3f")
    }

    /// Date and time in UTC to the second, `2026-11-24 14:02:13`.
    pub fn to_second(self) -> String {
        self.format("%Y-%m-%d %H:%M:%S")
    }

    fn format(self, pattern: &str) -> String {
        jiff::Timestamp::from_nanosecond(i128::from(self.0))
            .map_or_else(|_| format!("{} ns", self.0), |time| time.strftime(pattern).to_string())
    }
}

impl Span {
    /// A span of whole seconds.
    pub const fn from_secs(seconds: i64) -> Self {
        Span(seconds.saturating_mul(NANOS_PER_SECOND))
    }

    /// A span of whole milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Span(millis.saturating_mul(1_000_000))
    }

    /// The span in seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS_PER_SECOND as f64
    }

    /// The span in milliseconds.
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The length of the span, whatever its sign.
    pub fn abs(self) -> Self {
        Span(self.0.saturating_abs())
    }
}

impl Sub for Timestamp {
    type Output = Span;
    fn sub(self, earlier: Timestamp) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Span> for Timestamp {
    type Output = Timestamp;
    fn add(self, span: Span) -> Timestamp {
        Timestamp(self.0.saturating_add(span.0))
    }
}

/// RFC 3339 in UTC with nine digits: `2026-11-24T03:26:11.577452992Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.format("%Y-%m-%dT%H:%M:%S.%9fZ"))
    }
}

/// In seconds; a year is the Julian one.
const DAY: f64 = 86_400.0;
const YEAR: f64 = 365.25 * DAY;

/// As a person would say it: `0.4 ms`, `23 s`, `1 h 04 min`, `3 days`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.as_secs_f64();
        match seconds.abs() {
            s if s < 0.001 => write!(f, "{:.3} ms", seconds * 1e3),
            s if s < 0.9995 => write!(f, "{:.0} ms", seconds * 1e3),
            s if s < 9.95 => write!(f, "{seconds:.1} s"),
            s if s < 119.5 => write!(f, "{seconds:.0} s"),
            s if s < 3570.0 => write!(f, "{:.0} min", seconds / 60.0),
            s if s >= 2.0 * YEAR => write!(f, "{:.0} years", seconds / YEAR),
            s if s >= 2.0 * DAY => write!(f, "{:.0} days", seconds / DAY),
            _ => {
                let minutes = (seconds / 60.0).round() as i64;
                write!(f, "{} h {:02} min", minutes / 60, (minutes % 60).abs())
            }
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl schemars::JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "RFC 3339, UTC, nanoseconds"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Span, Timestamp};

    #[test]
    fn prints_utc_with_nanoseconds() {
        let time = Timestamp::from_parts(1_795_490_771, 577_452_992);
        assert_eq!(time.to_string(), "2026-11-24T03:26:11.577452992Z");
        assert_eq!(time.clock(), "03:26:11.577");
        assert_eq!(time.to_second(), "2026-11-24 03:26:11");
    }

    #[test]
    fn times_before_the_epoch_and_at_the_bounds_print() {
        assert_eq!(Timestamp(-1).to_string(), "1969-12-31T23:59:59.999999999Z");
        assert!(Timestamp(i64::MAX).to_string().starts_with("2262-"));
        assert_eq!(Timestamp::from_parts(i64::MAX, 1), Timestamp(i64::MAX));
    }

    #[test]
    fn spans_print_as_people_say_them() {
        for (span, text) in [
            (Span(400_000), "0.400 ms"),
            (Span::from_millis(23), "23 ms"),
            (Span::from_millis(3_200), "3.2 s"),
            (Span::from_secs(54), "54 s"),
            (Span::from_secs(600), "10 min"),
            (Span::from_secs(3_840), "1 h 04 min"),
            (Span::from_secs(47 * 3_600), "47 h 00 min"),
            (Span::from_secs(72 * 3_600), "3 days"),
            (Span::from_secs(385_736 * 3_600), "44 years"),
        ] {
            assert_eq!(span.to_string(), text);
        }
    }
}
