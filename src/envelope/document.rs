//! A document as a whole: sealed piece by piece so that sending can resume, opened piece by piece
//! so that nothing is released before commitment, list and piece agree with the manifest.

use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use crate::envelope::chunk::{CHUNK_BYTES, PayloadCipher, SEALED_CHUNK_BYTES};
use crate::envelope::pieces::{
    PIECE_CHUNKS, PIECE_PLAINTEXT_BYTES, Pieces, piece_count, piece_range,
};
use crate::envelope::stream::plaintext_len;
use crate::envelope::{Error, FileKey, Hash, Header, Nonce, Recipient, SealedPart};
use crate::ids::DocumentId;

/// Seals one document, piece after piece. Remembers the hash of every piece it sealed and refuses
/// to seal other bytes in its place: that would be a two-time pad.
pub struct DocumentSealer {
    key: FileKey,
    nonce: Nonce,
    cipher: PayloadCipher,
    sealed: Vec<Hash>,
}

impl DocumentSealer {
    /// Draws a file key and a nonce for a new document.
    pub fn new() -> Self {
        Self::resume(FileKey::random(), Nonce::random(), Vec::new())
    }

    /// Goes on with what a journal holds: key, nonce, and the hashes of the pieces that may have
    /// been sent.
    pub fn resume(key: FileKey, nonce: Nonce, sealed: Vec<Hash>) -> Self {
        let cipher = PayloadCipher::new(&key.payload_key(&nonce));
        Self { key, nonce, cipher, sealed }
    }

    /// The file key, for the journal.
    pub fn file_key(&self) -> &FileKey {
        &self.key
    }

    /// The nonce that the payload begins with.
    pub fn nonce(&self) -> Nonce {
        self.nonce
    }

    /// What binds the payload to the key.
    pub fn commitment(&self) -> Hash {
        self.key.commitment(&self.nonce)
    }

    /// A header for all recipients known at upload time.
    ///
    /// # Errors
    /// As [`Header::seal`].
    pub fn header(&self, recipients: &[Recipient]) -> Result<Header, Error> {
        Header::seal(&self.key, recipients)
    }

    /// Seals piece `index`, appends its payload bytes to `out` (the nonce first for piece 0) and
    /// returns their hash. `last` says that the plaintext ends with it. Write the hash to the
    /// journal before the bytes leave the machine.
    ///
    /// # Errors
    /// [`Error::Changed`], with nothing appended, when this piece was sealed before and came out
    /// differently; [`Error::Length`] for a piece out of order or of a wrong length.
    pub fn seal_piece(
        &mut self,
        index: u64,
        plaintext: &[u8],
        last: bool,
        out: &mut Vec<u8>,
    ) -> Result<Hash, Error> {
        let fits = match last {
            true => {
                plaintext.len() <= PIECE_PLAINTEXT_BYTES && (index == 0 || !plaintext.is_empty())
            }
            false => plaintext.len() == PIECE_PLAINTEXT_BYTES,
        };
        let at = usize::try_from(index).map_err(|_| Error::Length)?;
        if !fits || at > self.sealed.len() {
            return Err(Error::Length);
        }
        let start = out.len();
        if index == 0 {
            out.extend_from_slice(&self.nonce.0);
        }
        let chunks = plaintext.len().div_ceil(CHUNK_BYTES).max(1);
        for number in 0..chunks {
            let from = number * CHUNK_BYTES;
            let chunk = &plaintext[from..plaintext.len().min(from + CHUNK_BYTES)];
            let counter = index * PIECE_CHUNKS + number as u64;
            self.cipher.seal_onto(counter, last && number + 1 == chunks, chunk, out);
        }
        let hash = Hash::of(&out[start..]);
        match self.sealed.get(at) {
            None => self.sealed.push(hash),
            Some(before) if *before == hash => {}
            Some(_) => {
                out[start..].zeroize();
                out.truncate(start);
                return Err(Error::Changed);
            }
        }
        Ok(hash)
    }

