//! Which part of a document a download asks for (RFC 9110 §14, §13.1.5). Pure.
//!
//! Refuses lists of ranges, and `bytes` ranges that are not exactly decimal digits: answering
//! the whole instead would let a client that resumes append the wrong bytes. Invariant: a
//! part lies inside the document, so what is sent never exceeds it.

use http::header::{IF_RANGE, RANGE};
use http::{HeaderMap, HeaderValue};

use super::problem::Problem;
use super::tus::decimal;

/// What to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// All of it, as 200.
    Whole,
    /// A part, as 206.
    Part {
        /// Offset of the first byte.
        first: u64,
        /// Bytes to send, at least one.
        length: u64,
    },
}

/// The range asked for is not one range inside the document: 416.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not one range inside the document")]
pub struct NotSatisfiable;

impl Selection {
    /// What the headers of a GET select of a document of `total` bytes whose strong `ETag` is
    /// `etag` (with its quotes); the problem is 416.
    pub fn of(headers: &HeaderMap, etag: &str, total: u64) -> Result<Self, Problem> {
        let mut conditions = headers.get_all(IF_RANGE).iter();
        // A date or a weak tag cannot vouch for single bytes; nor can two conditions.
        let stale = conditions.next().is_some_and(|tag| tag.as_bytes() != etag.as_bytes())
            || conditions.next().is_some();
        if stale {
            return Ok(Self::Whole);
        }
        let mut ranges = headers.get_all(RANGE).iter();
        let selection = match (ranges.next(), ranges.next()) {
            (None, _) => Ok(Self::Whole),
            (Some(range), None) => parse(range.as_bytes(), total),
            (Some(_), Some(_)) => Err(NotSatisfiable),
        };
        selection.map_err(|NotSatisfiable| Problem::range_not_satisfiable(total))
    }

    /// First byte and number of bytes of a document of `total` bytes.
    pub fn bounds(self, total: u64) -> (u64, u64) {
        match self {
            Self::Whole => (0, total),
            Self::Part { first, length } => (first, length),
        }
    }

    /// The `Content-Range` of a part of `total` bytes.
    pub fn content_range(self, total: u64) -> Option<HeaderValue> {
        let Self::Part { first, length } = self else { return None };
        let text = format!("bytes {first}-{}/{total}", first + length - 1);
        Some(HeaderValue::try_from(text).expect("digits are a header value"))
    }
}

/// Reads one `Range` value against `total` bytes. An unknown unit selects the whole, as
/// RFC 9110 §14.2 demands.
pub fn parse(value: &[u8], total: u64) -> Result<Selection, NotSatisfiable> {
    let text = std::str::from_utf8(value).map_err(|_| NotSatisfiable)?;
    let (unit, set) = text.split_once('=').ok_or(NotSatisfiable)?;
    if !unit.eq_ignore_ascii_case("bytes") {
        let token = !unit.is_empty() && unit.bytes().all(|b| b.is_ascii_alphanumeric());
        return if token { Ok(Selection::Whole) } else { Err(NotSatisfiable) };
    }
    let (first, last) = set.split_once('-').ok_or(NotSatisfiable)?;
    let number = |text| decimal(text).ok_or(NotSatisfiable);
    let (first, end) = match (first, last) {
        ("", suffix) => (total.saturating_sub(number(suffix)?), total),
        (first, "") => (number(first)?, total),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return Err(NotSatisfiable);
            }
            (first, total.min(last + 1))
        }
    };
    if first >= end {
        return Err(NotSatisfiable);
    }
    Ok(Selection::Part { first, length: end - first })
}

#[cfg(test)]
mod tests;
