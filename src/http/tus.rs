//! The headers of tus 1.0, strictly. Pure; what they mean is the documents' business.
//!
//! Refuses numbers that are not plain decimal digits, headers that come twice, other versions
//! and unknown checksums. Invariant: a length or offset that passes fits every client: at
//! most 2^53 − 1. Nothing is ever reserved from a number read here.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_LENGTH, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::api::codes;
use crate::api::uploads::{UploadMetadata, VERSION};

use super::problem::Problem;

/// `Tus-Resumable`.
pub const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
/// `Tus-Version`.
pub const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
/// `Tus-Extension`.
pub const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
/// `Tus-Max-Size`.
pub const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
/// `Tus-Checksum-Algorithm`.
pub const TUS_CHECKSUM_ALGORITHM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
/// `Upload-Length`.
pub const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
/// `Upload-Offset`.
pub const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
/// `Upload-Metadata`.
pub const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
/// `Upload-Checksum`.
pub const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
/// `Upload-Expires`.
pub const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
/// `Upload-Defer-Length`, which is never taken.
pub const UPLOAD_DEFER_LENGTH: HeaderName = HeaderName::from_static("upload-defer-length");
/// `Upload-Concat`, which is never taken.
pub const UPLOAD_CONCAT: HeaderName = HeaderName::from_static("upload-concat");

/// What this gateway offers. No concatenation, no deferred length.
pub const EXTENSIONS: &str = "creation,creation-with-upload,termination,expiration,checksum";
/// The checksums it knows.
pub const CHECKSUM_ALGORITHMS: &str = "sha256,sha1";

/// The largest number that every client, a browser included, can hold exactly.
pub const MAX_NUMBER: u64 = (1 << 53) - 1;

/// The longest metadata that is looked at, in bytes.
const MAX_METADATA_BYTES: usize = 4096;

/// Decimal digits alone, without sign or leading zeros, at most [`MAX_NUMBER`].
pub fn decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.len() <= 16 && text.bytes().all(|b| b.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0')) {
        return None;
    }
    text.parse().ok().filter(|number| *number <= MAX_NUMBER)
}

/// The one value of `name`, if there is one; 400 when there are more, or not text.
fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => match value.to_str() {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(misread(name)),
        },
        (Some(_), Some(_)) => Err(misread(name)),
    }
}

fn misread(name: &HeaderName) -> Problem {
    Problem::bad_request(format!("The header {name} is missing, there twice or malformed."))
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Result<u64, Problem> {
    single(headers, name)?.and_then(decimal).ok_or_else(|| misread(name))
}

/// `Upload-Length`; 400 when missing or malformed, 413 above `limit_bytes`.
pub fn upload_length(headers: &HeaderMap, limit_bytes: u64) -> Result<u64, Problem> {
    if headers.contains_key(UPLOAD_DEFER_LENGTH) || headers.contains_key(UPLOAD_CONCAT) {
        return Err(Problem::bad_request(
            "Say the length now; deferred lengths and concatenation are not offered.",
        ));
    }
    let length = number(headers, &UPLOAD_LENGTH)?;
    if length > limit_bytes { Err(Problem::too_large(limit_bytes)) } else { Ok(length) }
}

/// `Upload-Offset`; 400 when missing or malformed.
pub fn upload_offset(headers: &HeaderMap) -> Result<u64, Problem> {
    number(headers, &UPLOAD_OFFSET)
}

/// `Content-Length` where it is there; 400 when malformed.
pub fn content_length(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    match headers.contains_key(CONTENT_LENGTH) {
        true => number(headers, &CONTENT_LENGTH).map(Some),
        false => Ok(None),
    }
}

/// `Upload-Metadata` of a creation; 400 when it is not exactly what a creation says.
pub fn upload_metadata(headers: &HeaderMap) -> Result<UploadMetadata, Problem> {
    single(headers, &UPLOAD_METADATA)?
        .filter(|text| text.len() <= MAX_METADATA_BYTES)
        .and_then(|text| UploadMetadata::parse(text).ok())
        .ok_or_else(|| misread(&UPLOAD_METADATA))
}

/// Sees that the client speaks our version; 412 with `Tus-Version` otherwise (tus 1.0,
/// "Tus-Resumable").
pub fn require_version(headers: &HeaderMap) -> Result<(), Problem> {
    if single(headers, &TUS_RESUMABLE)? == Some(VERSION) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::PRECONDITION_FAILED,
        codes::TUS_VERSION,
        "Speak tus 1.0.0 and say so in Tus-Resumable.",
    )
    .with_header(TUS_VERSION, HeaderValue::from_static(VERSION)))
}

/// What a chunk must hash to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checksum {
    /// SHA-256.
    Sha256([u8; 32]),
    /// SHA-1, which tus demands of every server; against accidents alone.
    Sha1([u8; 20]),
}

