//! Ed25519 keys that sign statements (RFC 8032), verified strictly.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::{KeyId, RootId, parse_hex};
use crate::secrets::Secret;

use super::codec::Error;

/// A public key, in lower-case hex where it is text. Any 32 bytes can stand here; only a
/// key that decodes verifies anything.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 32]);

impl PublicKey {
    /// The first 16 bytes of H(key).
    pub fn key_id(&self) -> KeyId {
        let digest: [u8; 32] = Sha256::digest(self.0).into();
        let mut id = [0_u8; 16];
        id.copy_from_slice(&digest[..16]);
        KeyId::from_bytes(id)
    }

    /// Whether `signature` over `message` is this key's, by the strict rules (no small-order
    /// keys, canonical encodings only).
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        VerifyingKey::from_bytes(&self.0)
            .is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse_hex(text).map(Self).map_err(|_| Error::Malformed)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What somebody knows of a firm's root key from elsewhere; 64 hex digits or 32, where it is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootKnown {
    /// All of it.
    Key(PublicKey),
    /// Its key id, as it stands on every recovery kit.
    Fingerprint(RootId),
}

impl RootKnown {
    /// Whether it is `root` that is known.
    pub fn is(self, root: PublicKey) -> bool {
        match self {
            Self::Key(key) => key == root,
            Self::Fingerprint(id) => id == root.key_id(),
        }
    }
}

impl FromStr for RootKnown {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.trim().to_ascii_lowercase();
        let key = digits.parse().map(Self::Key);
        key.or_else(|_| digits.parse().map(Self::Fingerprint))
            .map_err(|_| "64 hex digits of the root key, or 32 of its fingerprint")
    }
}

/// A private key. Zeroized when dropped, never shown.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// From the 32-byte seed of RFC 8032.
    pub fn from_seed(seed: &Secret<32>) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed.expose()))
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Its key id.
    pub fn key_id(&self) -> KeyId {
        self.public().key_id()
    }

    /// Signs `message`.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.key_id())
    }
}
