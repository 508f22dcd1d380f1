//! Sealing a payload from plaintext that arrives in pieces of any size.

use zeroize::Zeroizing;

use crate::envelope::chunk::{CHUNK_BYTES, PayloadCipher};
use crate::envelope::{FileKey, Nonce};

/// Seals plaintext as it arrives. Holds back at most one chunk, because the last one is marked.
pub struct PayloadSealer {
    cipher: PayloadCipher,
    nonce: Option<Nonce>,
    index: u64,
    held: Zeroizing<Vec<u8>>,
}

impl PayloadSealer {
    /// Begins the payload of `key` and `nonce`, which must never have sealed anything else.
    pub fn new(key: &FileKey, nonce: &Nonce) -> Self {
        Self {
            cipher: PayloadCipher::new(&key.payload_key(nonce)),
            nonce: Some(*nonce),
            index: 0,
            held: Zeroizing::new(Vec::with_capacity(CHUNK_BYTES)),
        }
    }

    /// Takes the next plaintext and appends the payload bytes that are final to `out`.
    pub fn push(&mut self, mut plaintext: &[u8], out: &mut Vec<u8>) {
        self.begin(out);
        if !self.held.is_empty() {
            let (now, later) =
                plaintext.split_at(plaintext.len().min(CHUNK_BYTES - self.held.len()));
            self.held.extend_from_slice(now);
            plaintext = later;
            if plaintext.is_empty() {
                return;
            }
            // More follows, so the full chunk held is not the last.
            let held = std::mem::take(&mut self.held);
            self.seal(&held, false, out);
            self.held = held;
            self.held.clear();
        }
        while plaintext.len() > CHUNK_BYTES {
            let (chunk, rest) = plaintext.split_at(CHUNK_BYTES);
            self.seal(chunk, false, out);
            plaintext = rest;
        }
        self.held.extend_from_slice(plaintext);
    }

    /// Seals the last chunk and appends it to `out`.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        self.begin(out);
        let held = std::mem::take(&mut self.held);
        self.seal(&held, true, out);
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if let Some(nonce) = self.nonce.take() {
            out.extend_from_slice(&nonce.0);
        }
    }

    fn seal(&mut self, chunk: &[u8], last: bool, out: &mut Vec<u8>) {
        self.cipher.seal_onto(self.index, last, chunk, out);
        self.index += 1;
    }
}
