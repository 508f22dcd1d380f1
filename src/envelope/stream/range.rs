//! Opening a part of a payload: only the chunks that hold it are read.

use std::ops::Range;

use crate::envelope::chunk::PayloadCipher;
use crate::envelope::stream::read_at::ReadAt;
use crate::envelope::stream::{CHUNK, NONCE, NONCE_BYTES, SEALED_CHUNK, plaintext_len};
use crate::envelope::{Error, FileKey, Nonce};

/// Opens ranges of one payload. Its existence means that the payload's end is authentic, so no
/// range is taken from a payload that was cut (C2SP age, "Payload").
pub struct RangeOpener<R> {
    payload: R,
    cipher: PayloadCipher,
    payload_len: u64,
    plaintext_len: u64,
}

impl<R: ReadAt> RangeOpener<R> {
    /// Begins with a payload of `payload_len` bytes: reads the nonce and verifies the last chunk.
    ///
    /// # Errors
    /// [`Error::Length`] for an impossible length, [`Error::Payload`], [`Error::Io`].
    pub fn new(key: &FileKey, payload: R, payload_len: u64) -> Result<Self, Error> {
        let plaintext_len = plaintext_len(payload_len).ok_or(Error::Length)?;
        let mut nonce = [0; NONCE_BYTES];
        payload.read_exact_at(&mut nonce, 0)?;
        let cipher = PayloadCipher::new(&key.payload_key(&Nonce(nonce)));
        let opener = Self { payload, cipher, payload_len, plaintext_len };
        opener.chunk(opener.last_chunk(), &mut Vec::new())?;
        Ok(opener)
    }

    /// Bytes of plaintext.
    pub fn plaintext_len(&self) -> u64 {
        self.plaintext_len
    }

    /// Appends the plaintext of `range` to `out`.
    ///
    /// # Errors
    /// [`Error::Length`] for a range beyond the end, [`Error::Payload`], [`Error::Io`]; nothing
    /// is appended then.
    pub fn open(&self, range: Range<u64>, out: &mut Vec<u8>) -> Result<(), Error> {
        if range.start > range.end || range.end > self.plaintext_len {
            return Err(Error::Length);
        }
        let start = out.len();
        let first = range.start / CHUNK;
        for index in first..range.end.div_ceil(CHUNK) {
            if let Err(error) = self.chunk(index, out) {
                out.truncate(start);
                return Err(error);
            }
        }
        let skip = usize::try_from(range.start - first * CHUNK).map_err(|_| Error::Length)?;
        let len = usize::try_from(range.end - range.start).map_err(|_| Error::Length)?;
        if len > 0 {
            out.copy_within(start + skip..start + skip + len, start);
        }
        out.truncate(start + len);
        Ok(())
    }

    fn last_chunk(&self) -> u64 {
        self.plaintext_len.div_ceil(CHUNK).max(1) - 1
    }

    fn chunk(&self, index: u64, out: &mut Vec<u8>) -> Result<(), Error> {
        let from = NONCE + index * SEALED_CHUNK;
        let len = SEALED_CHUNK.min(self.payload_len - from);
        let mut sealed = vec![0; usize::try_from(len).map_err(|_| Error::Length)?];
        self.payload.read_exact_at(&mut sealed, from)?;
        self.cipher.open_onto(index, index == self.last_chunk(), &sealed, out)
    }
}
