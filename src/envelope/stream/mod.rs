//! The payload (C2SP age, "Payload"): a nonce, then the STREAM of sealed 64 KiB chunks.
//!
//! Three ways through it: bytes pushed in order ([`PayloadSealer`], [`PayloadOpener`]), a reader
//! and a writer on all cores ([`pipeline`]), and files by offset on all cores ([`files`]); and
//! [`RangeOpener`] for a part of it. All give the same bytes. Nothing is released before its
//! chunk is authentic; an end without the mark of the last chunk is an error.

mod open;
mod seal;

pub use crate::envelope::chunk::{CHUNK_BYTES, SEALED_CHUNK_BYTES, TAG_BYTES};
pub use open::PayloadOpener;
pub use seal::PayloadSealer;

/// Bytes of the nonce that a payload begins with.
pub const NONCE_BYTES: usize = 16;

const CHUNK: u64 = CHUNK_BYTES as u64;
const SEALED_CHUNK: u64 = SEALED_CHUNK_BYTES as u64;
const NONCE: u64 = NONCE_BYTES as u64;
const TAG: u64 = TAG_BYTES as u64;

/// Bytes of the payload that seals `plaintext_len` bytes; `None` beyond 2⁶⁴.
pub fn payload_len(plaintext_len: u64) -> Option<u64> {
    let chunks = plaintext_len.div_ceil(CHUNK).max(1);
    plaintext_len.checked_add(chunks.checked_mul(TAG)?)?.checked_add(NONCE)
}

/// Bytes of plaintext in a payload of `payload_len` bytes; `None` when no payload is that long.
pub fn plaintext_len(payload_len: u64) -> Option<u64> {
    let sealed = payload_len.checked_sub(NONCE)?;
    let (full, rest) = (sealed / SEALED_CHUNK, sealed % SEALED_CHUNK);
    match rest {
        0 if full > 0 => Some(full * CHUNK),
        // Only an empty document has an empty last chunk.
        TAG if full == 0 => Some(0),
        rest if rest > TAG => Some(full * CHUNK + rest - TAG),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_either_side_agree() {
        for (plain, payload) in [
            (0, 32),
            (1, 33),
            (65_535, 65_567),
            (65_536, 65_568),
            (65_537, 65_585),
            (131_072, 131_120),
            (1_048_576, 16 + 1_048_832),
        ] {
            assert_eq!(payload_len(plain), Some(payload));
            assert_eq!(plaintext_len(payload), Some(plain));
        }
        for impossible in [0, 15, 16, 31, 65_568 + 1, 65_568 + 16] {
            assert_eq!(plaintext_len(impossible), None, "{impossible}");
        }
        assert_eq!(payload_len(u64::MAX), None);
    }

    proptest::proptest! {
        #[test]
        fn every_length_has_one_payload_length(plain in 0..1_u64 << 50) {
            let payload = payload_len(plain).expect("far from the limit");
            assert_eq!(plaintext_len(payload), Some(plain));
        }

        #[test]
        fn a_possible_length_is_some_documents(payload in 0..1_u64 << 50) {
            if let Some(plain) = plaintext_len(payload) {
                assert_eq!(payload_len(plain), Some(payload));
            }
        }
    }
}
