//! Time, injected. Everything that asks for the time of day asks a [`Clock`], so tests can
//! set it and one place decides its resolution: milliseconds since the Unix epoch, UTC.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// A moment: milliseconds since the Unix epoch, UTC. On the wire and in statements it is
/// RFC 3339 with exactly three fractional digits and `Z`, e.g. `2026-11-24T04:04:16.123Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The text is not an RFC 3339 UTC time with milliseconds.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a time such as 2026-11-24T04:04:16.123Z")]
pub struct ParseTimestampError;

/// Last moment that still has a four-digit year (9999-12-31T23:59:59.999Z).
const MAX_MS: i64 = 253_402_300_799_999;

impl Timestamp {
    /// The epoch itself; used where "always" is meant.
    pub const EPOCH: Self = Self(0);

    /// From milliseconds since the epoch, clamped to years 1970 to 9999.
    pub fn from_ms(ms: i64) -> Self {
        Self(ms.clamp(0, MAX_MS))
    }

    /// Milliseconds since the epoch.
    pub fn as_ms(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch.
    pub fn as_secs(self) -> i64 {
        self.0 / 1000
    }

    /// This moment and `ms` milliseconds (which may be negative).
    pub fn plus_ms(self, ms: i64) -> Self {
        Self::from_ms(self.0.saturating_add(ms))
    }

    /// This moment and `secs` seconds.
    pub fn plus_secs(self, secs: i64) -> Self {
        self.plus_ms(secs.saturating_mul(1000))
    }

    /// Calendar date and time in UTC.
    pub fn to_utc(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = self.to_utc();
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            t.year(),
            u8::from(t.month()),
            t.day(),
            t.hour(),
            t.minute(),
            t.second(),
            t.millisecond()
        )
    }
}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    /// Accepts the canonical form only, so that one moment has one text.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| ParseTimestampError)?;
        if parsed.offset() != UtcOffset::UTC {
            return Err(ParseTimestampError);
        }
        let ms = i64::try_from(parsed.unix_timestamp_nanos() / 1_000_000)
            .map_err(|_| ParseTimestampError)?;
        let stamp = Self::from_ms(ms);
        if stamp.to_string() == text { Ok(stamp) } else { Err(ParseTimestampError) }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Where the time comes from. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A clock that stands still until it is set; for tests.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `at`.
    pub fn fixed(at: Timestamp) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(at.as_ms())))
    }

    /// The time now.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => {
                let since = std::time::SystemTime::now()
                    .duration_since(std::time::UNIX_EPOCH)
                    .unwrap_or_default();
                Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(MAX_MS))
            }
            Self::Fixed(ms) => Timestamp::from_ms(ms.load(Ordering::SeqCst)),
        }
    }

    /// Moves a fixed clock by `ms`; does nothing to the system clock.
    pub fn advance_ms(&self, ms: i64) {
        if let Self::Fixed(now) = self {
            now.fetch_add(ms, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_moment_has_one_text() {
        let text = "2026-11-24T04:04:16.123Z";
        assert_eq!(text.parse::<Timestamp>().map(|t| t.to_string()), Ok(text.into()));
        for other in [
            "2026-11-24T04:04:16Z",
            "2026-11-24T04:04:16.1230Z",
            "2026-11-24T12:04:16.123+08:00",
            "2026-11-24t04:04:16.123Z",
            "2026-02-30T04:04:16.123Z",
            "",
        ] {
            assert_eq!(other.parse::<Timestamp>(), Err(ParseTimestampError), "{other}");
        }
    }
}