    /// The hashes of the pieces sealed so far.
    pub fn pieces(&self) -> Pieces {
        Pieces { hashes: self.sealed.clone() }
    }

    /// Seals the sealed part under the document's key.
    ///
    /// # Errors
    /// As [`SealedPart::seal`]; [`Error::SealedPart`] when it names another commitment.
    pub fn seal_part(&self, part: &SealedPart) -> Result<Vec<u8>, Error> {
        if part.commit != self.commitment() {
            return Err(Error::SealedPart);
        }
        part.seal(&self.key)
    }
}

impl Default for DocumentSealer {
    fn default() -> Self {
        Self::new()
    }
}

/// What a verified manifest, adoption or share list says about a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentPins {
    /// The document's id.
    pub document: DocumentId,
    /// The payload's first 16 bytes.
    pub nonce: Nonce,
    /// Bytes of the payload.
    pub length: u64,
    /// The commitment.
    pub commit: Hash,
    /// The combined hash of the pieces.
    pub pieces: Hash,
}

/// Opens one document. Its existence means: commitment and list of pieces agree with the pins.
pub struct DocumentOpener {
    key: FileKey,
    pins: DocumentPins,
    pieces: Pieces,
    cipher: PayloadCipher,
    next: u64,
    size: u64,
    sha256: Sha256,
}

impl std::fmt::Debug for DocumentOpener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DocumentOpener").field("pins", &self.pins).finish_non_exhaustive()
    }
}

impl DocumentOpener {
    /// Checks the commitment of `key` first, then the list of piece hashes.
    ///
    /// # Errors
    /// [`Error::Commitment`], [`Error::Length`], [`Error::PieceList`].
    pub fn new(key: FileKey, pins: DocumentPins, pieces: Pieces) -> Result<Self, Error> {
        if key.commitment(&pins.nonce) != pins.commit {
            return Err(Error::Commitment);
        }
        if plaintext_len(pins.length).is_none() {
            return Err(Error::Length);
        }
        if pieces.hashes.len() as u64 != piece_count(pins.length)
            || pieces.combined() != pins.pieces
        {
            return Err(Error::PieceList);
        }
        let cipher = PayloadCipher::new(&key.payload_key(&pins.nonce));
        Ok(Self { key, pins, pieces, cipher, next: 0, size: 0, sha256: Sha256::new() })
    }

    /// The file key, for re-wrapping to others.
    pub fn file_key(&self) -> &FileKey {
        &self.key
    }

    /// Bytes of plaintext that the pinned length says.
    pub fn plaintext_len(&self) -> u64 {
        plaintext_len(self.pins.length).unwrap_or_default()
    }

    /// How many pieces there are.
    pub fn piece_count(&self) -> u64 {
        piece_count(self.pins.length)
    }

    /// The payload bytes of piece `index`.
    pub fn piece_range(&self, index: u64) -> std::ops::Range<u64> {
        piece_range(index, self.pins.length)
    }

    /// Opens the sealed part, whose pinned hash is `sealed`.
    ///
    /// # Errors
    /// [`Error::SealedPart`] when the hash, the document or the commitment does not agree.
    pub fn open_sealed_part(&self, payload: &[u8], sealed: Hash) -> Result<SealedPart, Error> {
        if Hash::of(payload) != sealed {
            return Err(Error::SealedPart);
        }
        let part = SealedPart::open(&self.key, payload)?;
        if part.document != self.pins.document || part.commit != self.pins.commit {
            return Err(Error::SealedPart);
        }
        Ok(part)
    }

