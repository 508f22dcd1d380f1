//! The sealed part of a document: what only its readers may know (format, "Document"). A second
//! age payload under the document's file key, with its own nonce.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::envelope::small::{open_payload, seal_payload};
use crate::envelope::{DocumentPins, Error, FileKey, Hash};
use crate::ids::DocumentId;

/// The most bytes of JSON a sealed part may have.
const MAX_JSON_BYTES: usize = 64 * 1024;

/// Name, kind and hash of the plaintext, and the sender's note. Bound to its document by id and
/// commitment, so it cannot be moved to another.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedPart {
    /// The document it belongs to.
    pub document: DocumentId,
    /// That document's commitment.
    pub commit: Hash,
    /// The file's name as the sender had it; untrusted text.
    pub name: String,
    /// Its media type as the sender guessed it; untrusted text, empty when unknown.
    #[serde(rename = "type")]
    pub media_type: String,
    /// Bytes of plaintext.
    pub size: u64,
    /// SHA-256 of the plaintext.
    pub sha256: Hash,
    /// What the sender wrote to the reader; empty when nothing.
    pub note: String,
}

impl std::fmt::Debug for SealedPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Names, notes and hashes of plaintext have no business in logs.
        write!(f, "SealedPart({})", self.document)
    }
}

impl SealedPart {
    /// The most bytes that a sealed part may have as it is stored.
    pub const MAX_BYTES: usize = MAX_JSON_BYTES + 2 * 16 + 16;

    /// Seals it under the document's `key` with a nonce of its own.
    ///
    /// # Errors
    /// [`Error::Length`] when name and note are longer than 64 KiB of JSON.
    pub fn seal(&self, key: &FileKey) -> Result<Vec<u8>, Error> {
        let json = Zeroizing::new(serde_json::to_vec(self).map_err(|_| Error::SealedPart)?);
        if json.len() > MAX_JSON_BYTES {
            return Err(Error::Length);
        }
        Ok(seal_payload(key, &json))
    }

    /// Opens the sealed part of the document that `pins` are of, whose pinned hash is `sealed`,
    /// without its payload: for listings. The commitment of `key` is checked before anything is
    /// opened.
    ///
    /// # Errors
    /// [`Error::Commitment`]; [`Error::SealedPart`] when the hash, the document or the commitment
    /// does not agree.
    pub fn open_pinned(
        key: &FileKey,
        pins: &DocumentPins,
        payload: &[u8],
        sealed: Hash,
    ) -> Result<Self, Error> {
        if key.commitment(&pins.nonce) != pins.commit {
            return Err(Error::Commitment);
        }
        if Hash::of(payload) != sealed {
            return Err(Error::SealedPart);
        }
        let part = Self::open(key, payload)?;
        if part.document != pins.document || part.commit != pins.commit {
            return Err(Error::SealedPart);
        }
        Ok(part)
    }

    /// Opens what [`SealedPart::seal`] made. The caller has checked hash and commitment; use
    /// [`crate::envelope::DocumentOpener::open_sealed_part`], which does.
    pub(super) fn open(key: &FileKey, payload: &[u8]) -> Result<Self, Error> {
        if payload.len() > Self::MAX_BYTES {
            return Err(Error::SealedPart);
        }
        let json = open_payload(key.clone(), payload).map_err(|_| Error::SealedPart)?;
        serde_json::from_slice(&json).map_err(|_| Error::SealedPart)
    }
}
