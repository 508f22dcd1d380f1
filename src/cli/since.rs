//! Points in time as people say them: a month, a day, a time, or a length back from now. Months
//! and days begin at midnight in China (UTC+8).

use crate::clock::Timestamp;

use super::error::Error;
use super::firm::duration_ms;
use super::partners::from_day;
use super::terminal::printable;
use super::words::Word;

/// The point in time that `text` names, as seen at `now`.
///
/// # Errors
/// [`Word::BadSince`].
pub(super) fn since(text: &str, now: Timestamp) -> Result<Timestamp, Error> {
    let text = text.trim();
    if let Ok(ms) = duration_ms(text) {
        return Ok(now.plus_ms(-ms));
    }
    let whole = match text.strip_suffix('Z') {
        Some(time) if time.contains('T') && !time.contains('.') => format!("{time}.000Z"),
        _ if text.len() == 7 => format!("{text}-01"),
        _ => text.to_owned(),
    };
    from_day(&whole).map_err(|_| Error::new(Word::BadSince).about(printable(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_days_times_and_lengths_are_points_in_time() {
        let now: Timestamp = "2026-11-24T16:40:00.000Z".parse().expect("a time");
        let read = |text: &str| since(text, now).map(|at| at.to_string());
        let good = [
            ("2026-11", "2026-10-31T16:00:00.000Z"),
            ("2026-11-24", "2026-11-23T16:00:00.000Z"),
            ("7d", "2026-11-17T16:40:00.000Z"),
            ("12h", "2026-11-24T04:40:00.000Z"),
            ("2026-11-24T16:40:00Z", "2026-11-24T16:40:00.000Z"),
            ("2026-11-24T16:40:00.250Z", "2026-11-24T16:40:00.250Z"),
        ];
        for (text, at) in good {
            assert_eq!(read(text).expect(text), at);
        }
        for bad in ["", "2026-13", "yesterday", "2026-11-31", "16:40", "-7d"] {
            assert_eq!(since(bad, now).expect_err(bad).code(), "bad_since");
        }
    }
}