    /// Opens piece `index`, out of order if need be, and appends its plaintext to `out`.
    ///
    /// # Errors
    /// [`Error::Piece`] when its hash does not agree; [`Error::Payload`] when it does but the
    /// bytes are not authentic. Nothing is appended then.
    pub fn open_piece(&self, index: u64, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let hash = usize::try_from(index).ok().and_then(|i| self.pieces.hashes.get(i));
        if hash != Some(&Hash::of(sealed)) {
            return Err(Error::Piece(index));
        }
        let range = piece_range(index, self.pins.length);
        if range.end - range.start != sealed.len() as u64 {
            return Err(Error::Piece(index));
        }
        let chunks = match index {
            0 => sealed.strip_prefix(self.pins.nonce.0.as_slice()).ok_or(Error::Payload)?,
            _ => sealed,
        };
        let start = out.len();
        let opened = self.open_chunks(index, chunks, range.end == self.pins.length, out);
        if opened.is_err() {
            out[start..].zeroize();
            out.truncate(start);
        }
        opened
    }

    fn open_chunks(
        &self,
        index: u64,
        sealed: &[u8],
        last: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let count = sealed.len().div_ceil(SEALED_CHUNK_BYTES);
        out.reserve(sealed.len());
        for (number, chunk) in sealed.chunks(SEALED_CHUNK_BYTES).enumerate() {
            let counter = index * PIECE_CHUNKS + number as u64;
            self.cipher.open_onto(counter, last && number + 1 == count, chunk, out)?;
        }
        Ok(())
    }

    /// Opens the next piece in order; what it appends counts towards [`DocumentOpener::finish`].
    ///
    /// # Errors
    /// As [`DocumentOpener::open_piece`].
    pub fn open_next_piece(&mut self, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let start = out.len();
        self.open_piece(self.next, sealed, out)?;
        self.next += 1;
        self.size += (out.len() - start) as u64;
        self.sha256.update(&out[start..]);
        Ok(())
    }

    /// The piece that [`DocumentOpener::open_next_piece`] takes next.
    pub fn next_piece(&self) -> u64 {
        self.next
    }

    /// Counts the plaintext of the next piece which an earlier run opened and kept. Sealed again
    /// it must have the hash that was pinned: what lay on a disk meanwhile is believed no more
    /// than what arrives.
    ///
    /// # Errors
    /// [`Error::Piece`] when it is not that piece's plaintext; nothing is counted then.
    pub fn take_up(&mut self, plaintext: &[u8]) -> Result<(), Error> {
        let last = self.next + 1 == self.piece_count();
        let mut sealed = Vec::with_capacity(PIECE_PLAINTEXT_BYTES + PIECE_PLAINTEXT_BYTES / 64);
        if self.next == 0 {
            sealed.extend_from_slice(&self.pins.nonce.0);
        }
        for number in 0..plaintext.len().div_ceil(CHUNK_BYTES).max(1) {
            let from = number * CHUNK_BYTES;
            let end = plaintext.len().min(from + CHUNK_BYTES);
            let counter = self.next * PIECE_CHUNKS + number as u64;
            let closes = last && end == plaintext.len();
            self.cipher.seal_onto(counter, closes, &plaintext[from..end], &mut sealed);
        }
        let pinned = usize::try_from(self.next).ok().and_then(|at| self.pieces.hashes.get(at));
        if pinned != Some(&Hash::of(&sealed)) {
            return Err(Error::Piece(self.next));
        }
        self.next += 1;
        self.size += plaintext.len() as u64;
        self.sha256.update(plaintext);
        Ok(())
    }

    /// After the last piece: the plaintext's hash, when it is what the sender wrote down. Only
    /// now may the file be renamed into place.
    ///
    /// # Errors
    /// [`Error::Plaintext`]; [`Error::Length`] before the last piece.
    pub fn finish(self, size: u64, sha256: Hash) -> Result<Hash, Error> {
        let (got_size, got) = self.finish_unnamed()?;
        if got_size == size && got == sha256 { Ok(got) } else { Err(Error::Plaintext) }
    }

    /// After the last piece of a document that nobody wrote a hash down for: size and hash.
    ///
    /// # Errors
    /// [`Error::Length`] before the last piece.
    pub fn finish_unnamed(self) -> Result<(u64, Hash), Error> {
        if self.next != self.piece_count() {
            return Err(Error::Length);
        }
        Ok((self.size, Hash(self.sha256.finalize().into())))
    }
}
