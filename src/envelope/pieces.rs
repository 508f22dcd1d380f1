//! Pieces: 16 chunks of a payload, the unit of hashing (format, "Document"). Piece 0 also holds
//! the nonce in front. Segments of stored objects end on piece boundaries.

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::envelope::stream::{CHUNK_BYTES, NONCE_BYTES, SEALED_CHUNK_BYTES};
use crate::envelope::{Error, Hash};

/// Chunks in a full piece.
pub const PIECE_CHUNKS: u64 = 16;
/// Payload bytes of a full piece; piece 0 has 16 more.
pub const PIECE_BYTES: u64 = PIECE_CHUNKS * SEALED_CHUNK_BYTES as u64;
/// Plaintext bytes of a full piece.
pub const PIECE_PLAINTEXT_BYTES: usize = PIECE_CHUNKS as usize * CHUNK_BYTES;

const NONCE: u64 = NONCE_BYTES as u64;
const LABEL: &[u8] = b"strongroom/v1/pieces\n";

/// How many pieces a payload of `payload_len` bytes has; at least one.
pub fn piece_count(payload_len: u64) -> u64 {
    payload_len.saturating_sub(NONCE).div_ceil(PIECE_BYTES).max(1)
}

/// The payload bytes of piece `index`, cut at `payload_len`; empty beyond the end.
pub fn piece_range(index: u64, payload_len: u64) -> Range<u64> {
    let boundary = |k: u64| match k {
        0 => 0,
        k => k.saturating_mul(PIECE_BYTES).saturating_add(NONCE).min(payload_len),
    };
    boundary(index)..boundary(index.saturating_add(1))
}

/// The piece that begins at payload byte `offset`, or `None` when none does.
pub fn piece_of_offset(offset: u64) -> Option<u64> {
    match offset {
        0 => Some(0),
        o => {
            let past = o.checked_sub(NONCE).filter(|p| *p > 0)?;
            past.is_multiple_of(PIECE_BYTES).then_some(past / PIECE_BYTES)
        }
    }
}

/// H("strongroom/v1/pieces\n" ‖ H(piece 0) ‖ H(piece 1) ‖ …).
pub fn combine_pieces(hashes: &[Hash]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(LABEL);
    for hash in hashes {
        hasher.update(hash.0);
    }
    Hash(hasher.finalize().into())
}

/// The hashes of all pieces of a payload, or of some that follow each other.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Pieces {
    /// One SHA-256 per piece, in order.
    pub hashes: Vec<Hash>,
}

impl Pieces {
    /// The value a manifest pins.
    pub fn combined(&self) -> Hash {
        combine_pieces(&self.hashes)
    }

    /// The hashes joined, 32 bytes each, as they are stored with segments and served.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.iter().flat_map(|hash| hash.0).collect()
    }

    /// Reads what [`Pieces::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`Error::PieceList`] when the length is no multiple of 32.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        if !rest.is_empty() {
            return Err(Error::PieceList);
        }
        Ok(Self { hashes: hashes.iter().map(|hash| Hash(*hash)).collect() })
    }
}

/// Hashes payload bytes piece by piece as they pass.
#[derive(Clone, Debug)]
pub struct PieceHasher {
    current: Sha256,
    wanted: u64,
    fed: u64,
    done: Vec<Hash>,
}

impl Default for PieceHasher {
    fn default() -> Self {
        Self::new()
    }
}

impl PieceHasher {
    /// Begins at the payload's first byte.
    pub fn new() -> Self {
        Self::starting_at(0)
    }

    /// Begins at the first byte of piece `index`.
    pub fn starting_at(index: u64) -> Self {
        let wanted = if index == 0 { PIECE_BYTES + NONCE } else { PIECE_BYTES };
        Self { current: Sha256::new(), wanted, fed: 0, done: Vec::new() }
    }

    /// Takes the next payload bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let left = usize::try_from(self.wanted - self.fed).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(bytes.len().min(left));
            self.current.update(now);
            self.fed += now.len() as u64;
            bytes = later;
            if self.fed == self.wanted {
                self.close_piece();
            }
        }
    }

    /// Bytes of the unfinished piece that were taken.
    pub fn pending_bytes(&self) -> u64 {
        self.fed
    }

    /// The hashes of the pieces that are full.
    pub fn full_pieces(&self) -> &[Hash] {
        &self.done
    }

    /// Ends the payload: the unfinished piece, if any, is the last.
    pub fn finish(mut self) -> Pieces {
        if self.fed > 0 {
            self.close_piece();
        }
        Pieces { hashes: self.done }
    }

    fn close_piece(&mut self) {
        let hash = std::mem::take(&mut self.current).finalize();
        self.done.push(Hash(hash.into()));
        self.fed = 0;
        self.wanted = PIECE_BYTES;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_sixteen_chunks_and_the_nonce() {
        assert_eq!(PIECE_BYTES, 1_048_832);
        let len = 16 + 2 * PIECE_BYTES + 5;
        assert_eq!(piece_count(len), 3);
        assert_eq!(piece_range(0, len), 0..1_048_848);
        assert_eq!(piece_range(1, len), 1_048_848..2_097_680);
        assert_eq!(piece_range(2, len), 2_097_680..len);
        assert!(piece_range(3, len).is_empty());
        assert_eq!(piece_count(32), 1);
        assert_eq!(piece_of_offset(0), Some(0));
        assert_eq!(piece_of_offset(1_048_848), Some(1));
        for inside in [1, 16, 1_048_832, 1_048_847, 1_048_849] {
            assert_eq!(piece_of_offset(inside), None, "{inside}");
        }
    }

    #[test]
    fn hashing_does_not_depend_on_how_bytes_arrive() {
        let payload: Vec<u8> = (0..2 * PIECE_BYTES + 100)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 11) as u8)
            .collect();
        let len = payload.len() as u64;
        let expected: Vec<Hash> = (0..piece_count(len))
            .map(|k| {
                let range = piece_range(k, len);
                Hash::of(&payload[range.start as usize..range.end as usize])
            })
            .collect();
        for step in [1000, 65_552, PIECE_BYTES as usize, payload.len()] {
            let mut hasher = PieceHasher::new();
            payload.chunks(step).for_each(|part| hasher.update(part));
            assert_eq!(hasher.finish().hashes, expected, "steps of {step}");
        }
        let mut later = PieceHasher::starting_at(1);
        later.update(&payload[piece_range(1, len).start as usize..]);
        let pieces = later.finish();
        assert_eq!(pieces.hashes, expected[1..]);
        assert_eq!(Pieces::from_bytes(&pieces.to_bytes()).expect("whole hashes"), pieces);
        assert!(Pieces::from_bytes(&[0; 33]).is_err());
    }
}
