//! Opening a payload that arrives in pieces of any size.

use crate::envelope::chunk::{PayloadCipher, SEALED_CHUNK_BYTES, TAG_BYTES};
use crate::envelope::stream::NONCE_BYTES;
use crate::envelope::{Error, FileKey, Nonce};

/// Opens a payload as it arrives, nonce first. Holds back at most one sealed chunk, because only
/// the end of the input tells which chunk is the last.
pub struct PayloadOpener {
    key: FileKey,
    cipher: Option<PayloadCipher>,
    index: u64,
    held: Vec<u8>,
    failed: bool,
}

impl PayloadOpener {
    /// Begins a payload that was sealed with `key`.
    pub fn new(key: FileKey) -> Self {
        Self { key, cipher: None, index: 0, held: Vec::new(), failed: false }
    }

    /// Takes the next payload bytes and appends the plaintext that is authentic to `out`. After
    /// an error `out` still holds only authentic plaintext and the opener refuses everything.
    ///
    /// # Errors
    /// [`Error::Payload`].
    pub fn push(&mut self, mut sealed: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        if self.failed {
            return Err(Error::Payload);
        }
        if self.cipher.is_none() {
            sealed = self.hold(sealed, NONCE_BYTES);
            let Ok(nonce) = <[u8; NONCE_BYTES]>::try_from(self.held.as_slice()) else {
                return Ok(());
            };
            let key = self.key.payload_key(&Nonce(nonce));
            self.cipher = Some(PayloadCipher::new(&key));
            self.held.clear();
        }
        if !self.held.is_empty() {
            sealed = self.hold(sealed, SEALED_CHUNK_BYTES);
            if sealed.is_empty() {
                return Ok(());
            }
            let held = std::mem::take(&mut self.held);
            self.open_followed(&held, out)?;
            self.held = held;
            self.held.clear();
        }
        while sealed.len() > SEALED_CHUNK_BYTES {
            let (chunk, rest) = sealed.split_at(SEALED_CHUNK_BYTES);
            self.open_followed(chunk, out)?;
            sealed = rest;
        }
        self.held.extend_from_slice(sealed);
        Ok(())
    }

    /// Opens the last chunk and appends it to `out`.
    ///
    /// # Errors
    /// [`Error::Payload`]; [`Error::HeaderTruncated`] when not even the nonce arrived.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        if self.failed {
            return Err(Error::Payload);
        }
        if self.cipher.is_none() {
            return Err(Error::HeaderTruncated);
        }
        let held = std::mem::take(&mut self.held);
        if held.len() == TAG_BYTES && self.index > 0 {
            return Err(Error::Payload);
        }
        self.open(&held, true, out).inspect_err(|_| {
            if held.len() == SEALED_CHUNK_BYTES {
                // A chunk whose followers were cut off is authentic itself and is released.
                let _ = self.open(&held, false, out);
            }
        })
    }

    /// Fills `held` up to `len` bytes; returns what is left of `sealed`.
    fn hold<'a>(&mut self, sealed: &'a [u8], len: usize) -> &'a [u8] {
        let (now, later) = sealed.split_at(sealed.len().min(len - self.held.len()));
        self.held.extend_from_slice(now);
        later
    }

    /// Opens a full chunk that is followed by more bytes.
    fn open_followed(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        match self.open(chunk, false, out) {
            Ok(()) => Ok(()),
            Err(error) => {
                // Is it the last chunk with something behind it? Its plaintext is authentic and
                // is released; what follows makes the payload bad all the same.
                let _ = self.open(chunk, true, out);
                self.failed = true;
                Err(error)
            }
        }
    }

    fn open(&mut self, chunk: &[u8], last: bool, out: &mut Vec<u8>) -> Result<(), Error> {
        let cipher = self.cipher.as_ref().ok_or(Error::Payload)?;
        cipher.open_onto(self.index, last, chunk, out)?;
        self.index += 1;
        Ok(())
    }
}
