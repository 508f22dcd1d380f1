//! Time, injected. Everything that asks for the time of day asks a [`Clock`], so tests can
//! set it and one place decides its resolution: milliseconds since the Unix epoch, UTC.
//!
//! A gateway's clock never goes behind what is known to have passed, restarts included, and what
//! jumps ahead of it is believed for refusing at once, for destroying only after a day.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

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

/// How far a device's clock may be ahead, in seconds: a day and more, for those that show the
/// local time as if it were UTC.
const SKEW_SECONDS: i64 = 26 * 3600;

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

    /// Whether a device could have signed this time while the gateway shows `now`. What is signed
    /// for the far future would outrank everything later for ever.
    pub fn is_plausible_at(self, now: Self) -> bool {
        self <= now.plus_secs(SKEW_SECONDS)
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
    /// The machine's clock, which never shows less than what is known to have passed.
    Steady(Arc<Steady>),
    /// A clock that stands still until it is set; for tests.
    Fixed(Arc<AtomicI64>),
}

/// What is known to have passed: a time that was noted, and what the machine has counted since.
#[derive(Debug)]
pub struct Steady {
    begun: Instant,
    /// Milliseconds since the epoch when it began, as far as that is certain.
    floor: AtomicI64,
    /// Since when the machine's clock has been ahead of what has passed.
    ahead_since: Mutex<Option<Instant>>,
}

/// The machine's clock may be ahead of what has passed by so much, in milliseconds: more is a
/// jump, or a time in which nobody counted.
const JUMP_MS: i64 = 3_600_000;
/// A jump that nobody takes back for so long is believed.
const BELIEVED_AFTER: Duration = Duration::from_secs(24 * 3600);

#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
fn system() -> Timestamp {
    let since =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(MAX_MS))
}

impl Steady {
    fn new(wall: Timestamp, noted: Option<Timestamp>) -> Self {
        let floor = AtomicI64::new(noted.unwrap_or(wall).as_ms());
        Self { begun: Instant::now(), floor, ahead_since: Mutex::default() }
    }

    fn passed(&self) -> i64 {
        let counted = i64::try_from(self.begun.elapsed().as_millis()).unwrap_or(MAX_MS);
        self.floor.load(Ordering::SeqCst).saturating_add(counted)
    }

    /// Follows `wall`, unless it has just jumped; what has passed by now.
    fn follow(&self, wall: Timestamp) -> Timestamp {
        let passed = self.passed();
        let ahead = wall.as_ms().saturating_sub(passed).max(0);
        let mut since = self.ahead_since.lock().unwrap_or_else(PoisonError::into_inner);
        let jumped =
            ahead > JUMP_MS && since.get_or_insert_with(Instant::now).elapsed() < BELIEVED_AFTER;
        if jumped {
            return Timestamp::from_ms(passed);
        }
        *since = None;
        self.floor.fetch_add(ahead, Ordering::SeqCst);
        Timestamp::from_ms(passed.saturating_add(ahead))
    }
}

impl Clock {
    /// A clock that stands at `at`.
    pub fn fixed(at: Timestamp) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(at.as_ms())))
    }

    /// The machine's clock from now on never shows less than `noted` and what has passed since;
    /// another clock stays what it is.
    #[must_use]
    pub fn steady(self, noted: Option<Timestamp>) -> Self {
        match self {
            Self::System => Self::Steady(Arc::new(Steady::new(system(), noted))),
            other => other,
        }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => system(),
            Self::Steady(steady) => system().max(Timestamp::from_ms(steady.passed())),
            Self::Fixed(ms) => Timestamp::from_ms(ms.load(Ordering::SeqCst)),
        }
    }

    /// What has certainly passed by now, to be noted for the next start. Behind [`Clock::now`]
    /// while that has jumped ahead.
    pub fn passed(&self) -> Timestamp {
        match self {
            Self::Steady(steady) => steady.follow(system()),
            Self::System | Self::Fixed(_) => self.now(),
        }
    }

    /// Whether the machine's clock is more than an hour ahead of what is known to have passed,
    /// and was not for a whole day: nothing may be destroyed on its word.
    pub fn is_doubtful(&self) -> bool {
        self.now().as_ms().saturating_sub(self.passed().as_ms()) > JUMP_MS
    }

    /// Moves a fixed clock by `ms`; does nothing to another.
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

    #[test]
    fn what_has_passed_follows_the_machine_and_no_jump() {
        let at = Timestamp::from_ms(1_800_000_000_000);
        let near = |time: Timestamp, ms: i64| (time.as_ms() - at.as_ms() - ms).abs() < 5_000;
        let steady = Steady::new(at, None);
        assert!(near(steady.follow(at.plus_secs(1800)), 1_800_000), "a clock that is set right");
        // Backwards it goes on from where it was.
        assert!(near(steady.follow(at.plus_secs(-86_400)), 1_800_000));
        assert!(near(steady.follow(Timestamp::EPOCH), 1_800_000));
        // Far ahead is not believed at once, and is forgotten when it is taken back.
        assert!(near(steady.follow(at.plus_secs(10 * 366 * 86_400)), 1_800_000));
        assert!(steady.ahead_since.lock().expect("no panic").is_some());
        assert!(near(steady.follow(at.plus_secs(1800)), 1_800_000));
        assert!(steady.ahead_since.lock().expect("no panic").is_none());
        // What was noted by an earlier run holds against a clock that stands before it.
        let noted = Steady::new(at, Some(at.plus_secs(7200)));
        assert!(near(noted.follow(at), 7_200_000));
        let clock = Clock::System.steady(Some(Clock::System.now().plus_secs(7200)));
        assert!(clock.now() >= Clock::System.now().plus_secs(7199) && !clock.is_doubtful());
        let behind = Clock::System.steady(Some(Clock::System.now().plus_secs(-7200)));
        assert!(behind.is_doubtful() && behind.now() <= Clock::System.now());
    }
}