impl Checksum {
    /// Whether `bytes` have this checksum.
    pub fn agrees(&self, bytes: &[u8]) -> bool {
        use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
        match self {
            Self::Sha256(expected) => digest(&SHA256, bytes).as_ref() == expected,
            Self::Sha1(expected) => digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref() == expected,
        }
    }
}

/// `Upload-Checksum`, `algorithm SP base64`; 400 for what it does not know.
pub fn upload_checksum(headers: &HeaderMap) -> Result<Option<Checksum>, Problem> {
    let Some(text) = single(headers, &UPLOAD_CHECKSUM)? else { return Ok(None) };
    checksum(text).map(Some).ok_or_else(|| misread(&UPLOAD_CHECKSUM))
}

/// Reads one checksum.
pub fn checksum(text: &str) -> Option<Checksum> {
    let (algorithm, value) = text.split_once(' ')?;
    if value.len() > 64 {
        return None;
    }
    let value = STANDARD.decode(value).ok()?;
    match algorithm {
        "sha256" => value.try_into().ok().map(Checksum::Sha256),
        "sha1" => value.try_into().ok().map(Checksum::Sha1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&HeaderName, &str)]) -> HeaderMap {
        list.iter().fold(HeaderMap::new(), |mut all, (name, value)| {
            all.append((*name).clone(), value.parse().expect("a header value"));
            all
        })
    }

    #[test]
    fn only_plain_numbers_are_lengths() {
        for (text, value) in
            [("0", 0), ("1", 1), ("4294967296", 1 << 32), ("9007199254740991", MAX_NUMBER)]
        {
            assert_eq!(decimal(text), Some(value));
        }
        let hostile = [
            "",
            "00",
            "01",
            "-1",
            "+1",
            "-0",
            "0x10",
            "1e3",
            "1.5",
            "1 ",
            " 1",
            "1,1",
            "1, 2",
            "１",
            "9007199254740992",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551615",
            "18446744073709551616",
            "a",
            "1a",
            "0b1",
            "1_0",
            "NaN",
            "Infinity",
            "null",
            "1;1",
            "\"1\"",
            "0000000000000000001",
        ];
        for text in hostile {
            assert_eq!(decimal(text), None, "{text}");
            for name in [&UPLOAD_LENGTH, &UPLOAD_OFFSET, &CONTENT_LENGTH] {
                let Ok(value) = HeaderValue::try_from(text) else { continue };
                let headers = HeaderMap::from_iter([(name.clone(), value)]);
                assert_eq!(number(&headers, name).expect_err(text).status().as_u16(), 400);
            }
        }
    }

    #[test]
    fn lengths_are_bounded_and_come_once() {
        let one = headers(&[(&UPLOAD_LENGTH, "10")]);
        assert_eq!(upload_length(&one, 10).ok(), Some(10));
        assert_eq!(upload_length(&one, 9).expect_err("413").status().as_u16(), 413);
        let twice = headers(&[(&UPLOAD_LENGTH, "10"), (&UPLOAD_LENGTH, "10")]);
        assert_eq!(upload_length(&twice, 10).expect_err("400").status().as_u16(), 400);
        for (name, value) in [(&UPLOAD_DEFER_LENGTH, "1"), (&UPLOAD_CONCAT, "partial")] {
            let other = headers(&[(&UPLOAD_LENGTH, "10"), (name, value)]);
            assert_eq!(upload_length(&other, 10).expect_err("400").status().as_u16(), 400);
        }
        assert!(upload_offset(&headers(&[])).is_err());
        assert_eq!(content_length(&headers(&[])).ok(), Some(None));
    }

    #[test]
    fn only_our_version_is_spoken() {
        assert!(require_version(&headers(&[(&TUS_RESUMABLE, "1.0.0")])).is_ok());
        for wrong in ["0.2.2", "1.0", "1.0.0 ", "2.0.0", ""] {
            let problem = require_version(&headers(&[(&TUS_RESUMABLE, wrong)]));
            assert_eq!(problem.expect_err(wrong).status().as_u16(), 412);
        }
        assert!(require_version(&headers(&[])).is_err());
    }

    #[test]
    fn checksums_have_their_length() {
        let of = |text: &str| upload_checksum(&headers(&[(&UPLOAD_CHECKSUM, text)]));
        let sha256 = format!("sha256 {}", STANDARD.encode([7; 32]));
        assert_eq!(of(&sha256).ok(), Some(Some(Checksum::Sha256([7; 32]))));
        let sha1 = format!("sha1 {}", STANDARD.encode([7; 20]));
        assert_eq!(of(&sha1).ok(), Some(Some(Checksum::Sha1([7; 20]))));
        let swapped = format!("sha1 {}", STANDARD.encode([7; 32]));
        for wrong in ["sha256", "sha256 ", "md5 AAAA", "sha256 !", &swapped, &sha256[..20]] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
        assert_eq!(upload_checksum(&headers(&[])).ok(), Some(None));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = (decimal(&text), checksum(&text));
        }
    }
}
