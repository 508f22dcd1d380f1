//! Who a header is for ([`Recipient`]) and who can open it ([`Identity`]): X25519 and the hybrid
//! ML-KEM-768 with X25519. Plugins, which run foreign programs, are refused.

use std::fmt;
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::envelope::stanza::Stanza;
use crate::envelope::{Error, FileKey, Hash, bech32, hybrid, statement, x25519};
use crate::secrets::Secret;

const X25519_PREFIX: &str = "age";
const HYBRID_PREFIX: &str = "age1pq";
const X25519_IDENTITY_PREFIX: &str = "age-secret-key-";
const HYBRID_IDENTITY_PREFIX: &str = "age-secret-key-pq-";
const PLUGIN_IDENTITY_PREFIX: &str = "age-plugin-";

/// A public key that documents are sealed to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Recipient {
    /// `age1…`: X25519, which every age tool opens.
    X25519([u8; 32]),
    /// `age1pq1…`: ML-KEM-768 with X25519.
    Hybrid(Box<[u8; hybrid::PUBLIC_KEY_BYTES]>),
}

impl Recipient {
    /// True for `age1pq1…`.
    pub fn is_post_quantum(&self) -> bool {
        matches!(self, Self::Hybrid(_))
    }

    /// SHA-256 of the lower-case recipient string.
    pub fn fingerprint(&self) -> Hash {
        Hash::of(self.to_string().as_bytes())
    }

    pub(super) fn wrap(&self, key: &FileKey) -> Result<Stanza, Error> {
        match self {
            Self::X25519(public) => x25519::wrap(public, key),
            Self::Hybrid(public) => hybrid::wrap(public, key),
        }
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match self {
            Self::X25519(public) => bech32::encode(X25519_PREFIX, public),
            Self::Hybrid(public) => bech32::encode(HYBRID_PREFIX, public.as_slice()),
        })
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.to_string();
        write!(f, "Recipient({}…)", text.get(..16).unwrap_or(&text))
    }
}

impl FromStr for Recipient {
    type Err = Error;

    /// Accepts all lower or all upper case.
    fn from_str(text: &str) -> Result<Self, Error> {
        let (prefix, data) = bech32::decode(text).ok_or(Error::Recipient)?;
        match prefix.as_str() {
            X25519_PREFIX => {
                let public = data.as_slice().try_into().map_err(|_| Error::Recipient)?;
                x25519::check_public(&public)?;
                Ok(Self::X25519(public))
            }
            HYBRID_PREFIX => {
                let public: Box<[u8; hybrid::PUBLIC_KEY_BYTES]> =
                    data.to_vec().into_boxed_slice().try_into().map_err(|_| Error::Recipient)?;
                hybrid::check_public(&public)?;
                Ok(Self::Hybrid(public))
            }
            other if other.starts_with("age1") => Err(Error::Plugin),
            _ => Err(Error::Recipient),
        }
    }
}

impl From<&Recipient> for statement::Recipient {
    fn from(recipient: &Recipient) -> Self {
        Self(recipient.to_string())
    }
}

impl TryFrom<&statement::Recipient> for Recipient {
    type Error = Error;

    fn try_from(text: &statement::Recipient) -> Result<Self, Error> {
        text.0.parse()
    }
}

impl serde::Serialize for Recipient {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Recipient {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A private key that opens documents. Zeroized on drop, never shown by `Debug`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// `AGE-SECRET-KEY-1…`.
    X25519(Secret<32>),
    /// `AGE-SECRET-KEY-PQ-1…`.
    Hybrid(Secret<32>),
}

impl Identity {
    /// A new X25519 identity.
    pub fn random() -> Self {
        Self::X25519(Secret::random())
    }

    /// A new hybrid post-quantum identity.
    pub fn random_post_quantum() -> Self {
        Self::Hybrid(Secret::random())
    }

    /// The public half.
    pub fn recipient(&self) -> Recipient {
        match self {
            Self::X25519(scalar) => Recipient::X25519(x25519::public(scalar)),
            Self::Hybrid(seed) => Recipient::Hybrid(hybrid::public(seed)),
        }
    }

    /// The Bech32 text, upper case, as `age-keygen` writes it.
    pub fn to_secret_string(&self) -> Zeroizing<String> {
        let mut text = match self {
            Self::X25519(scalar) => bech32::encode(X25519_IDENTITY_PREFIX, scalar.expose()),
            Self::Hybrid(seed) => bech32::encode(HYBRID_IDENTITY_PREFIX, seed.expose()),
        };
        text.make_ascii_uppercase();
        text
    }

    /// The file key when `stanza` is for this identity.
    pub(super) fn unwrap(&self, stanza: &Stanza) -> Result<Option<FileKey>, Error> {
        match (self, stanza) {
            (Self::X25519(scalar), Stanza::X25519 { share, body }) => {
                x25519::unwrap(scalar, share, body)
            }
            (Self::Hybrid(seed), Stanza::Hybrid { enc, body }) => hybrid::unwrap(seed, enc, body),
            _ => Ok(None),
        }
    }

    /// Reads an identity file: one identity a line, empty lines and `#` comments allowed.
    ///
    /// # Errors
    /// [`Error::Identity`] for a line that is none and for a file without any,
    /// [`Error::Plugin`].
    pub fn parse_file(text: &str) -> Result<Vec<Self>, Error> {
        let identities = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::parse)
            .collect::<Result<Vec<Self>, _>>()?;
        if identities.is_empty() { Err(Error::Identity) } else { Ok(identities) }
    }
}

impl FromStr for Identity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (prefix, data) = bech32::decode(text).ok_or(Error::Identity)?;
        let secret = || Secret::from_slice(&data).ok_or(Error::Identity);
        match prefix.as_str() {
            X25519_IDENTITY_PREFIX => Ok(Self::X25519(secret()?)),
            HYBRID_IDENTITY_PREFIX => Ok(Self::Hybrid(secret()?)),
            other if other.starts_with(PLUGIN_IDENTITY_PREFIX) => Err(Error::Plugin),
            _ => Err(Error::Identity),
        }
    }
}
