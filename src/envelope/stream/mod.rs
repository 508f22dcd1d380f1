//! The payload (C2SP age, "Payload"): a nonce, then the STREAM of sealed 64 KiB chunks.
//!
//! Three ways through it: bytes pushed in order ([`PayloadSealer`], [`PayloadOpener`]), streams
//! and files on all cores ([`seal_all`], [`open_all`]), and [`RangeOpener`] for a part of it. All
//! give the same bytes. Nothing is released before its
//! chunk is authentic; an end without the mark of the last chunk is an error.

mod jobs;
mod open;
mod parallel;
mod range;
mod read_at;
mod seal;

pub use crate::envelope::chunk::{CHUNK_BYTES, SEALED_CHUNK_BYTES, TAG_BYTES};
pub use open::PayloadOpener;
pub use parallel::{Progress, Sink, Source, open_all, seal_all};
pub use range::RangeOpener;
pub use read_at::ReadAt;
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
mod tests;
