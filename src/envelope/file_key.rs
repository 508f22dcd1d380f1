//! The 16-byte file key and the 16-byte payload nonce, and what is derived from the two.

use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::AeadInOut;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::envelope::kdf::hkdf;
use crate::envelope::{Hash, Nonce};
use crate::secrets::{Secret, random_bytes};

const COMMIT_LABEL: &[u8] = b"strongroom/v1/commit";

/// The key of one age file (C2SP age, "File key"). Zeroized on drop, never shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileKey(Secret<16>);

impl FileKey {
    /// A new random key.
    pub fn random() -> Self {
        Self(Secret::random())
    }

    /// Takes over `bytes`, for keys that were unwrapped or journalled.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Secret::new(bytes))
    }

    /// From exactly 16 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        Secret::from_slice(bytes).map(Self)
    }

    /// The bytes, for wrapping and for the sender's journal.
    pub fn expose(&self) -> &[u8; 16] {
        self.0.expose()
    }

    /// The key of the payload that begins with `nonce` (C2SP age, "Payload").
    pub(in crate::envelope) fn payload_key(&self, nonce: &Nonce) -> Secret<32> {
        hkdf(self.expose(), &nonce.0, b"payload")
    }

    /// The commitment to this key for the payload that begins with `nonce`.
    pub fn commitment(&self, nonce: &Nonce) -> Hash {
        Hash(*hkdf(self.expose(), &nonce.0, COMMIT_LABEL).expose())
    }

    /// This key, sealed under a wrap key that is used with this nonce once.
    pub(in crate::envelope) fn wrap(&self, key: &Secret<32>, nonce: &[u8; 12]) -> [u8; 32] {
        let mut body = [0_u8; 32];
        let (text, tag) = body.split_at_mut(16);
        text.copy_from_slice(self.expose());
        let sealed = ChaCha20Poly1305::new(key.expose().into())
            .encrypt_inout_detached(nonce.into(), b"", text.into())
            .expect("16 bytes are shorter than ChaCha20's limit");
        tag.copy_from_slice(&sealed);
        body
    }

    /// Opens what [`FileKey::wrap`] sealed; `None` when it was sealed under another key.
    pub(in crate::envelope) fn unwrap(
        key: &Secret<32>,
        nonce: &[u8; 12],
        body: &[u8; 32],
    ) -> Option<Self> {
        let mut text = Zeroizing::new([0_u8; 16]);
        let tag: &[u8; 16] = body.last_chunk()?;
        text.copy_from_slice(body.first_chunk::<16>()?);
        ChaCha20Poly1305::new(key.expose().into())
            .decrypt_inout_detached(nonce.into(), b"", text.as_mut_slice().into(), tag.into())
            .ok()?;
        Some(Self(Secret::new(*text)))
    }

    /// HMAC-SHA-256 of a header under this key (C2SP age, "Header MAC").
    pub(in crate::envelope) fn header_mac(&self, header: &[u8]) -> Hmac<Sha256> {
        let key = hkdf(self.expose(), b"", b"header");
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key.expose())
            .expect("HMAC takes keys of any length");
        mac.update(header);
        mac
    }
}

impl Nonce {
    /// A new random nonce with which a payload does not begin like a known file type: such a
    /// payload would be refused as plaintext.
    pub fn random() -> Self {
        loop {
            let nonce: [u8; 16] = random_bytes();
            if !crate::envelope::looks_like_known_file(&nonce) {
                return Self(nonce);
            }
        }
    }
}

impl Serialize for Nonce {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Nonce {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
