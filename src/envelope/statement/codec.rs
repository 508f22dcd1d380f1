//! The canonical text of a statement: `strongroom/v1/KIND LF`, then the listed keys, each
//! exactly once and in order, `key SP value LF`; an empty value is `-`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::ids::{
    ClientId, DocumentId, HandoverId, InvitationId, KeyId, LinkId, MemberId, PartnerId, RecoveryId,
    ShareId, parse_hex,
};

use super::key::PublicKey;
use super::words::{
    Basis, Category, Decision, Direction, Period, RevocationKind, Role, SealLevel, YesNo,
};

/// What every first line begins with.
pub const TYPE_PREFIX: &str = "strongroom/v1/";

/// The longest text that is read: a manifest with twenty recipients has about 3 KiB.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;

/// Why a statement was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a signed note, not canonical, or too long.
    #[error("this is not a well-formed statement")]
    Malformed,
    /// A statement of another kind than the one asked for.
    #[error("this is a statement of another kind")]
    WrongKind,
    /// The signature that is needed is missing or wrong.
    #[error("the signature does not verify")]
    Signature,
}

/// A SHA-256 hash, in lower-case hex where it is text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// H of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse_hex(text).map(Self).map_err(|_| Error::Malformed)
    }
}

impl Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// One kind of statement.
pub trait Statement: Sized {
    /// The word after `strongroom/v1/`.
    const KIND: &'static str;

    /// The canonical text, its first line and the final LF included.
    fn text(&self) -> String;

    /// Reads the canonical text and nothing else.
    fn from_text(text: &str) -> Result<Self, Error>;

    /// H of the text: what the `prev` of the next statement names.
    fn hash(&self) -> Hash {
        Hash::of(self.text().as_bytes())
    }
}

/// The kind a text claims to be, without reading the rest.
pub fn peek_kind(text: &str) -> Result<&str, Error> {
    text.lines().next().and_then(|l| l.strip_prefix(TYPE_PREFIX)).ok_or(Error::Malformed)
}

/// A value of one line. `None` is the empty value.
pub(super) trait Value: Sized {
    fn write(&self) -> Option<String>;
    fn read(value: Option<&str>) -> Result<Self, Error>;
}

macro_rules! value_by_text {
    ($($type:ty),* $(,)?) => {$(
        impl Value for $type {
            fn write(&self) -> Option<String> {
                Some(self.to_string())
            }
            fn read(value: Option<&str>) -> Result<Self, Error> {
                value.ok_or(Error::Malformed)?.parse().map_err(|_| Error::Malformed)
            }
        }
        impl Value for Option<$type> {
            fn write(&self) -> Option<String> {
                self.as_ref().map(ToString::to_string)
            }
            fn read(value: Option<&str>) -> Result<Self, Error> {
                value.map(|v| v.parse().map_err(|_| Error::Malformed)).transpose()
            }
        }
        impl Value for Vec<$type> {
            fn write(&self) -> Option<String> {
                let mut items: Vec<_> = self.iter().map(ToString::to_string).collect();
                items.sort_unstable();
                items.dedup();
                (!items.is_empty()).then(|| items.join(","))
            }
            fn read(value: Option<&str>) -> Result<Self, Error> {
                value.map_or(Ok(Vec::new()), |v| {
                    v.split(',').map(|item| item.parse().map_err(|_| Error::Malformed)).collect()
                })
            }
        }
    )*};
}

value_by_text!(
    ClientId,
    DocumentId,
    HandoverId,
    InvitationId,
    KeyId,
    LinkId,
    MemberId,
    RecoveryId,
    Hash,
    PublicKey,
    Timestamp,
    Role,
    Category,
    Direction,
    Period,
    SealLevel,
    YesNo,
    RevocationKind,
    u64,
    Nonce,
    Recipient,
    Word,
    Line,
    ShareId,
    PartnerId,
    Decision,
    Basis,
);

/// The 16-byte nonce of a payload, in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce(pub [u8; 16]);

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for Nonce {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse_hex(text).map(Self).map_err(|_| Error::Malformed)
    }
}

/// An age recipient as text, lower case (`age1…`); whether it is a good key is for the
/// envelope to say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Recipient(pub String);

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Recipient {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let rest = text.strip_prefix("age1").ok_or(Error::Malformed)?;
        let plain = rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if plain && !rest.is_empty() { Ok(Self(text.into())) } else { Err(Error::Malformed) }
    }
}

impl Recipient {
    /// H of the lower-case recipient string.
    pub fn fingerprint(&self) -> Hash {
        Hash::of(self.0.as_bytes())
    }
}

/// One word of printable ASCII without spaces, commas or a leading `-`: an action of an
/// audit entry, for instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Word(String);

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Word {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let plain = text.bytes().all(|b| b.is_ascii_graphic() && b != b',');
        if plain && !text.is_empty() && !text.starts_with('-') {
            Ok(Self(text.into()))
        } else {
            Err(Error::Malformed)
        }
    }
}

/// One line that people read, e.g. a purpose: no control characters, no space at its ends, at
/// most [`Line::MAX_BYTES`], and not the `-` that stands for nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line(String);

impl Line {
    /// The longest line, in bytes of UTF-8.
    pub const MAX_BYTES: usize = 500;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Line {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let plain = text.trim() == text && !text.chars().any(char::is_control);
        if plain && !text.is_empty() && text != "-" && text.len() <= Self::MAX_BYTES {
            Ok(Self(text.into()))
        } else {
            Err(Error::Malformed)
        }
    }
}

pub(super) fn write_line<V: Value>(out: &mut String, key: &str, value: &V) {
    out.push_str(key);
    out.push(' ');
    out.push_str(value.write().as_deref().unwrap_or("-"));
    out.push('\n');
}

pub(super) fn read_line<'a, V: Value>(
    lines: &mut impl Iterator<Item = &'a str>,
    key: &str,
) -> Result<V, Error> {
    let line = lines.next().ok_or(Error::Malformed)?;
    let value =
        line.strip_prefix(key).and_then(|rest| rest.strip_prefix(' ')).ok_or(Error::Malformed)?;
    if value.is_empty() {
        return Err(Error::Malformed);
    }
    V::read((value != "-").then_some(value))
}
