//! How values stand in columns: ids as text, hashes as blobs, an absent one as the empty text or
//! blob. Whatever else a column holds is [`Error::Corrupt`], named by its column.

use std::str::FromStr;

use super::engine::Error;

pub(super) fn corrupt(what: &'static str) -> Error {
    Error::Corrupt(what)
}

pub(super) fn parse<T: FromStr>(text: &str, what: &'static str) -> Result<T, Error> {
    text.parse().map_err(|_| corrupt(what))
}

pub(super) fn optional<T: FromStr>(text: &str, what: &'static str) -> Result<Option<T>, Error> {
    if text.is_empty() { Ok(None) } else { parse(text, what).map(Some) }
}

pub(super) fn bytes<const N: usize>(
    blob: &[u8],
    what: &'static str,
) -> Result<Option<[u8; N]>, Error> {
    if blob.is_empty() {
        return Ok(None);
    }

    blob.try_into().map(Some).map_err(|_| corrupt(what))
}

pub(super) fn unsigned(number: i64, what: &'static str) -> Result<u64, Error> {
    u64::try_from(number).map_err(|_| corrupt(what))
}

/// Lengths are bounded far below 2⁶³ before they come here.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
